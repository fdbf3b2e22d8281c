"""What may be done with key pairs. They belong to a user, never to a project."""

from __future__ import annotations

import base64
import binascii
import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from django.conf import settings
from django.db import IntegrityError
from django.db.models import QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.keypairs.models import KeyPair

MAX_CONTENT = 30_000
KINDS = (
    "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "ssh-dss",
)  # fmt: skip


def keypairs_for(caller: Caller) -> QuerySet[KeyPair]:
    return KeyPair.objects.filter(userid=caller.user).order_by("name")


def get(caller: Caller, name: str) -> KeyPair:
    """One key pair of the caller's. Raises ItemNotFound."""
    found = keypairs_for(caller).filter(name=name).first()
    if found is None:
        raise ItemNotFound(f"Keypair {name} not found.")
    return found


def create(caller: Caller, name: str, public_key: str | None = None) -> tuple[KeyPair, str | None]:
    """Keep a public key; without one make a pair and return the private key, this once.

    Raises BadRequest (name, key), Conflict (name taken), Forbidden (too many).
    """
    _check_name(name)
    private = None
    if public_key is None:
        public_key, private = _generate()
    kind, fingerprint = _parse(public_key)
    try:
        with atomic():
            if keypairs_for(caller).count() >= settings.CYCLADES_MAX_KEYPAIRS:
                raise Forbidden("Quota exceeded, too many key pairs.")
            row = KeyPair.objects.create(
                userid=caller.user, name=name, content=public_key.strip(), kind=kind, fingerprint=fingerprint
            )
            record(caller, "keypair.create", "keypair", row.pk, name=name)
    except IntegrityError:
        raise Conflict("A keypair with that name already exists") from None
    return row, private


def find(caller: Caller, key_id: int) -> KeyPair:
    """One key pair of the caller's by its id. Raises ItemNotFound."""
    found = keypairs_for(caller).filter(pk=key_id).first()
    if found is None:
        raise ItemNotFound("There is no such key.")
    return found


def change(caller: Caller, key_id: int, name: str, public_key: str) -> KeyPair:
    """Another name, or another key under it. Raises ItemNotFound, BadRequest, Conflict (name taken)."""
    _check_name(name)
    kind, fingerprint = _parse(public_key)
    try:
        with atomic():
            row = find(caller, key_id)
            row.name, row.content, row.kind, row.fingerprint = name, public_key.strip(), kind, fingerprint
            row.save()
            record(caller, "keypair.change", "keypair", row.pk, name=name)
    except IntegrityError:
        raise Conflict(f"Key pair '{name}' already exists.") from None
    return row


def generate() -> tuple[str, str]:
    """A pair that nobody keeps: the public key, and the private one."""
    return _generate()


def delete(caller: Caller, name: str) -> None:
    with atomic():
        row = get(caller, name)
        record(caller, "keypair.delete", "keypair", row.pk, name=name)
        row.delete()


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= 255 or not name.isprintable() or name != name.strip():
        raise BadRequest("Keypair name must be 1 to 255 printable characters, without spaces at its ends.")


def _parse(public_key: str) -> tuple[str, str]:
    """Type and MD5 fingerprint of an OpenSSH public key line. Raises BadRequest."""
    parts = public_key.strip().split(None, 2)
    if len(public_key) > MAX_CONTENT or len(parts) < 2 or "\n" in public_key.strip() or parts[0] not in KINDS:
        raise BadRequest("Keypair data is invalid: this is not an OpenSSH public key.")
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("Keypair data is invalid: the key is not base64.") from None
    length = int.from_bytes(blob[:4], "big")
    if blob[4 : 4 + length] != parts[0].encode():
        raise BadRequest("Keypair data is invalid: the key is of another type than it says.")
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    return parts[0], ":".join(digest[place : place + 2] for place in range(0, 32, 2))


def _generate() -> tuple[str, str]:
    """The public key, and the private one: of RSA in the form that old programs read, too."""
    bits: int = settings.CYCLADES_KEYPAIR_RSA_BITS
    private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if bits:
        private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        form = serialization.PrivateFormat.TraditionalOpenSSL
    else:
        private, form = ed25519.Ed25519PrivateKey.generate(), serialization.PrivateFormat.OpenSSH
    public = private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    text = private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return public.decode(), text.decode()
