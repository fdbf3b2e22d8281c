"""The engine for real clusters: Ganeti, driven over its remote API (RAPI)."""

from synnefo.cyclades.backends.ganeti.backend import GanetiBackend
from synnefo.cyclades.backends.ganeti.config import GanetiConfig

__all__ = ["GanetiBackend", "GanetiConfig"]
