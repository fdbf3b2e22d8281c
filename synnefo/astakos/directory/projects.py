"""Projects as administrators make and change them through identity v3: at once, without an application."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.directory import entries
from synnefo.astakos.directory.models import Domain, ProjectEntry
from synnefo.astakos.projects import life
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.history import move_project
from synnefo.astakos.projects.models import Project
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.common.fields import check_fields
from synnefo.common.transactions import atomic

_ATTRIBUTES = frozenset({"name", "description", "enabled", "tags", "options", "extra"})
REASON = "disabled through identity v3"
_A_CENTURY = datetime.timedelta(days=36525)


def create(
    caller: Caller,
    name: str,
    *,
    domain: Domain | None,
    parent: Project | None = None,
    description: str = "",
    enabled: bool = True,
    tags: list[str] | None = None,
    options: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Project:
    """A running project without an owner, with the usual limits, below the domain or another project of it.

    Raises BadRequest, Conflict (the name), Forbidden (a parent in another domain).
    """
    if parent is not None and entries.domain_of(parent) != domain:
        raise Forbidden("A project is in the domain of its parent.")
    with atomic():
        row = _start(caller, name, description)
        entry = ProjectEntry(project=row, domain=domain, parent=parent, tags=_tags(tags or []))
        entries.set_attributes(entry, options or {}, extra or {})
        entry.save()
        if not enabled:
            row = life.suspend(caller, row.uuid, reason=REASON)
    return row


def modify(caller: Caller, row: Project, changes: Mapping[str, Any]) -> Project:
    """Change ``name``, ``description``, ``enabled``, ``tags``, ``options`` or ``extra``.

    Raises BadRequest, Conflict.
    """
    if unknown := changes.keys() - _ATTRIBUTES:
        raise BadRequest(f"Of a project one cannot change {', '.join(sorted(unknown))}.")
    names = {"name": "realname", "description": "description"}
    with atomic():
        fields = {names[key]: value for key, value in changes.items() if key in names}
        if fields:
            row = projects.modify(caller, row, fields)
        entry = entries.entry_of(row, ProjectEntry)
        if "tags" in changes:
            entry.tags = _tags(changes["tags"])
        entries.set_attributes(entry, changes.get("options", {}), changes.get("extra", {}))
        entry.save()
        enabled = changes.get("enabled")
        if enabled is False and row.is_normal:
            life.suspend(caller, row.uuid, reason=REASON)
        elif enabled and not row.is_normal:
            life.unsuspend(caller, row.uuid, reason=REASON)
    return Project.objects.get(pk=row.pk)


def delete(caller: Caller, row: Project) -> None:
    """End a project for good. Raises Forbidden for a user's own one, and for one with others below it."""
    if row.is_base:
        raise Forbidden("The project that every user has of his own cannot be deleted.")
    with atomic():
        if ProjectEntry.objects.filter(parent=row, project__state__in=Project.ALIVE).exists():
            raise Forbidden(f"Cannot delete the project {row.uuid} since it is not a leaf in the hierarchy.")
        life.terminate(caller, row.uuid, reason="deleted through identity v3")


def _start(caller: Caller, name: str, description: str) -> Project:
    row = Project(realname=name, description=description, end_date=timezone.now() + _A_CENTURY)
    check_fields(row, ("realname", "description"))
    row.save()
    move_project(caller, row, Project.State.NORMAL)
    projects.fill_limits([row], Resource.objects.all())
    projects.sync([row])
    audit.record(caller, "project.create", "project", row.uuid, project=row.uuid, name=name)
    return row


def _tags(tags: list[str]) -> list[str]:
    """Raises BadRequest for what Keystone does not take for a tag."""
    if len(set(tags)) < len(tags) or len(tags) > 80:
        raise BadRequest("Tags must differ, and be 80 at most.")
    if any(not tag or len(tag) > 255 or "/" in tag or "," in tag for tag in tags):
        raise BadRequest("A tag has 1 to 255 characters, and no slash or comma.")
    return sorted(tags)
