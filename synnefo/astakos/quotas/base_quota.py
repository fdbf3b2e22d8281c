"""Limits of users' system projects from lists, as Synnefo 0.13 exported them: a line has a user, a resource
and a capacity, with single spaces between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.models import Project, ProjectLimit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault
from synnefo.common.transactions import atomic
from synnefo.common.units import parse_amount

DEFAULT = "default"


@dataclasses.dataclass(frozen=True)
class Change:
    """What a user's system project has of a resource, and is to have."""

    project: Project
    resource: str
    old: int | None
    new: int


def read(lines: Iterable[str]) -> list[Change]:
    """The changes that a list means; empty lines are none. Raises BadRequest naming the line."""
    changes = []
    for number, line in enumerate(lines, 1):
        words = line.strip().split(" ")
        if words == [""]:
            continue
        try:
            if len(words) != 3:
                raise BadRequest("write USER RESOURCE CAPACITY, with single spaces")
            changes.append(change(*words))
        except Fault as fault:
            raise BadRequest(f"line {number}: {fault.message}") from fault
    return changes


def change(user: str, resource: str, capacity: str) -> Change:
    """Of a user (uuid, number or e-mail) to an amount, or ``default``. Raises BadRequest, ItemNotFound."""
    project = projects.get(accounts.find(user).uuid)
    known = Resource.objects.filter(name=resource).first()
    if known is None:
        raise BadRequest(f"No resource is called {resource!r}.")
    try:
        new = known.system_default if capacity == DEFAULT else parse_amount(capacity)
    except ValueError as error:
        raise BadRequest(str(error)) from error
    limit = ProjectLimit.objects.filter(project=project, resource=known).first()
    return Change(project, resource, limit.project_capacity if limit else None, new)


def apply(caller: Caller, changes: Iterable[Change]) -> int:
    """All or none; of changes of the same the last one counts. Returns how many projects there were."""
    wanted: dict[Project, dict[str, tuple[int, int]]] = {}
    for one in changes:
        wanted.setdefault(one.project, {})[one.resource] = (one.new, one.new)
    with atomic():
        for project, limits in wanted.items():
            projects.set_limits(caller, project, limits)
    return len(wanted)
