"""Projects with their limits, their members, and what happened to both."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model
from django.utils import timezone

from synnefo.astakos.legacy.world import World
from synnefo.astakos.projects.models import (
    Membership,
    MembershipLog,
    Project,
    ProjectLimit,
    ProjectLog,
)
from synnefo.common.legacy.source import Row, Sql
from synnefo.common.legacy.steps import Numbered, Step, of_table


def _project(row: Row, world: World) -> Iterator[Model]:
    yield Project(
        pk=row["id"],
        uuid=row["uuid"],
        realname=row["realname"],
        name=row["name"],
        owner_id=row["owner_id"],
        is_base=row["is_base"],
        state=row["state"],
        homepage=row["homepage"],
        description=row["description"],
        private=row["private"],
        member_join_policy=row["member_join_policy"],
        member_leave_policy=row["member_leave_policy"],
        max_members=row["limit_on_members_number"],
        created=row["creation_date"],
        end_date=row["end_date"],
    )


def _limit(row: Row, world: World) -> Iterator[Model]:
    yield ProjectLimit(
        project_id=row["project_id"],
        resource_id=world.resources[row["resource_id"]],
        project_capacity=amount(row, "project_capacity", world),
        member_capacity=amount(row, "member_capacity", world),
    )


def amount(row: Row, name: str, world: World) -> int:
    """An amount that is none below nothing."""
    found: int = row[name]
    if found < 0:
        world.report.note("amount below 0: taken for 0", f"{name} {found} of {row['key']}")
    return max(found, 0)


def _membership(row: Row, world: World) -> Iterator[Model]:
    yield Membership(
        pk=row["id"],
        person_id=row["person_id"],
        project_id=row["project_id"],
        state=row["state"],
        initialized=row["initialized"],
        overquota_state=row.get("overquota_state") or "OK",
        overquota_state_date=row.get("overquota_state_date") or timezone.now(),
        overquota_date=row.get("overquota_date"),
    )


def _log_of_project(row: Row, world: World) -> Iterator[Model]:
    yield ProjectLog(project_id=row["project_id"], **_entry(row))


def _log_of_membership(row: Row, world: World) -> Iterator[Model]:
    yield MembershipLog(membership_id=row["membership_id"], **_entry(row))


def _entry(row: Row) -> dict[str, object]:
    return {
        "from_state": row["from_state"],
        "to_state": row["to_state"],
        "at": row["date"],
        "actor": row["actor"] or "",
        "reason": row["reason"] or "",
        "comments": row["comments"] or "",
    }


def _with_actor(table: str) -> Sql:
    return (
        f"SELECT l.id AS key, l.*, a.uuid AS actor FROM {table} l"  # noqa: S608  constants of ours
        " LEFT JOIN im_astakosuser a ON a.user_ptr_id = l.actor_id"
    )


STEPS = (
    Step("projects", of_table("im_project"), _project, (Numbered(Project, "im_project"),)),
    Step("limits of projects", of_table("im_projectresourcequota"), _limit),
    Step("log of projects", lambda source: _with_actor("im_projectlog"), _log_of_project),
    Step(
        "memberships",
        of_table("im_projectmembership"),
        _membership,
        (Numbered(Membership, "im_projectmembership"),),
    ),
    Step("log of memberships", lambda source: _with_actor("im_projectmembershiplog"), _log_of_membership),
)
