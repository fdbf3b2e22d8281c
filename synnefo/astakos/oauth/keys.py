"""Keys that sign ID tokens: made when the first is needed, kept encrypted, renewed by operators."""

from __future__ import annotations

import datetime

import structlog
from allauth.idp.oidc.models import PrivateKey
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db.models import Q
from django.utils import timezone

from synnefo.astakos.oauth.models import SigningKey
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller, system_caller
from synnefo.common.sealing import Broken, seal, unseal
from synnefo.common.transactions import atomic

log = structlog.get_logger("synnefo.astakos")

_PURPOSE, _BITS = "signing key", 2048
#: An ID token lives for minutes; clients may have asked for the keys hours ago.
_OUTLIVES = datetime.timedelta(days=1)


def private_keys() -> list[PrivateKey]:
    """The keys that verify, of which the newest signs."""
    now = timezone.now()
    rows = SigningKey.objects.filter(Q(expires__isnull=True) | Q(expires__gt=now)).order_by("pk")
    found = [key for row in rows if (key := _opened(row)) is not None]
    return found or [_make(system_caller("signing"))]


def renew(caller: Caller) -> None:
    """Sign with a new key from now on; what the others signed is good for a day more."""
    with atomic():
        SigningKey.objects.filter(expires__isnull=True).update(expires=timezone.now() + _OUTLIVES)
        _make(caller)


def _make(caller: Caller) -> PrivateKey:
    made = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    with atomic():
        row = SigningKey.objects.create(sealed=seal(pem, _PURPOSE))
        audit.record(caller, "signing-key.create", "signing key", row.pk)
    return PrivateKey(pem=pem, issued_at=row.created)


def _opened(row: SigningKey) -> PrivateKey | None:
    try:
        pem = unseal(row.sealed, _PURPOSE)
    except Broken:
        log.error("a signing key cannot be read: SECRET_KEY is another than it was", key=row.pk)
        return None
    return PrivateKey(pem=pem, issued_at=row.created, expires_at=row.expires)
