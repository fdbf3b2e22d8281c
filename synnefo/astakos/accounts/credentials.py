"""Application credentials: made, listed, removed. The secret is shown once; only its SHA-256 is kept."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterable, Sequence

from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone

from synnefo.astakos.accounts import tokens
from synnefo.astakos.accounts.models import ApplicationCredential, User
from synnefo.astakos.projects.models import Project
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.ids import parse_uuid
from synnefo.common.transactions import atomic

_SHORTEST_SECRET = 16


def create(
    caller: Caller,
    grant: tokens.Grant,
    *,
    name: str,
    description: str = "",
    secret: str | None = None,
    roles: Sequence[str] | None = None,
    expires: datetime.datetime | None = None,
    unrestricted: bool = False,
) -> tuple[ApplicationCredential, str]:
    """A credential for the token's user, in the token's project, with some (or all) of the token's roles.

    Raises Forbidden (unscoped token, or one of a restricted credential), BadRequest, Conflict.
    """
    if grant.project_id is None:
        raise Forbidden("Application credentials are made with a project-scoped token.")
    require_unrestricted(grant)
    if secret is not None and len(secret) < _SHORTEST_SECRET:
        raise BadRequest(f"The secret must have at least {_SHORTEST_SECRET} characters.")
    if expires is not None and expires <= timezone.now():
        raise BadRequest("expires_at must be in the future.")
    wanted = set(grant.roles if roles is None else roles)
    if not wanted or not wanted <= grant.roles:
        raise BadRequest(f"Roles must be some of {', '.join(sorted(grant.roles))}.")
    return insert(
        caller,
        User.objects.get(pk=grant.user_id),
        Project.objects.get(pk=grant.project_id),
        name=name,
        description=description,
        secret=secret,
        roles=wanted,
        services=grant.only_services,
        unrestricted=unrestricted,
        expires=expires,
    )


def insert(
    caller: Caller,
    user: User,
    project: Project,
    *,
    name: str,
    roles: Iterable[str],
    expires: datetime.datetime | None,
    description: str = "",
    secret: str | None = None,
    services: Iterable[str] = (),
    unrestricted: bool = False,
) -> tuple[ApplicationCredential, str]:
    """The row and its secret. The caller has checked that the user may have these roles in the project.

    Raises Conflict if he has a credential of that name.
    """
    secret = secret or secrets.token_urlsafe(48)
    row = ApplicationCredential(
        user=user,
        project=project,
        name=name,
        description=description,
        secret_digest=tokens.digest_of(secret),
        roles=sorted(roles),
        services=",".join(sorted(services)),
        unrestricted=unrestricted,
        expires=expires,
    )
    try:
        with atomic():
            row.save(force_insert=True)
            audit.record(caller, "credential.create", "application_credential", row.uuid, name=name)
    except IntegrityError as error:
        raise Conflict(f"There is an application credential called {name!r} already.") from error
    return row, secret


def credentials_of(user: User) -> QuerySet[ApplicationCredential]:
    return ApplicationCredential.objects.filter(user=user).select_related("user", "project").order_by("name")


def get(user: User, uuid: str) -> ApplicationCredential:
    """Raises ItemNotFound."""
    row = credentials_of(user).filter(uuid=parse_uuid(uuid)).first()
    if row is None:
        raise ItemNotFound(f"Could not find Application Credential: {uuid}.")
    return row


def delete(caller: Caller, grant: tokens.Grant, user: User, uuid: str) -> None:
    """Remove a credential, and with it every token that was made from it."""
    require_unrestricted(grant)
    remove(caller, user, uuid)


def remove(caller: Caller, user: User, uuid: str) -> None:
    """The same for somebody who is signed in himself. Raises ItemNotFound."""
    with atomic():
        row = get(user, uuid)
        row.delete()
        audit.record(caller, "credential.delete", "application_credential", uuid, name=row.name)


def of_grant(grant: tokens.Grant) -> ApplicationCredential | None:
    """The credential that a token was made from, if it was."""
    if grant.application_credential_id is None:
        return None
    return ApplicationCredential.objects.get(pk=grant.application_credential_id)


def require_unrestricted(grant: tokens.Grant) -> None:
    """A program that holds a restricted credential must not make itself more of them."""
    own = of_grant(grant)
    if own is not None and not own.unrestricted:
        raise Forbidden("This application credential may not manage credentials.")
