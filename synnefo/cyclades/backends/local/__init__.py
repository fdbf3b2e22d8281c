"""The local engine: QEMU on this machine. ``LocalBackend`` is what the rest of Cyclades sees."""

from synnefo.cyclades.backends.local.backend import LocalBackend

__all__ = ["LocalBackend"]
