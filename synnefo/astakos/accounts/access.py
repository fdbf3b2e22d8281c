"""Access for a user's programs, as the console's page of tokens lists, makes and revokes it.

What is made here for one project is one thing to its user, by one name: an application credential, by which
OpenStack's clients sign in to its project, and an API token that lives and dies with it, for kamaki and
scripts. What is made for all of his projects is an API token alone. Tokens and credentials that were made
elsewhere (by commands, through the API) are listed beside.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import CharField, Exists, Max, OuterRef, QuerySet, Value
from django.utils import timezone

from synnefo.astakos.accounts import credentials, tokens
from synnefo.astakos.accounts.models import ApplicationCredential, Token, User
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.models import Project
from synnefo.audit import rules as audit
from synnefo.common.accounts import SERVICES
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound
from synnefo.common.fields import check_fields
from synnefo.common.transactions import atomic

DAY = datetime.timedelta(days=1)

_CREDENTIAL, _TOKEN = "credential", "token"


@dataclasses.dataclass(frozen=True)
class Secrets:
    """What is shown this once. ``uuid`` is the credential's, or the token's where that is alone."""

    uuid: str
    name: str
    expires: datetime.datetime
    token: str
    credential: ApplicationCredential | None = None
    secret: str | None = None


@dataclasses.dataclass(frozen=True)
class Access:
    """A credential or a token, as a row shows it.

    ``project`` is None where all of the user's are meant, ``expires`` where it never does; ``services`` are
    types, none for all.
    """

    uuid: str
    name: str
    project: Project | None
    roles: frozenset[str]
    services: tuple[str, ...]
    created: datetime.datetime
    expires: datetime.datetime | None
    last_used: datetime.datetime | None
    for_openstack: bool
    for_kamaki: bool

    @property
    def expired(self) -> bool:
        return self.expires is not None and self.expires <= timezone.now()


def create(
    caller: Caller,
    user: User,
    name: str,
    *,
    project: str | None,
    lifetime: datetime.timedelta,
    services: Iterable[str] = (),
    read_only: bool = False,
    as_admin: bool = False,
) -> Secrets:
    """Access to one of the user's projects, or (None) to all: to do what the user may, or only to read.

    ``services`` are the types of service that it is good for, none for all; ``lifetime`` may be
    ``tokens.FOREVER``. Raises BadRequest (name, lifetime, services), ItemNotFound (project), Forbidden (an
    administrator's rights for somebody who is none), Conflict (he has a credential of that name).
    """
    name = name.strip()
    if not name.isprintable():
        raise BadRequest("A name has printable characters alone.")
    roles = _roles(user, read_only=read_only, as_admin=as_admin)
    if project is None:
        narrowed = roles if user.is_superuser else ()
        token, made = tokens.create_api_token(
            caller, user, name, lifetime=lifetime, roles=narrowed, services=services, read_only=read_only
        )
        return Secrets(made.uuid, name, made.expires, token)
    check_fields(ApplicationCredential(name=name), ("name",))
    expires, wanted = tokens.end_of(lifetime), tokens.known_services(services)
    found = projects.projects_of(user).filter(uuid=project).first()
    if found is None:
        raise ItemNotFound("You are no member of such a project.")
    with atomic():
        row, secret = credentials.insert(
            caller, user, found, name=name, roles=roles, services=wanted, expires=expires
        )
        token = tokens.issue(
            user,
            kind=Token.Kind.CREDENTIAL,
            methods="application_credential",
            name=name,
            project=found,
            credential=row,
            roles=roles,
            services=wanted,
            confined=True,
            read_only=read_only,
            expires=expires,
        )
        audit.record(caller, "token.create", "token", row.uuid, name=name, user=user.uuid)
    return Secrets(row.uuid, name, expires, token, row, secret)


def renew(caller: Caller, user: User, uuid: str) -> Secrets:
    """End it and make the same anew, for as long as the old one was made for. Raises ItemNotFound."""
    with atomic():
        old = revoke(caller, user, uuid)
        return create(
            caller,
            user,
            old.name,
            project=old.project.uuid if old.project is not None else None,
            lifetime=old.expires - old.created if old.expires is not None else tokens.FOREVER,
            services=old.services,
            read_only=not {"member", tokens.ADMIN_ROLE} & old.roles,
            as_admin=tokens.ADMIN_ROLE in old.roles,
        )


def get(user: User, uuid: str) -> Access:
    """Raises ItemNotFound: it is not there, or not the user's."""
    found = _shown(user, [uuid])
    if not found:
        raise ItemNotFound("You have no such token.")
    return found[0]


def page_of(user: User, number: str, rows: int) -> Page[Access]:
    """All of a user's, newest first; tokens from signing in are left out."""
    kind = CharField(max_length=16)
    made = _credentials(user).values_list("created", "uuid", Value(_CREDENTIAL, kind))
    alone = _tokens(user).values_list("created", "uuid", Value(_TOKEN, kind))
    every = made.order_by().union(alone.order_by(), all=True).order_by("-created", "uuid")
    page = Paginator(every, rows).get_page(number)
    page.object_list = _shown(user, [uuid for _, uuid, _ in page.object_list])
    return page


def revoke(caller: Caller, user: User, uuid: str) -> Access:
    """End it, with every token that was made from it. Raises ItemNotFound."""
    found = get(user, uuid)
    if found.for_openstack:
        credentials.remove(caller, user, uuid)
    else:
        tokens.revoke(caller, user, uuid)
    return found


def _roles(user: User, *, read_only: bool, as_admin: bool) -> frozenset[str]:
    if as_admin and not user.is_superuser:
        raise Forbidden("Only administrators have an administrator's rights.")
    roles = tokens.roles_of(as_admin)
    return roles - {"member", tokens.ADMIN_ROLE} if read_only else roles


def _credentials(user: User) -> QuerySet[ApplicationCredential]:
    return ApplicationCredential.objects.filter(user=user)


def _tokens(user: User) -> QuerySet[Token]:
    return Token.objects.filter(user=user, kind=Token.Kind.API, application_credential=None)


def _shown(user: User, uuids: Sequence[str]) -> list[Access]:
    """These of the user's, in this order."""
    own_token = Exists(Token.objects.filter(application_credential=OuterRef("pk")).exclude(name=""))
    rows = _credentials(user).filter(uuid__in=uuids).select_related("project")
    rows = rows.annotate(token_used=Max("token__last_used"), has_token=own_token)
    found = {row.uuid: _of_credential(row) for row in rows}
    alone = _tokens(user).filter(uuid__in=uuids).select_related("project")
    found |= {row.uuid: _of_token(row, user) for row in alone}
    return [found[uuid] for uuid in uuids if uuid in found]


def _of_credential(row: Any) -> Access:
    used = [moment for moment in (row.last_used, row.token_used) if moment is not None]
    return Access(
        uuid=row.uuid,
        name=row.name,
        project=row.project,
        roles=frozenset(row.roles),
        services=_services(row.services),
        created=row.created,
        expires=_end(row.expires),
        last_used=max(used, default=None),
        for_openstack=True,
        for_kamaki=row.has_token,
    )


def _of_token(row: Token, user: User) -> Access:
    roles = tokens.roles_of(user.is_superuser)
    if row.only_roles:
        roles &= frozenset(row.only_roles.split(","))
    return Access(
        uuid=row.uuid,
        name=row.name,
        project=row.project,
        roles=frozenset({"reader"}) if row.read_only else roles,
        services=_services(row.services),
        created=row.created,
        expires=_end(row.expires),
        last_used=row.last_used,
        for_openstack=False,
        for_kamaki=True,
    )


def _services(kept: str) -> tuple[str, ...]:
    return tuple(name for name in SERVICES if name in kept.split(","))


def _end(expires: datetime.datetime | None) -> datetime.datetime | None:
    return None if expires == tokens.NEVER else expires
