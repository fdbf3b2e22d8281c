"""Memberships over HTTP: who comes into a project and leaves it, and who decides (spec: astakos 2.8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.mails.models import Mail
from synnefo.astakos.models import Membership, MembershipLog, Project
from synnefo.astakos.projects import memberships
from synnefo.common.caller import system_caller
from tests.astakos.conftest import Person
from tests.astakos.projects.api import Api

SYSTEM = system_caller("test")
pytestmark = pytest.mark.django_db


def state(number: int) -> str:
    return Membership.State(Membership.objects.get(pk=number).state).name.lower()


def told(who: Person) -> list[str]:
    """Subjects of the mails about memberships that somebody got, oldest first."""
    mails = Mail.objects.filter(recipient=who.user.email, template__startswith="membership")
    return list(mails.order_by("pk").values_list("subject", flat=True))


def share(who: Person, project: str) -> int:
    return int(Api(who).get("quotas").json().get(project, {}).get("cyclades.vm", {}).get("limit", 0))


def test_a_request_waits_for_the_owner(ada: Person, bob: Person, running: Callable[..., str]) -> None:
    project = running()
    number = Api(bob).join(project).json()["id"]
    assert Api(bob).join(project).status_code == 409
    assert Api(bob).get(f"projects/memberships/{number}").json()["allowed_actions"] == ["cancel"]
    assert Api(ada).get(f"projects/memberships/{number}").json()["allowed_actions"] == ["accept", "reject"]
    assert share(bob, project) == 0
    assert told(ada)[-1].endswith("Bob Byron wants to join lab.example.org")
    assert Api(ada).member(number, "accept") == 200
    assert share(bob, project) == 2
    assert told(bob)[-1].endswith("your request was accepted")
    assert Api(ada).get(f"projects/memberships/{number}").json()["allowed_actions"] == ["remove"]
    assert Api(ada).member(number, "remove", "not in the lab any more") == 200
    assert share(bob, project) == 0
    assert "not in the lab any more" in Mail.objects.filter(recipient=bob.user.email).latest("pk").text


def test_who_was_rejected_removed_or_gave_up_may_ask_again_in_the_same_membership(
    ada: Person, bob: Person, running: Callable[..., str]
) -> None:
    project = running()
    numbers = set()
    for who, action in ((ada, "reject"), (bob, "cancel"), (ada, "accept")):
        number = Api(bob).join(project).json()["id"]
        numbers.add(number)
        assert Api(who).member(number, action) == 200
    assert Api(bob).member(number, "leave") == 200
    numbers.add(Api(bob).join(project).json()["id"])
    assert len(numbers) == 1
    shown = Api(bob).get(f"projects/memberships/{number}").json()
    assert {"requested", "rejected", "cancelled", "accepted", "removed"} < set(shown)
    assert shown["requested"] > shown["removed"] > shown["accepted"] > shown["cancelled"] > shown["rejected"]


@pytest.mark.parametrize(
    ("action", "by", "starts"),
    [
        ("accept", "owner", "requested"),
        ("reject", "owner", "requested"),
        ("remove", "owner", "accepted"),
        ("cancel", "person", "requested"),
        ("leave", "person", "accepted"),
    ],
)
def test_who_may_do_what(
    ada: Person,
    bob: Person,
    eve: Person,
    root: Person,
    running: Callable[..., str],
    action: str,
    by: str,
    starts: str,
) -> None:
    """Stranger, the person, the owner, an administrator; one who may not changes nothing."""
    project = running(join_policy="auto" if starts == "accepted" else "moderated")
    number = Api(bob).join(project).json()["id"]
    other = {"owner": bob, "person": ada}[by]
    allowed = {"owner": ada, "person": bob}[by]
    assert Api(eve).get(f"projects/memberships/{number}").status_code == 403
    for who in (eve, other):
        assert Api(who).member(number, action) == 403
    assert state(number) == starts
    assert Api(allowed).member(number, action, None) == 200
    assert Api(allowed).member(number, action) == 409
    Membership.objects.filter(pk=number).update(state=Membership.State[starts.upper()])
    assert Api(root).member(number, action) == 200


def test_a_member_of_the_project_is_no_owner(bob: Person, eve: Person, running: Callable[..., str]) -> None:
    project = running(join_policy="auto")
    first, second = Api(bob).join(project).json()["id"], Api(eve).join(project).json()["id"]
    assert Api(bob).member(second, "remove") == 403
    assert Api(bob).enroll(project, "eve@example.org").status_code == 403
    listed = Api(bob).get(f"projects/memberships?project={project}").json()
    assert [row["id"] for row in listed] == [first]


@pytest.mark.parametrize(
    "body", [{}, {"bogus": ""}, {"accept": {}}, {"accept": 5}, {"accept": "", "reject": ""}]
)
def test_actions_that_are_none_are_bad_requests(
    ada: Person, bob: Person, running: Callable[..., str], body: dict[str, Any]
) -> None:
    number = Api(bob).join(running()).json()["id"]
    assert Api(ada).post(f"projects/memberships/{number}/action", body).status_code == 400
    assert state(number) == "requested"


def test_leaving_is_asked_for_where_the_owner_moderates_it(
    ada: Person, bob: Person, running: Callable[..., str]
) -> None:
    project = running(join_policy="auto", leave_policy="moderated")
    number = Api(bob).join(project).json()["id"]
    assert Api(bob).member(number, "leave") == 200
    assert (state(number), share(bob, project)) == ("leave_requested", 2)
    assert Api(bob).member(number, "leave") == 200
    assert MembershipLog.objects.filter(membership=number, to_state=5).count() == 1
    assert [subject.endswith("wants to leave lab.example.org") for subject in told(ada)] == [True]
    assert Api(ada).member(number, "remove") == 200
    assert (state(number), share(bob, project)) == ("removed", 0)


def test_who_is_suspended_cannot_come_back_by_asking_to_leave(
    bob: Person, root: Person, running: Callable[..., str]
) -> None:
    project = running(join_policy="auto", leave_policy="moderated")
    number = Api(bob).join(project).json()["id"]
    memberships.suspend(SYSTEM, number, reason="too loud")
    assert share(bob, project) == 0
    assert Api(bob).get(f"projects/memberships/{number}").json()["allowed_actions"] == []
    assert Api(bob).member(number, "leave") == 409
    assert Api(bob).join(project).status_code == 409
    memberships.unsuspend(SYSTEM, number)
    assert share(bob, project) == 2
    assert [subject.rpartition(" ")[2] for subject in told(bob)] == ["suspended", "resumed"]


def test_closed_policies_hold_for_owners_and_administrators_too(
    ada: Person, bob: Person, root: Person, running: Callable[..., str]
) -> None:
    project = running(join_policy="auto")
    number = Api(bob).join(project).json()["id"]
    Project.objects.filter(uuid=project).update(member_join_policy=3, member_leave_policy=3)
    for who in (ada, root):
        assert Api(who).member(number, "remove") == 409
        assert Api(who).enroll(project, "root@example.org").status_code == 409
    assert Api(bob).member(number, "leave") == 409
    assert Api(root).join(project).status_code == 409
    assert Api(ada).get(f"projects/memberships/{number}").json()["allowed_actions"] == []


def test_a_full_project_takes_requests_but_nobody_in(
    ada: Person, bob: Person, eve: Person, running: Callable[..., str]
) -> None:
    project = running(join_policy="auto", max_members=1)
    first = Api(bob).join(project).json()["id"]
    second = Api(eve).join(project).json()["id"]
    assert (state(first), state(second)) == ("accepted", "requested")
    assert Api(ada).get(f"projects/memberships/{second}").json()["allowed_actions"] == ["reject"]
    assert Api(ada).member(second, "accept") == 409
    assert Api(ada).enroll(project, "eve@example.org").status_code == 409
    memberships.suspend(SYSTEM, first)
    assert Api(ada).member(second, "accept") == 409
    assert Api(ada).member(first, "remove") == 200
    assert Api(ada).member(second, "accept") == 200


def test_enrolling_takes_in_known_active_users_only(
    ada: Person, bob: Person, eve: Person, running: Callable[..., str]
) -> None:
    project = running()
    accounts.deactivate(SYSTEM, eve.user)
    for email in ("nobody@example.org", "eve@example.org", "", "\x00"):
        assert Api(ada).enroll(project, email).status_code in (400, 409), email
    assert Api(ada).enroll("no-such-project", "bob@example.org").status_code == 409
    asked = Api(bob).join(project).json()["id"]
    assert Api(ada).enroll(project, "BOB@Example.org").json()["id"] == asked
    assert (state(asked), share(bob, project)) == ("accepted", 2)
    assert Api(ada).enroll(project, "bob@example.org").status_code == 409
    assert told(bob)[-1].endswith("you are a member")


def test_the_owner_is_no_member_until_he_joins(ada: Person, running: Callable[..., str]) -> None:
    project = running()
    assert share(ada, project) == 0
    number = Api(ada).join(project).json()["id"]
    assert Api(ada).member(number, "accept") == 200
    shown = Api(ada).get(f"projects/memberships/{number}").json()
    assert shown["allowed_actions"] == ["leave", "remove"]
    assert share(ada, project) == 2


def test_nothing_is_done_in_a_project_that_ended(
    ada: Person, bob: Person, eve: Person, root: Person, running: Callable[..., str]
) -> None:
    project = running()
    asked = Api(bob).join(project).json()["id"]
    accepted = Api(eve).join(project).json()["id"]
    Api(ada).member(accepted, "accept")
    Api(root).act(project, "terminate")
    for who, number, action in (
        (ada, asked, "accept"),
        (ada, asked, "reject"),
        (bob, asked, "cancel"),
        (eve, accepted, "leave"),
        (root, accepted, "remove"),
    ):
        assert Api(who).member(number, action) == 409, action
    assert Api(root).get(f"projects/memberships/{asked}").json()["allowed_actions"] == []
    assert Api(root).join(project).status_code == 409
    assert Api(bob).join(project).status_code == 403
    assert Api(ada).enroll(project, "root@example.org").status_code == 409


@pytest.mark.parametrize("way", ["leave", "remove", "terminate"])
def test_who_loses_his_default_project_works_in_his_own(
    ada: Person, bob: Person, root: Person, running: Callable[..., str], way: str
) -> None:
    project = running(join_policy="auto")
    number = Api(bob).join(project).json()["id"]
    accounts.set_default_project(SYSTEM, bob.user, project)
    assert Api(root).act(project, "suspend") == 200
    assert Api(root).act(project, "unsuspend") == 200
    bob.user.refresh_from_db()
    assert bob.user.default_project == project
    done = {
        "leave": lambda: Api(bob).member(number, "leave"),
        "remove": lambda: Api(ada).member(number, "remove"),
        "terminate": lambda: Api(root).act(project, "terminate"),
    }[way]()
    assert done == 200
    bob.user.refresh_from_db()
    assert bob.user.default_project == bob.uuid


def test_a_clouds_own_policy_is_asked_and_can_refuse(
    ada: Person,
    bob: Person,
    root: Person,
    running: Callable[..., str],
    settings: Any,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "house_policy.py").write_text(
        "from synnefo.common.faults import Conflict\n"
        "seen = []\n"
        "def check_state_membership(membership, action):\n"
        "    seen.append((action, membership.state))\n"
        "    membership.overquota_state = 'WATCHED'\n"
        "    membership.save()\n"
        "    if action == 'REMOVE':\n"
        "        raise Conflict('He holds machines.')\n"
        "def check_state_projects(projects, action):\n"
        "    seen.append((action, [project.state for project in projects]))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    settings.QUOTA_POLICY_MODULE = "house_policy"
    project = running(join_policy="auto")
    number = Api(bob).join(project).json()["id"]
    assert Membership.objects.get(pk=number).overquota_state == "WATCHED"
    assert Api(ada).member(number, "remove") == 409
    assert (state(number), share(bob, project)) == ("accepted", 2)
    for action in ("suspend", "unsuspend", "terminate", "reinstate"):
        assert Api(root).act(project, action) == 200
    import house_policy  # type: ignore[import-not-found]

    assert house_policy.seen == [
        ("JOIN", 1),
        ("REMOVE", 200),
        ("SUSPEND", [10]),
        ("UNSUSPEND", [1]),
        ("TERMINATE", [100]),
        ("REINSTATE", [1]),
    ]
