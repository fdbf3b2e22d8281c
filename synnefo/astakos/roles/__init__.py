"""Roles of identity v3 beyond membership: which there are, who has which where, which implies which."""
