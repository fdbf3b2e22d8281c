"""Signing in elsewhere by an account here: OpenID Connect (allauth's), and the flow of Synnefo 0.21."""
