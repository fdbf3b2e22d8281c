"""Domains: made, changed, closed and removed by administrators.

A domain says where somebody is listed, nothing about what he may do. While it is disabled its users are
suspended and its projects are, and what was suspended for another reason stays so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts.models import User
from synnefo.astakos.directory import users
from synnefo.astakos.directory.models import Domain, GroupEntry, ProjectEntry, UserEntry
from synnefo.astakos.projects import life
from synnefo.astakos.projects.history import last_reason
from synnefo.astakos.projects.models import Project
from synnefo.astakos.roles.models import Assignment
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, Forbidden, ItemNotFound
from synnefo.common.fields import check_fields
from synnefo.common.transactions import atomic

DEFAULT, DEFAULT_NAME = "default", "Default"


def find(uuid: str) -> Domain | None:
    """The domain; None is ``default``. Raises ItemNotFound."""
    if uuid == DEFAULT:
        return None
    row = Domain.objects.filter(uuid=uuid).first()
    if row is None:
        raise ItemNotFound(f"Could not find domain: {uuid}.")
    return row


def named(name: str) -> Domain | None:
    """The same by its name, in any case. Raises ItemNotFound."""
    if name.lower() == DEFAULT_NAME.lower():
        return None
    row = Domain.objects.filter(name__iexact=name).first()
    if row is None:
        raise ItemNotFound(f"Could not find domain: {name}.")
    return row


def users_of(row: Domain) -> QuerySet[User]:
    return User.objects.filter(entry__domain=row)


def projects_of(row: Domain) -> QuerySet[Project]:
    return Project.objects.filter(entry__domain=row, state__in=Project.ALIVE)


def create(caller: Caller, name: str, description: str, tags: list[str], *, enabled: bool) -> Domain:
    """Raises BadRequest, Conflict."""
    row = Domain(name=name, description=description, tags=tags)
    row.disabled_at = None if enabled else timezone.now()
    check_fields(row, ("name",))
    with atomic():
        _require_free(row)
        row.save()
        audit.record(caller, "domain.create", "domain", row.uuid, name=name)
    return row


def modify(caller: Caller, row: Domain, changes: Mapping[str, Any]) -> Domain:
    """Change ``name``, ``description``, ``tags`` or ``enabled``. Raises BadRequest, Conflict."""
    with atomic():
        row = Domain.objects.select_for_update().get(pk=row.pk)
        for field in changes.keys() & {"name", "description", "tags"}:
            setattr(row, field, changes[field])
        check_fields(row, ("name",))
        _require_free(row)
        enabled = changes.get("enabled")
        if enabled is not None and enabled is not (row.disabled_at is None):
            row.disabled_at = None if enabled else timezone.now()
            _close_or_open(caller, row, enabled)
        row.save()
        audit.record(caller, "domain.modify", "domain", row.uuid, changed=sorted(changes))
    return row


def delete(caller: Caller, row: Domain) -> None:
    """Remove a disabled domain with its users, groups and roles; its projects end.

    Raises Forbidden for one that is enabled.
    """
    with atomic():
        row = Domain.objects.select_for_update().get(pk=row.pk)
        if row.disabled_at is None:
            raise Forbidden("Cannot delete a domain that is enabled, please disable it first.")
        for project in projects_of(row):
            life.terminate(caller, project.uuid, reason=f"The domain {row.name} is removed.")
        for entry in GroupEntry.objects.filter(domain=row):
            entry.group.delete()
        for user in users_of(row):
            users.delete(caller, user)
        for kind in (UserEntry, ProjectEntry):
            kind.objects.filter(domain=row).update(domain=None)
        Assignment.objects.filter(domain=row.uuid).delete()
        row.delete()
        audit.record(caller, "domain.delete", "domain", row.uuid, name=row.name)


def _close_or_open(caller: Caller, row: Domain, enabled: bool) -> None:
    reason = f"The domain {row.uuid} is disabled."
    for user in users_of(row).filter(is_active=not enabled):
        if not enabled:
            accounts.deactivate(caller, user, reason=reason)
        elif user.deactivated_reason == reason:
            accounts.activate(caller, user)
    for project in projects_of(row):
        if not enabled and project.is_normal:
            life.suspend(caller, project.uuid, reason=reason)
        elif enabled and not project.is_normal and last_reason(project) == reason:
            life.unsuspend(caller, project.uuid, reason=reason)


def _require_free(row: Domain) -> None:
    taken = Domain.objects.filter(name__iexact=row.name).exclude(pk=row.pk).exists()
    if taken or row.name.lower() == DEFAULT_NAME.lower():
        raise Conflict(f"There is a domain {row.name!r} already.")
