"""Applications for projects as kamaki makes them."""

from __future__ import annotations

from typing import Any

from synnefo.astakos.projects.forms import ProjectForm
from synnefo.astakos.projects.models import Policy
from synnefo.common.same_request import Raw, command
from synnefo.common.units import INFINITE


def same_application(form: ProjectForm) -> list[tuple[str, str, str]]:
    """What is typed so far, as far as it makes sense: key, title and text of each command line."""
    form.is_valid()
    said, project = form.changed(), form.project
    options = [
        ("--name", said.get("name") or (None if project else Raw("NAME.EXAMPLE.ORG"))),
        ("--homepage", said.get("homepage")),
        ("--description", said.get("description")),
        ("--max-members", _number(said.get("max_members"), usual=project is None)),
        ("--start-date", _day(said.get("start_date"))),
        ("--end-date", _day(said.get("end_date"))),
        ("--join-policy", _policy(said.get("member_join_policy"))),
        ("--leave-policy", _policy(said.get("member_leave_policy"))),
    ]
    parts = [(name, value) for name, value in options if value]
    parts += [
        ("--resource", f"{name}={member},{total}") for name, (member, total) in form.changed_limits().items()
    ]
    if project is None:
        private = ("--private", "true") if said.get("private") else None
        return [("kamaki", "kamaki", command("kamaki project create", *parts, private))]
    flag = ("--private" if said["private"] else "--public") if "private" in said else None
    return [("kamaki", "kamaki", command("kamaki project modify", project.uuid, *parts, flag))]


def _number(value: int | None, *, usual: bool) -> str | None:
    """No limit is usual for a new project; of changes it is said, as a number."""
    return None if value is None or (usual and value >= INFINITE) else str(value)


def _day(value: Any) -> str | None:
    return value.isoformat() if value else None


def _policy(value: int | None) -> str | None:
    return str(Policy(value).label) if value else None
