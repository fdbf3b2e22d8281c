"""Who has which role where: given, taken away, told.

Three truths are read as one. ``member`` of a project is a membership, so it brings quota and the rules of
membership decide; ``admin`` of the system is the account's own flag; all else are rows of ``Assignment``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects import memberships
from synnefo.astakos.projects.models import Membership, Project
from synnefo.astakos.roles.effective import ADMIN, MEMBER, with_implied
from synnefo.astakos.roles.models import Assignment, Role
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden, ItemNotFound
from synnefo.common.transactions import atomic


@dataclasses.dataclass(frozen=True, slots=True)
class At:
    """Where a role is good: in a project, in a domain (its uuid, or ``default``), or in the system."""

    project: Project | None = None
    domain: str = ""

    @property
    def system(self) -> bool:
        return self.project is None and not self.domain


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """A role that a user or a group has somewhere; without project and domain, in the system."""

    role: str
    user: User | None = None
    group: Group | None = None
    project: Project | None = None
    domain: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """Which assignments to tell; what is None does not narrow."""

    user: User | None = None
    group: Group | None = None
    role: str | None = None
    at: At | None = None


def grant(caller: Caller, role: Role, who: User | Group, at: At) -> None:
    """Give a role; one that he has stays. Raises Forbidden for what cannot be, and as enrolling does."""
    _require_possible(role, who, at)
    if role.uuid in roles_of(who, at):
        return
    with atomic():
        if at.project is not None and role.uuid == MEMBER and isinstance(who, User):
            memberships.enroll(caller, at.project.uuid, who.username)
        elif at.system and role.uuid == ADMIN and isinstance(who, User):
            accounts.set_admin(caller, who, True)
        else:
            Assignment.objects.get_or_create(role=role.uuid, **_place(who, at))
        _record(caller, "role.grant", role, who, at)


def revoke(caller: Caller, role: Role, who: User | Group, at: At) -> None:
    """Raises ItemNotFound if he has not got it, and as removing a member does."""
    require(role, who, at)
    with atomic():
        if at.project is not None and role.uuid == MEMBER and isinstance(who, User):
            row = Membership.objects.get(project=at.project, person=who)
            memberships.remove(caller, row.pk)
        elif at.system and role.uuid == ADMIN and isinstance(who, User):
            if caller.user == who.uuid:
                raise Forbidden("One cannot take the administration from oneself.")
            accounts.set_admin(caller, who, False)
        else:
            Assignment.objects.filter(role=role.uuid, **_place(who, at)).delete()
        _record(caller, "role.revoke", role, who, at)


def require(role: Role, who: User | Group, at: At) -> None:
    """Raises ItemNotFound if he was not given that very role there."""
    if role.uuid not in roles_of(who, at):
        raise ItemNotFound(f"Could not find role assignment with role: {role.uuid}.")


def roles_of(who: User | Group, at: At) -> list[str]:
    """Ids of the roles that were given to him there, implied ones not counted."""
    wanted = Wanted(user=who, at=at) if isinstance(who, User) else Wanted(group=who, at=at)
    return [held.role for held in assignments(wanted)]


def assignments(wanted: Wanted, *, effective: bool = False) -> Iterator[Held]:
    """All that match; ``effective``: each user with all his roles, by groups and implications."""
    if effective:
        return _effective(_given(dataclasses.replace(wanted, role=None, user=None)), wanted)
    return _given(wanted)


def _given(wanted: Wanted) -> Iterator[Held]:
    yield from (Held(MEMBER, user=row.person, project=row.project) for row in _memberships(wanted))
    yield from (Held(ADMIN, user=row) for row in _administrators(wanted))
    for row in _rows(wanted):
        yield Held(row.role, row.user, row.group, row.project, row.domain)


def _effective(given: Iterator[Held], wanted: Wanted) -> Iterator[Held]:
    seen = set()
    local = set(Role.objects.filter(domain__isnull=False).values_list("uuid", flat=True))
    for held in given:
        users = [held.user] if held.user is not None else held.group.user_set.all() if held.group else []
        for user in users:
            for role in sorted(with_implied([held.role]) - local):
                told = Held(role, user=user, project=held.project, domain=held.domain)
                if wanted.role in (None, role) and wanted.user in (None, user) and told not in seen:
                    seen.add(told)
                    yield told


def _memberships(wanted: Wanted) -> QuerySet[Membership]:
    rows = Membership.objects.filter(
        state__in=Membership.ACTUALLY_ACCEPTED, project__state__in=Project.ALIVE
    ).select_related("person__entry__domain", "project__entry__domain")
    if wanted.group is not None or wanted.role not in (None, MEMBER):
        return rows.none()
    if wanted.user is not None:
        rows = rows.filter(person=wanted.user)
    if wanted.at is not None:
        rows = rows.filter(project=wanted.at.project) if wanted.at.project is not None else rows.none()
    return rows.order_by("pk")


def _administrators(wanted: Wanted) -> QuerySet[User]:
    rows = User.objects.filter(is_superuser=True).select_related("entry__domain")
    elsewhere = wanted.at is not None and not wanted.at.system
    if wanted.group is not None or wanted.role not in (None, ADMIN) or elsewhere:
        return rows.none()
    return rows.filter(pk=wanted.user.pk) if wanted.user is not None else rows.order_by("pk")


def _rows(wanted: Wanted) -> QuerySet[Assignment]:
    homes = (f"{field}__entry__domain" for field in ("user", "group", "project"))
    rows = Assignment.objects.select_related(*homes).order_by("pk")
    rows = rows.filter(Q(project=None) | Q(project__state__in=Project.ALIVE))
    for field in ("user", "group", "role"):
        if (value := getattr(wanted, field)) is not None:
            rows = rows.filter(**{field: value})
    if wanted.at is not None:
        at = wanted.at
        rows = rows.filter(project=at.project, domain=at.domain, system=at.system)
    return rows


def _require_possible(role: Role, who: User | Group, at: At) -> None:
    if isinstance(who, Group) and role.uuid == MEMBER and at.project is not None:
        raise Forbidden("Members of a project have quota in it one by one: give the role to users.")
    if isinstance(who, Group) and role.uuid == ADMIN and at.system:
        raise Forbidden("Administrators of the system are made one by one.")
    if at.domain and role.uuid == ADMIN:
        raise Forbidden(
            "Administrators administer the whole cloud: give admin in the system or in a project."
        )


def _place(who: User | Group, at: At) -> dict[str, Any]:
    actor = "user" if isinstance(who, User) else "group"
    return {actor: who, "project": at.project, "domain": at.domain, "system": at.system}


def _record(caller: Caller, action: str, role: Role, who: User | Group, at: At) -> None:
    kind, target = ("user", who.uuid) if isinstance(who, User) else ("group", str(who.pk))
    place = at.project.uuid if at.project is not None else at.domain or "system"
    audit.record(caller, action, kind, target, role=role.name, role_id=role.uuid, at=place)
