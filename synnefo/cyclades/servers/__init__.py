"""Servers: virtual machines and what may be done to them."""
