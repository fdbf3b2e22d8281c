"""Passwords of clusters as the old database keeps them: AES in CFB mode, 8 bits at a time.

``encrypted:<IV in base64>:<8 characters of salt>$<base64>``; what is encrypted begins with the salt. Text
without that beginning is a password in clear.
"""

from __future__ import annotations

import base64
import binascii

from cryptography.hazmat.decrepit.ciphers.modes import CFB8
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

_PREFIX = "encrypted:"
_KEY_BYTES = (16, 24, 32)
_PADDING = b"}"


class SecretError(Exception):
    """Why it cannot be read; the message says it of any."""


def plain(stored: str, key: str) -> str:
    """The password. Raises SecretError."""
    if not stored.startswith(_PREFIX):
        return stored
    if not key:
        raise SecretError("password that is encrypted, and no --secret-encryption-key is given")
    try:
        vector, _, rest = stored.removeprefix(_PREFIX).partition(":")
        salt, _, text = rest.partition("$")
        cipher = Cipher(algorithms.AES(_padded(key)), CFB8(base64.b64decode(vector)))
        opener = cipher.decryptor()
        found = (opener.update(base64.b64decode(text)) + opener.finalize()).decode()
    except (ValueError, binascii.Error):
        raise SecretError("password that this --secret-encryption-key does not open") from None
    if not salt or not found.startswith(salt):
        raise SecretError("password that this --secret-encryption-key does not open")
    return found.removeprefix(salt)


def _padded(key: str) -> bytes:
    """Keys of other lengths were filled up to the longest."""
    data = key.encode()
    return data if len(data) in _KEY_BYTES else data.ljust(max(_KEY_BYTES), _PADDING)[: max(_KEY_BYTES)]
