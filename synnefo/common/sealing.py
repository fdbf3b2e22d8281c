"""Secrets that must be read again (service tokens, signing keys), encrypted with a key out of ``SECRET_KEY``.

What is sealed for one ``purpose`` opens for no other. After ``SECRET_KEY`` was changed, the old one in
``SECRET_KEY_FALLBACKS`` still opens what it sealed.
"""

from __future__ import annotations

import base64
import binascii
import functools
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_NONCE_BYTES = 12


class Broken(Exception):
    """This was not sealed here for that purpose, or under a key that is known no more."""


def seal(text: str, purpose: str) -> str:
    """ASCII text, a third longer than the original and some 40 characters more."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = _cipher(settings.SECRET_KEY, purpose).encrypt(nonce, text.encode(), None)
    return base64.urlsafe_b64encode(nonce + sealed).decode()


def unseal(sealed: str, purpose: str) -> str:
    """Raises Broken."""
    try:
        data = base64.urlsafe_b64decode(sealed)
    except (binascii.Error, ValueError) as error:
        raise Broken("This is no sealed text.") from error
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return _cipher(secret, purpose).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError):
            continue
    raise Broken("This was sealed under another SECRET_KEY, or for something else.")


@functools.lru_cache(maxsize=32)
def _cipher(secret: str, purpose: str) -> AESGCM:
    derived = HKDF(hashes.SHA256(), length=32, salt=None, info=f"synnefo sealing: {purpose}".encode())
    return AESGCM(derived.derive(secret.encode()))
