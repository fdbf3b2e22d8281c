"""Tokens: made, looked up, listed, revoked.

A token is 43 URL-safe characters, shown once; the table keeps its SHA-256. Looking one up is the
hottest path of the whole cloud: one indexed query for the token, its user and its project.
"""

from __future__ import annotations

import datetime
import hashlib
import secrets
from collections.abc import Iterable
from typing import Any, NamedTuple

import structlog
from allauth.idp.oidc.models import Token as ClientToken
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import DatabaseError
from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.utils import timezone

from synnefo.astakos.accounts.memory import Heard
from synnefo.astakos.accounts.models import ApplicationCredential, Token, User
from synnefo.astakos.oauth.models import OAuthToken
from synnefo.astakos.projects.models import Membership, Project
from synnefo.astakos.projects.rules import ACCESS
from synnefo.astakos.roles import effective
from synnefo.astakos.roles.models import Assignment
from synnefo.audit import rules as audit
from synnefo.common.accounts import SERVICES, Identity
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound, Unauthorized
from synnefo.common.fields import check_fields
from synnefo.common.prepared import ListOf, Prepared
from synnefo.common.transactions import atomic

log = structlog.get_logger("synnefo.astakos")

MEMBER_ROLES = frozenset({"member", "reader"})
ADMIN_ROLE = "admin"
UNKNOWN = "Invalid X-Auth-Token"
TERMS_NOT_SIGNED = "terms_not_signed"
#: A lifetime without end, and the end that it has: a date, so that clients that know no other can read it.
FOREVER = datetime.timedelta.max
NEVER = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)

_TOUCH_EVERY = datetime.timedelta(minutes=1)


class Grant(NamedTuple):
    """A token that exists, with what belongs to it; the names of the fields are paths of the query.

    Requests for objects look up no more than the first of them (``_OF_CALLERS``): each of the others is a
    join or a value to read. ``assigned`` are the roles that were given in its project or scope, beyond
    membership; it is looked up where ``is_assigned`` says that there are some.
    """

    digest: str
    read_only: bool
    last_used: datetime.datetime | None
    expires: datetime.datetime
    user_id: int
    user__uuid: str
    user__username: str
    user__is_active: bool
    user__terms_due: datetime.datetime | None
    user__is_superuser: bool
    user__default_project: str
    project_id: int | None
    project__uuid: str | None
    project__state: int | None
    scope: str
    only_roles: str
    services: str
    confined: bool
    is_member: bool
    is_assigned: bool
    kind: str = ""
    methods: str = ""
    created: datetime.datetime = datetime.datetime.min
    user__first_name: str = ""
    user__last_name: str = ""
    user__entry__name: str | None = None
    user__entry__domain__uuid: str | None = None
    user__entry__domain__name: str | None = None
    project__realname: str | None = None
    project__entry__domain__uuid: str | None = None
    project__entry__domain__name: str | None = None
    application_credential_id: int | None = None
    assigned: frozenset[str] = frozenset()

    @property
    def roles(self) -> frozenset[str]:
        """The ids of OpenStack's roles that this token carries."""
        if self.is_member or (self.project_id is None and not self.scope):
            roles = roles_of(self.user__is_superuser) | self.assigned
        else:
            roles = self.assigned | (roles_of(True) if self.user__is_superuser else frozenset())
        if self.only_roles:
            roles &= frozenset(self.only_roles.split(","))
        return roles - {"member"} if self.read_only else roles

    @property
    def only_reads(self) -> bool:
        """Whether it may change nothing: it was made so, or its user is less than a member."""
        return self.read_only or not self.roles & {"member", ADMIN_ROLE}

    @property
    def only_services(self) -> frozenset[str]:
        """The types of service that it is good for; empty: all."""
        return frozenset(self.services.split(",")) if self.services else frozenset()

    @property
    def is_limited(self) -> bool:
        """Whether it has less than its user's rights, and so must not get at what has them all."""
        return bool(self.services or self.confined or self.only_roles or self.read_only)

    @property
    def realname(self) -> str:
        return f"{self.user__first_name} {self.user__last_name}".strip()


_OF_CALLERS = Grant._fields[: Grant._fields.index("kind")]
_ALL = Grant._fields[:-1]


def roles_of(is_superuser: bool) -> frozenset[str]:
    return MEMBER_ROLES | {ADMIN_ROLE} if is_superuser else MEMBER_ROLES


def issue(
    user: User,
    *,
    kind: str,
    methods: str = "token",
    name: str = "",
    project: Project | None = None,
    scope: str = "",
    credential: ApplicationCredential | None = None,
    parent: Token | None = None,
    roles: Iterable[str] = (),
    services: Iterable[str] = (),
    confined: bool = False,
    read_only: bool = False,
    expires: datetime.datetime,
) -> str:
    """A new token, shown this once. The caller has checked that the user may have it.

    ``roles`` narrow those of the user where there are any.
    """
    token = secrets.token_urlsafe(32)
    Token.objects.create(
        user=user,
        digest=digest_of(token),
        kind=kind,
        methods=methods,
        name=name,
        project=project,
        scope=scope,
        application_credential=credential,
        only_roles=",".join(sorted(roles)),
        parent=parent,
        services=",".join(sorted(services)),
        confined=confined,
        read_only=read_only,
        expires=expires,
    )
    return token


def create_api_token(
    caller: Caller,
    user: User,
    name: str,
    *,
    lifetime: datetime.timedelta | None = None,
    project: Project | None = None,
    roles: Iterable[str] = (),
    services: Iterable[str] = (),
    read_only: bool = False,
) -> tuple[str, Token]:
    """A token made by hand, for programs: for all that the user has, or one project of his alone.

    ``services`` are types of service, ``roles`` some of the user's, none for all. Raises BadRequest for a
    long name, a service that there is not, or a lifetime that cannot be (see ``end_of``).
    """
    check_fields(Token(name=name), ("name",))
    wanted, expires = known_services(services), end_of(lifetime)
    with atomic():
        token = issue(
            user,
            kind=Token.Kind.API,
            name=name,
            project=project,
            confined=project is not None,
            roles=roles,
            services=wanted,
            read_only=read_only,
            expires=expires,
        )
        row = Token.objects.get(digest=digest_of(token))
        audit.record(caller, "token.create", "token", row.uuid, name=name, user=user.uuid)
    return token, row


def end_of(lifetime: datetime.timedelta | None) -> datetime.datetime:
    """When something that lives so long ends; the usual time for None, ``NEVER`` for ``FOREVER``.

    Raises BadRequest for no time at all, and for ``FOREVER`` where ``ASTAKOS_TOKENS_WITHOUT_END`` is off.
    """
    if lifetime == FOREVER:
        if not settings.ASTAKOS_TOKENS_WITHOUT_END:
            raise BadRequest("On this cloud every token ends at some time.")
        return NEVER
    lifetime = lifetime or datetime.timedelta(hours=settings.ASTAKOS_TOKEN_DURATION_H)
    if lifetime <= datetime.timedelta():
        raise BadRequest("A token must live for some time.")
    return timezone.now() + lifetime


def known_services(names: Iterable[str]) -> frozenset[str]:
    """Types of service, checked; all of them are the same as none. Raises BadRequest."""
    wanted = frozenset(names)
    if unknown := wanted - set(SERVICES):
        raise BadRequest(f"No service {', '.join(sorted(unknown))}; there are {', '.join(SERVICES)}.")
    return wanted if wanted != set(SERVICES) else frozenset()


def renew(caller: Caller, user: User, name: str = "") -> str:
    """End all of a user's tokens but those of application credentials; returns the one new API token."""
    with atomic():
        end_all(user, of_programs=True)
        token, _ = create_api_token(caller, user, name)
    return token


def end_all(user: User, *, of_programs: bool) -> None:
    """End tokens from signing in; ``of_programs``: and all others but those of application credentials."""
    kinds = (Token.Kind.LOGIN, Token.Kind.API) if of_programs else (Token.Kind.LOGIN,)
    Token.objects.filter(user=user, kind__in=kinds).delete()
    if of_programs:
        OAuthToken.objects.filter(user=user).delete()
        ClientToken.objects.filter(user=user).delete()


def api_tokens_of(user: User) -> QuerySet[Token]:
    return Token.objects.filter(user=user, kind=Token.Kind.API).order_by("-created", "-pk")


def revoke(caller: Caller, user: User, uuid: str) -> None:
    """Make a user's token useless. Raises ItemNotFound."""
    with atomic():
        if not Token.objects.filter(user=user, uuid=uuid).delete()[0]:
            raise ItemNotFound("No such token.")
        audit.record(caller, "token.revoke", "token", uuid, user=user.uuid)


class _Known(NamedTuple):
    """What a token says ``until`` it ends, terms are due, or it is to be noted that it was used."""

    identity: Identity
    until: datetime.datetime


memory = Heard[_Known]()


def identify(token: str) -> Identity:
    """Whose token this is, where he may work and as what. Raises Unauthorized with the reason."""
    digest = digest_of(token)
    known = _valid(memory.get(digest))
    if known is not None:
        return known
    turn, now = memory.turn, timezone.now()
    found = _callers(digest)
    grant = _good(Grant(*found[0][:-2]) if found else None)
    identity = _identity(grant, *found[0][-2:])
    if not (grant.is_assigned or grant.scope):  # which says more than what was looked up here
        used = now if _is_to_be_noted(grant, now) else grant.last_used or now
        until = min(grant.expires, grant.user__terms_due or grant.expires, used + _TOUCH_EVERY)
        memory.keep(digest, _Known(identity, until), turn)
    return identity


def remembered(token: str) -> Identity | None:
    """The same for who cannot wait: whose it is, if that is known without asking anybody."""
    return _valid(memory.get_in_loop(digest_of(token)))


def _valid(known: _Known | None) -> Identity | None:
    return known.identity if known is not None and timezone.now() < known.until else None


def _identity(grant: Grant, projects: Iterable[str], groups: Iterable[str]) -> Identity:
    roles = grant.roles
    return Identity(
        user=grant.user__uuid,
        user_name=grant.user__username,
        project=grant.project__uuid,
        default_project=grant.user__default_project,
        projects=_reached(grant, projects),
        roles=roles.union(groups),
        is_admin=ADMIN_ROLE in roles,
        read_only=grant.only_reads,
        services=grant.only_services,
        confined=grant.confined,
    )


def identity_of_user(uuid: str) -> Identity:
    """A user without a token (he is signed in to the pages). Raises Unauthorized if he is not active."""
    user = User.objects.filter(uuid=uuid, is_active=True).first()
    if user is None:
        raise Unauthorized("User inactive")
    related = _projects_and_groups(user.pk)
    roles = roles_of(user.is_superuser)
    return Identity(
        user=user.uuid,
        user_name=user.username,
        project=user.default_project,
        default_project=user.default_project,
        projects=frozenset(value for what, value in related if what == "p"),
        roles=roles.union(value for what, value in related if what == "g"),
        is_admin=ADMIN_ROLE in roles,
    )


def lookup(token: str) -> Grant:
    """A token that is good now. Raises Unauthorized with the reason."""
    digest = digest_of(token)
    return _good(_found(digest, digest).get(digest))


def require_service(grant: Grant, service: str) -> None:
    """Raises Forbidden if the token is for other services alone."""
    if grant.services and service not in grant.only_services:
        raise Forbidden(f"This token is not for the service {service}.")


def validate(token: str, subject: str) -> Grant:
    """What a token says, asked by the bearer of a token (often the same): one query for both.

    Raises Unauthorized, Forbidden (another's token, and not an administrator), ItemNotFound.
    """
    digest, subject_digest = digest_of(token), digest_of(subject)
    found = _found(digest, subject_digest)
    asking = _good(found.get(digest))
    try:
        grant = asking if digest == subject_digest else _good(found.get(subject_digest))
    except Unauthorized as fault:
        raise ItemNotFound("Could not find token.") from fault
    if grant.user_id != asking.user_id and ADMIN_ROLE not in asking.roles:
        raise Forbidden("You are not authorized to look at this token.")
    return grant


def revoke_by_value(token: str, subject: str) -> None:
    """End a token. Raises as ``validate`` does."""
    grant = validate(token, subject)
    Token.objects.filter(digest=grant.digest).delete()


def remove_expired() -> int:
    """Remove tokens that cannot be used any more; returns how many."""
    return Token.objects.filter(expires__lte=timezone.now()).delete()[0]


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode(errors="backslashreplace")).hexdigest()


def _by_digest(first: str, second: str, fields: Iterable[str] = _ALL) -> QuerySet[Token, Any]:
    memberships = Membership.objects.filter(
        person=OuterRef("user"), project=OuterRef("project"), state__in=Membership.ACTUALLY_ACCEPTED
    )
    assignments = Assignment.objects.filter(
        effective.assigned_to(OuterRef("user")), project=OuterRef("project")
    )
    rows = Token.objects.filter(digest__in=(first, second))
    rows = rows.annotate(is_member=Exists(memberships), is_assigned=Exists(assignments))
    return rows.values_list(*fields)


_query = Prepared(_by_digest, "first digest", "second digest")


def _with_projects_and_groups(digest: str) -> QuerySet[Token, Any]:
    """A token, and what its user is in: requests for objects ask for nothing else of Astakos."""
    projects = Membership.objects.filter(ACCESS, person=OuterRef("user"))
    groups = Group.objects.filter(user=OuterRef("user"))
    rows = _by_digest(digest, digest, ())
    return rows.values_list(*_OF_CALLERS, ListOf(projects, "project__uuid"), ListOf(groups, "name"))


_callers = Prepared(_with_projects_and_groups, "digest")


def _found(digest: str, another: str) -> dict[str, Grant]:
    """The tokens that exist of these two (which may be the same), by digest."""
    return {row[0]: Grant(*row) for row in _query(digest, another)}


def _good(grant: Grant | None) -> Grant:
    if grant is None:
        raise Unauthorized(UNKNOWN)
    if not grant.user__is_active:
        raise Unauthorized("User inactive")
    now = timezone.now()
    if grant.expires <= now:
        raise Unauthorized("Authentication expired")
    require_signed_terms(grant.user__terms_due, now)
    grant = _with_assigned(grant)
    if not _is_open(grant):
        raise Unauthorized("The token's project is not open to its user any more")
    if _is_to_be_noted(grant, now):
        _touch(grant.digest, now)
    return grant


def _is_to_be_noted(grant: Grant, now: datetime.datetime) -> bool:
    return grant.last_used is None or now - grant.last_used > _TOUCH_EVERY


def require_signed_terms(due: datetime.datetime | None, now: datetime.datetime) -> None:
    """Raises Unauthorized, with a word for machines, if there are terms of use that he had to sign by now."""
    if due is not None and due <= now:
        raise Unauthorized("Pending approval terms", details=TERMS_NOT_SIGNED)


def _with_assigned(grant: Grant) -> Grant:
    if grant.is_assigned and grant.project_id is not None:
        return grant._replace(assigned=effective.roles_in_project(grant.user_id, grant.project_id))
    if grant.scope:
        return grant._replace(assigned=effective.roles_in_scope(grant.user_id, grant.scope))
    return grant


def _is_open(grant: Grant) -> bool:
    """Whether its user still may work where the token is for."""
    if grant.project_id is None:
        return not grant.scope or bool(grant.roles)
    open_to_him = grant.is_member or bool(grant.assigned)
    return open_to_him and grant.project__state == Project.State.NORMAL


def _reached(grant: Grant, projects: Iterable[str]) -> frozenset[str]:
    """The projects of its user, or the one that the token is confined to."""
    return frozenset(filter(None, [grant.project__uuid]) if grant.confined else projects)


def _touch(digest: str, now: datetime.datetime) -> None:
    """Note the use, at most once a minute; a database too busy for that is no reason to refuse."""
    due = Q(last_used__isnull=True) | Q(last_used__lt=now - _TOUCH_EVERY)
    try:
        Token.objects.filter(due, digest=digest).update(last_used=now)
    except DatabaseError as error:
        log.warning("cannot note the use of a token", error=str(error))


def _projects_and_groups_of(user_id: int) -> QuerySet[Any, Any]:
    kind = CharField(max_length=1)
    members = Membership.objects.filter(ACCESS, person=user_id)
    projects: QuerySet[Any, Any] = members.values_list(Value("p", kind), "project__uuid")
    groups = Group.objects.filter(user=user_id).values_list(Value("g", kind), "name")
    return projects.union(groups, all=True)


_projects_and_groups = Prepared(_projects_and_groups_of, -1)
