"""Guessing is slow where no account is asked: failures are counted by what is guessed and by who guesses.

The counts stand in the cache that all processes share, each for the rest of its window; who clears the cache
forgives. Sign-in has limits of its own, with Astakos.
"""

from __future__ import annotations

import hashlib

from django.core.cache import cache

from synnefo.common.faults import TooManyRequests

WINDOW_S = 60
MOST_OF_A_NAME = 20
MOST_OF_AN_ADDRESS = 10


def check(action: str, name: str, address: str) -> None:
    """Raise TooManyRequests if this name, or this address, failed too often within the last minute."""
    for key, most in _keys(action, name, address):
        if cache.get(key, 0) >= most:
            raise TooManyRequests("Too many failed attempts. Try again in a minute.")


def note_failure(action: str, name: str, address: str) -> None:
    for key, _ in _keys(action, name, address):
        if not cache.add(key, 1, WINDOW_S):
            try:
                cache.incr(key)
            except ValueError:  # it expired this very moment
                cache.add(key, 1, WINDOW_S)


def _keys(action: str, name: str, address: str) -> list[tuple[str, int]]:
    """Digests, since names and addresses are of any length, and nobody's to keep."""
    wanted = ((f"name:{action}:{name}", MOST_OF_A_NAME), (f"address:{action}:{address}", MOST_OF_AN_ADDRESS))
    return [
        (f"attempts:{hashlib.sha256(text.encode(errors='replace')).hexdigest()}", most)
        for text, most in wanted
    ]
