"""Applications for projects, and the limits that they ask for."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model

from synnefo.astakos.legacy.projects import amount
from synnefo.astakos.legacy.world import World
from synnefo.astakos.projects.models import ApplicationGrant, Project, ProjectApplication
from synnefo.common.legacy.source import Row, Source, Sql
from synnefo.common.legacy.steps import Numbered, Step, of_table

_State = ProjectApplication.State
_AS_THEY_ARE = (
    "name", "homepage", "description", "start_date", "end_date", "member_join_policy",
    "member_leave_policy", "private", "comments", "owner_id", "applicant_id", "response_actor_id",
    "waive_actor_id",
)  # fmt: skip


def _applications(source: Source) -> Sql:
    """A project has one application at most that waits: the last."""
    return (
        "SELECT id AS key, *, row_number() OVER (PARTITION BY chain, state ORDER BY id DESC) AS place"
        " FROM im_projectapplication"
    )


def _application(row: Row, world: World) -> Iterator[Model]:
    state = row["state"]
    if state == _State.PENDING and row["place"] > 1:
        world.report.note("application that waits behind a later one: replaced", row["id"])
        state = _State.REPLACED
    yield ProjectApplication(
        pk=row["id"],
        project_id=row["chain"],
        state=state,
        max_members=row["limit_on_members_number"],
        issued=row["issue_date"],
        responded=row["response_date"],
        response=row["response"] or "",
        waived=row["waive_date"],
        waive_reason=row["waive_reason"] or "",
        **{name: row[name] for name in _AS_THEY_ARE},
    )


def _grant(row: Row, world: World) -> Iterator[Model]:
    yield ApplicationGrant(
        application_id=row["project_application_id"],
        resource_id=world.resources[row["resource_id"]],
        project_capacity=amount(row, "project_capacity", world),
        member_capacity=amount(row, "member_capacity", world),
    )


def _last(row: Row, world: World) -> None:
    """Projects and applications refer to each other; this is the way back."""
    rows = Project.objects.filter(pk=row["key"])
    rows.update(last_application=row["last_application_id"])


STEPS = (
    Step(
        "applications",
        _applications,
        _application,
        (Numbered(ProjectApplication, "im_projectapplication"),),
    ),
    Step("limits asked for", of_table("im_projectresourcegrant"), _grant),
    Step(
        "last applications",
        lambda source: (
            "SELECT id AS key, last_application_id FROM im_project WHERE last_application_id IS NOT NULL"
        ),
        merge=_last,
    ),
)
