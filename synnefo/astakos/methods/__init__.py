"""By which methods people sign in: providers, policies, links to identities elsewhere, second factors."""
