"""Engines: the contract (``base``), the drivers, and the registry that knows how to reach each."""
