"""``project-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.projects import rules
from synnefo.astakos.projects.applications import FIELDS
from synnefo.astakos.projects.models import Membership, Policy, Project
from synnefo.astakos.quotas import reading
from synnefo.astakos.quotas.commands.showing import amounts
from synnefo.common.commands import ShowCommand, Table, unit_style_option
from synnefo.common.units import show_amount


class Command(ShowCommand):
    help = "Show a project, with --quota, --members and --pending-app more of it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("project", help="uuid or number")
        parser.add_argument("--quota", action="store_true", help="its limits, and what is used")
        parser.add_argument("--members", action="store_true", help="who is, was or wants to be a member")
        parser.add_argument(
            "--pending-app", action="store_true", help="the application that waits for a decision"
        )
        unit_style_option(parser)

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        project = rules.find(options["project"])
        described = facts(project)
        if options["quota"]:
            described["quota"] = quota(project, options["unit_style"])
        if options["members"]:
            described["members"] = members(project)
        if options["pending_app"]:
            described |= pending(project, options["unit_style"])
        return described


def facts(project: Project) -> dict[str, object]:
    return {
        "id": project.uuid,
        "name": project.realname,
        "owner": project.owner.email if project.owner else None,
        "owner uuid": project.owner.uuid if project.owner else None,
        "status": project.status,
        "system project": project.is_base,
        "private": project.private,
        "homepage": project.homepage,
        "description": project.description,
        "join policy": Policy(project.member_join_policy).label,
        "leave policy": Policy(project.member_leave_policy).label,
        "max members": show_amount(project.max_members, None),
        "created": project.created,
        "ends": project.end_date,
    }


def pending(project: Project, style: str) -> dict[str, object]:
    """What the application that waits asks for, and the limits of it; nothing where none waits."""
    last = project.last_application
    if last is None or not last.is_pending:
        return {"pending application": None}
    show = amounts(style)
    grants = last.grants.select_related("resource").order_by("resource__name")
    names = (*FIELDS, "start_date", "comments")
    asked = {name: value for name in names if (value := getattr(last, name)) is not None}
    for name in ("member_join_policy", "member_leave_policy"):
        if name in asked:
            asked[name] = Policy(asked[name]).label
    rows = [
        (
            row.resource.name,
            show(row.resource.name, row.member_capacity),
            show(row.resource.name, row.project_capacity),
        )
        for row in grants
    ]
    return {
        "pending application": last.pk,
        "applicant": last.applicant.email,
        "issued": last.issued,
        **{f"wanted {name.replace('_', ' ')}": value for name, value in asked.items()},
        "wanted limits": Table(("resource", "max_per_member", "max_per_project"), rows),
    }


def quota(project: Project, style: str) -> Table:
    show = amounts(style)
    pools = reading.of_projects([project.uuid]).get(project.uuid, {})
    rows = []
    for limit in project.limits.select_related("resource").order_by("resource__name"):
        name = limit.resource.name
        used = pools[name].usage_max if name in pools else 0
        rows.append(
            (name, show(name, limit.member_capacity), show(name, limit.project_capacity), show(name, used))
        )
    return Table(("resource", "max_per_member", "max_per_project", "usage"), rows)


def members(project: Project) -> Table:
    rows = project.memberships.select_related("person").order_by("person__username")
    return Table(
        ("uuid", "email", "status"),
        [(row.person.uuid, row.person.email, Membership.State(row.state).label) for row in rows],
    )
