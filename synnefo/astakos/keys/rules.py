"""Access keys made, listed and removed, and signatures checked against them.

The secret of a key signs requests, so it must be known here to check them; it is encrypted where it is kept.
A key has all the rights of its user in its project, and no more of him than that project.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from synnefo.astakos.accounts import throttle, tokens
from synnefo.astakos.accounts.models import Token, User
from synnefo.astakos.accounts.sessions import SIGNATURE_METHOD
from synnefo.astakos.keys.models import AccessKey
from synnefo.astakos.projects.models import Project
from synnefo.astakos.roles import effective
from synnefo.audit import rules as audit
from synnefo.common import sealing
from synnefo.common.caller import Caller
from synnefo.common.faults import ItemNotFound, Unauthorized
from synnefo.common.transactions import atomic

#: What secrets are sealed for.
PURPOSE = "access keys"
_TOKEN_LIFETIME = timedelta(hours=1)


def create(caller: Caller, user: User, project: Project) -> tuple[AccessKey, str]:
    """A new key and its secret. Raises Unauthorized if he does not work in that project."""
    _require_member(user, project)
    secret = secrets.token_hex(16)
    with atomic():
        row = AccessKey.objects.create(
            access=secrets.token_hex(16), secret=sealing.seal(secret, PURPOSE), user=user, project=project
        )
        audit.record(caller, "key.create", "access_key", row.access, user=user.uuid, project=project.uuid)
    return row, secret


def keys_of(user: User) -> QuerySet[AccessKey]:
    return AccessKey.objects.filter(user=user).select_related("user", "project").order_by("pk")


def get(user: User, access: str) -> AccessKey:
    """Raises ItemNotFound."""
    row = keys_of(user).filter(access=access).first()
    if row is None:
        raise ItemNotFound(f"Could not find credential: {access}.")
    return row


def secret_of(row: AccessKey) -> str:
    """Raises sealing.Broken."""
    return sealing.unseal(row.secret, PURPOSE)


def delete(caller: Caller, user: User, access: str) -> None:
    """Remove a key, and with it the tokens that keys of that project were exchanged for."""
    with atomic():
        row = get(user, access)
        Token.objects.filter(user=user, project=row.project, methods=SIGNATURE_METHOD).delete()
        row.delete()
        audit.record(caller, "key.delete", "access_key", access, user=user.uuid)


def check(access: str, signature: str, sign: Callable[[str], str], *, address: str) -> AccessKey:
    """The key by whose secret this was signed: ``sign`` makes the right signature with a secret.

    Whatever is wrong, the answer is the same Unauthorized; raises TooManyRequests after too many.
    """
    with throttle.guarding("access key", access, address):
        rows = AccessKey.objects.filter(user__is_active=True).select_related("user", "project")
        row = rows.filter(access=access).first()
        secret = secret_of(row) if row is not None else secrets.token_hex(16)
        if not hmac.compare_digest(sign(secret).encode(), signature.encode()) or row is None:
            raise Unauthorized("The access key or the signature is wrong.")
        _require_member(row.user, row.project)
    AccessKey.objects.filter(pk=row.pk).update(last_used=timezone.now())
    return row


def open_token(row: AccessKey) -> str:
    """A short token in the key's project. It can be exchanged for no other."""
    return tokens.issue(
        row.user,
        kind=Token.Kind.LOGIN,
        methods=SIGNATURE_METHOD,
        project=row.project,
        expires=timezone.now() + _TOKEN_LIFETIME,
    )


def _require_member(user: User, project: Project) -> None:
    if not effective.open_to(user).filter(pk=project.pk).exists():
        raise Unauthorized("The access key or the signature is wrong.")
