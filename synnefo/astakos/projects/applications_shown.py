"""Applications as lists and pages show them: what was asked for, beside what the project is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from synnefo.astakos.projects.forms import Difference, field_words
from synnefo.astakos.projects.models import Project, ProjectApplication, ProjectLimit
from synnefo.astakos.projects.shown import state_of_application
from synnefo.astakos.shown import amount_words, in_order, project_names, title_of
from synnefo.common.caller import Caller
from synnefo.common.shown import State

#: Fields of an application, and those of the project that they become.
_FIELDS = {
    "name": "realname",
    "description": "description",
    "homepage": "homepage",
    "start_date": "",
    "end_date": "end_date",
    "member_join_policy": "member_join_policy",
    "member_leave_policy": "member_leave_policy",
    "max_members": "max_members",
    "private": "private",
    "owner": "owner",
}


@dataclasses.dataclass(frozen=True)
class ApplicationShown:
    """An application as the caller sees it."""

    row: ProjectApplication
    project: str
    own: bool

    @property
    def state(self) -> State:
        return state_of_application(self.row)

    @property
    def is_new(self) -> bool:
        """Whether the project never ran."""
        return self.row.project.state in (Project.State.UNINITIALIZED, Project.State.DELETED)

    @property
    def kind(self) -> str:
        return "New project" if self.is_new else "Changes" if self.row.name is None else "Project"

    @property
    def applicant(self) -> str:
        return "you" if self.own else self.row.applicant.email

    @property
    def would_reactivate(self) -> bool:
        """Whether one decides, besides, whether the project runs again."""
        return self.row.project.state in (Project.State.SUSPENDED, Project.State.TERMINATED)

    @property
    def compared(self) -> bool:
        """Whether what is asked for stands beside what is: while it waits, of a project that ran once."""
        return self.row.is_pending and not self.is_new

    def differences(self) -> list[Difference]:
        """What it asks for."""
        return [*self._fields(self.compared), *self._limits(self.compared)]

    def _fields(self, compared: bool) -> list[Difference]:
        found = []
        for name, field in _FIELDS.items():
            value = getattr(self.row, name)
            if value is None or (value == "" and not compared):
                continue
            before = getattr(self.row.project, field) if compared and field else None
            if not compared or before != value:
                found.append(Difference(*field_words(name, before if compared else None, value)))
        return found

    def _limits(self, compared: bool) -> list[Difference]:
        grants = {grant.resource: grant for grant in self.row.grants.all()}
        limits = {}
        if compared:
            rows = ProjectLimit.objects.filter(project=self.row.project, resource__in=grants)
            limits = {row.resource_id: row for row in rows}
        found = []
        for resource in in_order(grants):
            grant, limit = grants[resource], limits.get(resource.pk)
            for words, name in (("each member", "member_capacity"), ("in all", "project_capacity")):
                before = amount_words(getattr(limit, name) if limit else None, resource.unit)
                after = amount_words(getattr(grant, name), resource.unit)
                found.append(Difference(f"{title_of(resource)}, {words}", before, after))
        return found


def applications_shown(caller: Caller, rows: Iterable[ProjectApplication]) -> list[ApplicationShown]:
    found = list(rows)
    names = project_names(caller, {row.project_id: row.project for row in found}.values())
    return [
        ApplicationShown(row, names[row.project.uuid], row.applicant.uuid == caller.user) for row in found
    ]
