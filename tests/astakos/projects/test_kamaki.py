"""The real kamaki 0.16 on projects and memberships; left out where there is no CPython 2.7."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synnefo.astakos.models import Membership, Project, ProjectApplication
from tests.astakos.conftest import Person
from tests.cyclades_synnefo.test_kamaki import Kamaki
from tests.cyclades_synnefo.test_kamaki import installed as installed

NAME = "lab.example.org"


@pytest.fixture
def kamaki_of(installed: tuple[str, Path], live_server: Any, tmp_path: Path) -> Callable[[Person], Kamaki]:
    """Makes somebody's kamaki, set up as ``kamakirc`` sets it up."""

    def make(who: Person) -> Kamaki:
        home = tmp_path / who.user.first_name
        home.mkdir()
        (home / "kamakirc").write_text(
            '[global]\ndefault_cloud = synnefo\n\n[cloud "synnefo"]\n'
            f"url = {live_server.url}/astakos/identity/v2.0\ntoken = {who.token}\n"
        )
        return Kamaki(*installed, home)

    return make


def test_a_projects_life(
    kamaki_of: Callable[[Person], Kamaki], ada: Person, bob: Person, root: Person
) -> None:
    owner, member, admin = kamaki_of(ada), kamaki_of(bob), kamaki_of(root)
    what = ("--end-date", "2090-06-30", "--description", "Linguistics", "--max-members", "10")
    limits = ("--resource", "cyclades.vm=2,6", "--resource", "pithos.diskspace=1024,4096")
    made = owner.json("project", "create", "--name", NAME, *what, *limits)
    project, number = made["id"], str(made["application"])
    assert "403" in owner("project", "approve", project, "--app-id", number, fails=True)
    admin("project", "approve", project, "--app-id", number, "--reason", "welcome")
    assert ProjectApplication.objects.get().response == "welcome"
    shown = owner.json("project", "info", project)
    assert (shown["name"], shown["state"], shown["description"]) == (NAME, "active", "Linguistics")
    assert shown["resources"]["cyclades.vm"] == {"member_capacity": 2, "project_capacity": 6}
    assert [row["name"] for row in owner.json("project", "list", "--with-name", NAME)] == [NAME]
    assert member.json("project", "list", "--with-name", NAME) == []
    member("project", "join", project)
    [asked] = owner.json("membership", "list", "--project-id", project)
    assert (asked["state"], asked["allowed_actions"]) == ("requested", ["accept", "reject"])
    owner("membership", "accept", str(asked["id"]))
    assert member.json("membership", "info", str(asked["id"]))["state"] == "accepted"
    assert NAME in [row["name"] for row in member.json("project", "list", "--with-state", "active")]
    assert "cyclades.vm" in member("quota", "list", "--project-id", project)
    owner("project", "enroll", project, "--email", "ROOT@example.org")
    assert Membership.objects.filter(project__uuid=project, state=1).count() == 2
    member("membership", "leave", str(asked["id"]))
    admin("project", "suspend", project, "--reason", "abuse")
    admin("project", "unsuspend", project)
    admin("project", "terminate", project)
    assert "409" in admin("project", "terminate", project, fails=True)
    admin("project", "reinstate", project)
    assert Project.objects.get(uuid=project).is_normal


def test_a_change_and_what_becomes_of_applications(
    kamaki_of: Callable[[Person], Kamaki], ada: Person, root: Person
) -> None:
    owner, admin = kamaki_of(ada), kamaki_of(root)
    made = owner.json("project", "create", "--name", NAME, "--end-date", "2090-06-30")
    project = made["id"]
    admin("project", "approve", project, "--app-id", str(made["application"]))
    change = owner.json("project", "modify", project, "--description", "more", "--max-members", "3")
    admin("project", "deny", project, "--app-id", str(change["application"]), "--reason", "too much")
    owner("project", "dismiss", project, "--app-id", str(change["application"]))
    change = owner.json("project", "modify", project, "--leave-policy", "closed")
    owner("project", "cancel", project, "--app-id", str(change["application"]))
    states = [row.get_state_display() for row in ProjectApplication.objects.order_by("pk")]
    assert states == ["Approved", "Dismissed", "Cancelled"]
    assert Project.objects.get(uuid=project).description == ""
