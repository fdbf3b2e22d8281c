"""How the statistics service is told which server's graphs are asked for, without asking who asks.

The word is the server's name under a key that both know (spec: cyclades 1.4). It is 0.21's, whose service
reads it: a block cipher without chaining, and without an end of its validity.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.conf import settings

_BLOCK = 16


def graph_secret(engine_name: str) -> str:
    """URL-safe base64 of the name, made longer with 1 to 16 NULs, under the SHA-256 of the shared word."""
    key = hashlib.sha256(settings.CYCLADES_STATS_SECRET_KEY.encode()).digest()
    name = engine_name.encode()
    padded = name + bytes(_BLOCK - len(name) % _BLOCK)
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305  what its reader reads
    return base64.urlsafe_b64encode(cipher.update(padded) + cipher.finalize()).decode()
