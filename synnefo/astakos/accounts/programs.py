"""Programs that know no tokens but a user and a password (WebDAV): whom they act for.

The password is an API token of the user's, or the secret of one of his application credentials; never his
own password, which a program's settings are no place for.
"""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from synnefo.astakos.accounts import throttle, tokens
from synnefo.astakos.accounts.models import ApplicationCredential
from synnefo.astakos.roles import effective
from synnefo.common.accounts import Identity
from synnefo.common.faults import Unauthorized
from synnefo.common.ids import parse_uuid

_ACTION = "program"


def identify(user: str, secret: str, *, address: str) -> Identity:
    """Who it is, by his e-mail or uuid and the secret. Raises Unauthorized, TooManyRequests."""
    try:
        identity = tokens.identify(secret)
    except Unauthorized as fault:
        if fault.message != tokens.UNKNOWN:
            raise
        return _of_credential(user, secret, address)
    if user.strip().lower() not in (identity.user, identity.user_name.lower()):
        raise Unauthorized("The token is another user's.")
    return identity


def _of_credential(name: str, secret: str, address: str) -> Identity:
    owner = Q(user__uuid=parse_uuid(name) or "") | Q(user__username=name.strip().lower())
    now = timezone.now()
    rows = ApplicationCredential.objects.select_related("user", "project")
    rows = rows.filter(owner, Q(expires__isnull=True) | Q(expires__gt=now), user__is_active=True)
    with throttle.guarding(_ACTION, name, address):
        found = rows.filter(secret_digest=tokens.digest_of(secret)).first() if "\x00" not in name else None
        if found is None:
            raise Unauthorized("There is no such user and token.")
    user, project = found.user, found.project
    tokens.require_signed_terms(user.terms_due, now)
    if not effective.open_to(user).filter(pk=project.pk).exists():
        raise Unauthorized("The credential's project is not open to its user any more")
    rows.filter(pk=found.pk).update(last_used=now)
    roles = tokens.roles_of(user.is_superuser) | effective.roles_in_project(user.pk, project.pk)
    roles &= frozenset(found.roles)
    return Identity(
        user=user.uuid,
        user_name=user.username,
        project=project.uuid,
        default_project=user.default_project,
        projects=frozenset({project.uuid}),
        roles=roles,
        is_admin=tokens.ADMIN_ROLE in roles,
        read_only=not roles & {"member", tokens.ADMIN_ROLE},
        services=frozenset(filter(None, found.services.split(","))),
        confined=True,
    )
