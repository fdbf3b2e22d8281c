"""The end of an account that was accepted: what stands in its way, what becomes of what it has.

What an account uses belongs to other services, which alone can delete it: as long as quota is in use, or a
project is the user's, nothing is removed. What is left then goes, and a row with nothing but the uuid stays,
so that the uuid never names anybody else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from django.db.models import CASCADE, ForeignObjectRel, Model, Q, QuerySet
from django.utils import timezone

from synnefo.astakos.accounts import addresses, notices
from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.history import move_membership, move_project
from synnefo.astakos.projects.models import Membership, Project
from synnefo.astakos.quotas import reading
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict
from synnefo.common.transactions import atomic

_REASON = "account removed"
_TO_BE_OWNED = (Project.State.UNINITIALIZED, *Project.ALIVE)


@dataclasses.dataclass(frozen=True)
class Use:
    """What he uses of a resource in a project (by uuid)."""

    project: str
    resource: str
    amount: int


@dataclasses.dataclass(frozen=True)
class Outcome:
    """``uses`` must be given back first, ``owned`` projects handed over or ended. ``left`` are the projects
    that he is in and leaves by it; ``is_last_admin``: nobody else could run the cloud."""

    uses: Sequence[Use]
    owned: Sequence[Project]
    left: Sequence[Project]
    is_last_admin: bool

    @property
    def is_possible(self) -> bool:
        return not (self.uses or self.owned or self.is_last_admin)

    def __str__(self) -> str:
        """What stands in the way, in words."""
        parts = []
        if self.uses:
            told = ", ".join(f"{use.amount} of {use.resource} in {use.project}" for use in self.uses)
            parts.append(f"It uses {told}: delete that first.")
        if self.owned:
            told = ", ".join(project.realname for project in self.owned)
            parts.append(f"It owns {told}: hand over or end what it owns first.")
        if self.is_last_admin:
            parts.append("It is the only administrator of this cloud.")
        return " ".join(parts)


def outcome(user: User) -> Outcome:
    """What would become of what he has, were the account removed now."""
    uses = [
        Use(project, resource, use.usage)
        for project, resources in sorted(reading.of_user(user.uuid).items())
        for resource, use in sorted(resources.items())
        if use.usage
    ]
    owned = Project.objects.filter(owner=user, state__in=_TO_BE_OWNED).order_by("realname")
    left = Project.objects.filter(
        memberships__person=user, memberships__state__in=Membership.ASSOCIATED, is_base=False
    )
    return Outcome(uses, list(owned), list(left.order_by("realname")), _is_last_admin(user))


def remove(caller: Caller, user: User) -> User:
    """Raises Conflict, saying all that stands in the way; also for an account that was never accepted."""
    with atomic():
        row = User.objects.select_for_update().get(pk=user.pk)
        if not row.is_accepted:
            raise Conflict("An account that was never accepted is deleted, not removed.")
        found = outcome(row)
        if not found.is_possible:
            raise Conflict(f"The account cannot be removed. {found}")
        _leave_projects(caller, row)
        notices.removed(row.email, row.realname)
        return forget(caller, row)


def forget(caller: Caller, row: User) -> User:
    """Keep the uuid alone, of an account with nothing in use. The row is locked."""
    email = row.email
    for rows in _belongings(row):
        rows.delete()
    blank = User(pk=row.pk, uuid=row.uuid, username=row.uuid, date_joined=row.date_joined)
    blank.removed_at = timezone.now()
    blank.set_unusable_password()
    blank.save()
    addresses.settle(email)
    audit.record(caller, "user.remove", "user", row.uuid)
    return blank


def _leave_projects(caller: Caller, row: User) -> None:
    memberships = Membership.objects.filter(person=row, state__in=Membership.ASSOCIATED)
    touched = {}
    for one in memberships.select_related("project"):
        asked = one.state == Membership.State.REQUESTED
        to = Membership.State.CANCELLED if asked else Membership.State.REMOVED
        move_membership(caller, one, to, reason=_REASON)
        touched[one.project_id] = one.project
    for project in touched.values():
        if project.uuid == row.uuid:
            move_project(caller, project, Project.State.TERMINATED, reason=_REASON)
    projects.sync(touched.values())


def _belongings(row: User) -> list[QuerySet[Model]]:
    """Every row that is there for this user alone. Memberships stay: projects remember who was in them."""
    relations: list[Any] = [
        one for one in User._meta.get_fields(include_hidden=True) if isinstance(one, ForeignObjectRel)
    ]
    return [
        one.related_model._base_manager.filter(**{one.field.name: row})
        for one in relations
        if one.on_delete is CASCADE and one.related_model is not Membership
    ]


def _is_last_admin(user: User) -> bool:
    others = User.objects.filter(Q(is_superuser=True, is_active=True)).exclude(pk=user.pk)
    return user.is_superuser and not others.exists()
