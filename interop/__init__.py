"""Clients' own test suites, run on a real cloud: what is interoperable is so here, or is named."""
