"""Flavors: the sizes in which servers come."""
