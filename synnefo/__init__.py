"""Synnefo: a complete self-hosted cloud."""

__version__ = "1.0.0.dev0"
