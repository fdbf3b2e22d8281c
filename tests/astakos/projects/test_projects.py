"""Projects over HTTP: what each endpoint answers to whom (spec: astakos 1.5.4)."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts import tokens
from synnefo.astakos.mails.models import Mail
from synnefo.astakos.models import Membership, Project
from synnefo.astakos.projects import rules as projects
from synnefo.common.caller import system_caller
from synnefo.common.units import INFINITE
from tests.astakos.conftest import Person
from tests.astakos.projects.api import ACCOUNT, LATER, Api, limits, usage

SYSTEM = system_caller("test")
pytestmark = pytest.mark.django_db


def test_a_project_is_applied_for_approved_and_used(ada: Person, bob: Person, root: Person) -> None:
    project, number = Api(ada).apply(description="Γλώσσα", max_members="inf", join_policy="auto")
    found = Api(ada).get(f"projects/{project}").json()
    assert found == {
        "id": project,
        "state": "uninitialized",
        "creation_date": found["creation_date"],
        "name": "lab.example.org",
        "owner": ada.uuid,
        "homepage": "",
        "description": "Γλώσσα",
        "end_date": LATER,
        "join_policy": "auto",
        "leave_policy": "auto",
        "max_members": INFINITE,
        "private": False,
        "system_project": False,
        "resources": limits(),
        "last_application": {
            "id": number,
            "state": "pending",
            "name": "lab.example.org",
            "owner": ada.uuid,
            "applicant": ada.uuid,
            "homepage": "",
            "description": "Γλώσσα",
            "start_date": None,
            "end_date": LATER,
            "comments": "",
            "join_policy": "auto",
            "leave_policy": "auto",
            "max_members": INFINITE,
            "private": False,
            "resources": limits(),
        },
    }
    assert usage(ada) == 1
    assert Api(root).act(project, "approve", number) == 200
    assert usage(ada) == 0
    found = Api(ada).get(f"projects/{project}").json()
    assert found["state"] == "active"
    assert found["last_application"]["state"] == "approved"
    assert found["resources"]["cyclades.vm"] == {"project_capacity": 6, "member_capacity": 2}
    assert found["resources"]["cyclades.ram"] == {"project_capacity": 0, "member_capacity": 0}
    membership = Api(bob).join(project).json()["id"]
    shown = Api(bob).get(f"projects/memberships/{membership}").json()
    assert (shown["state"], shown["user"], shown["project"]) == ("accepted", bob.uuid, project)
    assert shown["allowed_actions"] == ["leave"]
    assert {"requested", "accepted"} < set(shown)
    quota = Api(bob).get("quotas").json()[project]["cyclades.vm"]
    assert (quota["limit"], quota["project_limit"]) == (2, 6)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": None}, "name"),
        ({"name": 5}, "name"),
        ({"name": "bad name!"}, "Project name should be in domain format"),
        ({"name": "no-dot"}, "domain format"),
        ({"name": "a" * 77 + ".org"}, "name"),
        ({"name": "lab.example.\ud800"}, "name"),
        ({"end_date": None}, "Missing end date"),
        ({"end_date": "tomorrow"}, "end_date"),
        ({"end_date": "2001-01-01T00:00:00+00:00"}, "past"),
        ({"end_date": "9999-12-31T23:59:59-23:00"}, "end_date"),
        ({"end_date": 5}, "end_date"),
        ({"owner": "nobody"}, "nobody"),
        ({"owner": "\x00"}, "owner"),
        ({"homepage": "javascript:alert(1)"}, "homepage"),
        ({"homepage": "http://example.org/" + "a" * 250}, "homepage"),
        ({"description": "x" * 4097}, "description"),
        ({"description": "a\x00b"}, "description"),
        ({"comments": ["x"]}, "comments"),
        ({"join_policy": "open"}, "join_policy"),
        ({"join_policy": 1}, "join_policy"),
        ({"join_policy": ["auto"]}, "join_policy"),
        ({"max_members": -5}, "max_members out of range"),
        ({"max_members": 2**63}, "max_members out of range"),
        ({"max_members": "many"}, "max_members"),
        ({"max_members": True}, "max_members"),
        ({"private": "yes"}, "private"),
        ({"resources": ["cyclades.vm"]}, "resources"),
        ({"resources": {"cyclades.vm": 5}}, "resources"),
        ({"resources": {"cyclades.vm": {"member_capacity": 1}}}, "resources"),
        ({"resources": {"cyclades.vm": {"member_capacity": True, "project_capacity": 1}}}, "resources"),
        (
            {"resources": {"cyclades.vm": {"member_capacity": -1, "project_capacity": 1}}},
            "Malformed resource",
        ),
        (
            {"resources": {"cyclades.vm": {"member_capacity": 1, "project_capacity": 2**63}}},
            "Malformed resource",
        ),
        ({"resources": {"cyclades.vm": {"member_capacity": 5, "project_capacity": 1}}}, "less than member"),
        ({"resources": {"no.such": {"member_capacity": 1, "project_capacity": 1}}}, "Malformed resource"),
        ({"resources": {"astakos.pending_app": {"member_capacity": 1, "project_capacity": 1}}}, "Malformed"),
    ],
)
def test_what_cannot_be_wished_is_a_bad_request_that_names_it(
    ada: Person, running: Callable[..., str], wrong: dict[str, Any], said: str
) -> None:
    new = Api(ada).post("projects", {"name": "other.example.org", "end_date": LATER, **wrong})
    assert new.status_code == 400, wrong
    assert said in new.json()["badRequest"]["message"]
    if wrong != {"end_date": None}:  # which says nothing
        change = Api(ada).put(f"projects/{running()}", wrong)
        assert change.status_code == 400, wrong
        assert said in change.json()["badRequest"]["message"]
    assert usage(ada) == 0


@pytest.mark.parametrize("body", ["", "x", "[]", '"x"', "{", "null"])
def test_bodies_that_are_no_objects_are_bad_requests(
    ada: Person, running: Callable[..., str], body: str
) -> None:
    project = running()
    for method, path in (
        ("post", "projects"),
        ("put", f"projects/{project}"),
        ("post", f"projects/{project}/action"),
        ("post", "projects/memberships"),
        ("post", "projects/memberships/1/action"),
    ):
        response = getattr(Client(), method)(
            f"{ACCOUNT}/{path}", body, content_type="application/json", headers={"X-Auth-Token": ada.token}
        )
        assert response.status_code == 400, path


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"bogus": {}},
        {"suspend": "text"},
        {"suspend": None},
        {"suspend": {"reason": 5}},
        {"approve": {}},
        {"approve": {"app_id": None}},
        {"approve": {"app_id": "x"}},
        {"approve": {"app_id": True}},
        {"approve": {"app_id": 1.5}},
        {"approve": {"app_id": 1, "reactivate": "yes"}},
        {"suspend": {}, "terminate": {}},
    ],
)
def test_actions_that_are_none_are_bad_requests(
    root: Person, running: Callable[..., str], body: dict[str, Any]
) -> None:
    project = running()
    assert Api(root).post(f"projects/{project}/action", body).status_code == 400
    assert Project.objects.get(uuid=project).is_normal


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"bogus": {}},
        {"join": "x"},
        {"join": {}},
        {"join": {"project": 5}},
        {"enroll": {"project": "x"}},
        {"join": {"project": "x"}, "enroll": {"project": "x", "user": "y"}},
    ],
)
def test_ways_in_that_are_none_are_bad_requests(ada: Person, body: dict[str, Any]) -> None:
    assert Api(ada).post("projects/memberships", body).status_code == 400


@pytest.mark.parametrize("number", [0, 10**6, 2**63, 10**30])
def test_numbers_that_nobody_has_are_not_found(
    root: Person, running: Callable[..., str], number: int
) -> None:
    project = running()
    assert Api(root).get(f"projects/memberships/{number}").status_code == 404
    assert Api(root).member(number, "accept") == 404
    assert Api(root).act(project, "approve", number) == 404
    assert Api(root).act(project, "cancel", number) == 404


def test_everything_asks_for_a_token(cloud: None) -> None:
    for path in ("projects", "projects/x", "projects/memberships", "projects/memberships/1"):
        assert Api(None).get(path).status_code == 401
    for path in ("projects", "projects/x/action", "projects/memberships", "projects/memberships/1/action"):
        assert Api(None).post(path, {}).status_code == 401
    assert Api(None).put("projects/x", {}).status_code == 401


def test_other_methods_are_not_allowed(ada: Person) -> None:
    response = Client().delete(f"{ACCOUNT}/projects", headers={"X-Auth-Token": ada.token})
    assert response.status_code == 405
    assert response["Allow"] == "GET, POST"


def test_who_may_do_what_to_a_project_and_its_applications(
    ada: Person, bob: Person, eve: Person, root: Person, running: Callable[..., str]
) -> None:
    """Stranger, member, owner, administrator: the codes of every endpoint."""
    project = running(join_policy="auto")
    Api(bob).join(project)
    stranger, member, owner, admin = Api(eve), Api(bob), Api(ada), Api(root)
    number = owner.put(f"projects/{project}", {"description": "more"}).json()["application"]
    for api in (stranger, member, owner, admin):
        assert api.get(f"projects/{project}").status_code == 200
        assert ("last_application" in api.get(f"projects/{project}").json()) == (api in (owner, admin))
    for api in (stranger, member):
        assert api.put(f"projects/{project}", {"description": "x"}).status_code == 403
        assert api.act(project, "cancel", number) == 404
        assert api.act(project, "dismiss", number) == 404
    for api in (stranger, member, owner):
        for action in ("suspend", "unsuspend", "terminate", "reinstate"):
            assert api.act(project, action) == 403
        assert api.act(project, "approve", number) == 403
        assert api.act(project, "deny", number) == 403
    assert admin.act(project, "suspend") == 200
    assert stranger.get(f"projects/{project}").status_code == 403
    assert [api.get(f"projects/{project}").status_code for api in (member, owner, admin)] == [200] * 3
    assert owner.get(f"projects/{project}").json()["deactivation_date"]
    assert "deactivation_date" not in member.get(f"projects/{project}").json()


def test_states_follow_the_actions_and_others_conflict(
    ada: Person, root: Person, running: Callable[..., str]
) -> None:
    project = running()
    expected = [
        ("unsuspend", 409, "active"),
        ("reinstate", 409, "active"),
        ("suspend", 200, "suspended"),
        ("suspend", 409, "suspended"),
        ("unsuspend", 200, "active"),
        ("suspend", 200, "suspended"),
        ("terminate", 200, "terminated"),
        ("terminate", 409, "terminated"),
        ("suspend", 409, "terminated"),
        ("unsuspend", 409, "terminated"),
        ("reinstate", 200, "active"),
        ("terminate", 200, "terminated"),
    ]
    for action, status, state in expected:
        assert Api(root).act(project, action) == status, action
        assert Api(ada).get(f"projects/{project}").json()["state"] == state
    mails = Mail.objects.filter(recipient=ada.user.email, template="project_changed").order_by("pk")
    assert [mail.subject.rpartition(" ")[2] for mail in mails] == [
        "suspended",
        "resumed",
        "suspended",
        "terminated",
        "reinstated",
        "terminated",
    ]
    assert all("so be it" in mail.text for mail in mails)


def test_a_name_is_free_again_when_its_project_is_terminated(
    ada: Person, root: Person, running: Callable[..., str]
) -> None:
    first = running()
    second, number = Api(ada).apply()
    assert Api(root).act(second, "approve", number) == 409
    assert Api(root).act(first, "terminate") == 200
    assert Api(root).act(second, "approve", number) == 200
    assert Api(root).act(first, "reinstate") == 409


def test_applications_end_once_and_give_their_place_back(ada: Person, root: Person) -> None:
    owner, admin = Api(ada), Api(root)
    denied, number = owner.apply("denied.example.org")
    assert admin.act(denied, "deny", number, reasons="too much", reason=None) == 200
    assert usage(ada) == 0
    assert "too much" in Mail.objects.get(recipient=ada.user.email, template="project_denied").text
    for action in ("approve", "deny", "cancel"):
        assert admin.act(denied, action, number) == 409
    assert owner.get(f"projects/{denied}").json()["state"] == "uninitialized"
    assert owner.act(denied, "dismiss", number) == 200
    assert owner.get(f"projects/{denied}").json()["state"] == "deleted"
    assert owner.act(denied, "dismiss", number) == 409
    cancelled, number = owner.apply("cancelled.example.org")
    assert owner.act(cancelled, "dismiss", number) == 409
    assert owner.act(cancelled, "cancel", number) == 200
    assert usage(ada) == 0
    assert owner.put(f"projects/{cancelled}", {"description": "x"}).status_code == 409
    pending, _ = owner.apply("pending.example.org")
    assert owner.put(f"projects/{pending}", {"description": "x"}).status_code == 409


def test_a_change_replaces_the_one_that_waits(ada: Person, root: Person, running: Callable[..., str]) -> None:
    project = running(description="old")
    first = Api(ada).put(f"projects/{project}", {"description": "lost"}).json()["application"]
    again = Api(ada).put(f"projects/{project}", {"max_members": 7, "resources": limits(3, 9)})
    second = again.json()["application"]
    assert (again.status_code, usage(ada)) == (201, 1)
    assert Api(root).act(project, "approve", first) == 409
    assert Api(root).act(project, "approve", str(second)) == 200  # type: ignore[arg-type]
    found = Api(ada).get(f"projects/{project}").json()
    assert (found["description"], found["max_members"]) == ("old", 7)
    assert found["resources"]["cyclades.vm"] == {"member_capacity": 3, "project_capacity": 9}
    assert found["last_application"]["description"] is None
    assert usage(ada) == 0
    assert Api(ada).put(f"projects/{project}", {}).status_code == 400


def test_an_administrators_change_takes_the_owners_place_and_counts_for_himself(
    ada: Person, root: Person, running: Callable[..., str]
) -> None:
    project = running()
    Api(ada).put(f"projects/{project}", {"description": "mine"})
    projects.set_limits(SYSTEM, projects.get(root.uuid), {"astakos.pending_app": (0, 0)})
    assert Api(root).put(f"projects/{project}", {"description": "theirs"}).status_code == 201
    assert (usage(ada), usage(root)) == (0, 1)


def test_too_many_pending_applications_conflict(ada: Person) -> None:
    projects.set_limits(SYSTEM, projects.get(ada.uuid), {"astakos.pending_app": (1, 1)})
    project, number = Api(ada).apply("one.example.org")
    refused = Api(ada).post("projects", {"name": "two.example.org", "end_date": LATER})
    assert refused.status_code == 409
    assert refused.json()["conflict"]["message"].endswith("pending project applications: 1.")
    assert Project.objects.filter(realname="two.example.org").count() == 0
    assert Api(ada).act(project, "cancel", number) == 200
    Api(ada).apply("two.example.org")


def test_approving_a_change_reactivates_only_if_asked_to(
    ada: Person, root: Person, running: Callable[..., str]
) -> None:
    project = running()
    assert Api(root).act(project, "terminate") == 200
    number = Api(ada).put(f"projects/{project}", {"name": "new.example.org"}).json()["application"]
    assert Api(root).act(project, "approve", number) == 200
    found = Api(ada).get(f"projects/{project}").json()
    assert (found["state"], found["name"]) == ("terminated", "new.example.org")
    assert Project.objects.get(uuid=project).name is None
    number = Api(ada).put(f"projects/{project}", {"description": "again"}).json()["application"]
    assert Api(root).act(project, "approve", number, reactivate=True) == 200
    assert Api(ada).get(f"projects/{project}").json()["state"] == "active"
    assert Project.objects.get(uuid=project).name == "new.example.org"


def test_ownership_is_transferred_by_an_approved_change(
    ada: Person, bob: Person, root: Person, running: Callable[..., str]
) -> None:
    project = running()
    number = Api(ada).put(f"projects/{project}", {"owner": bob.uuid}).json()["application"]
    assert Api(bob).put(f"projects/{project}", {"description": "x"}).status_code == 403
    assert Api(root).act(project, "approve", number) == 200
    assert Api(bob).get(f"projects/{project}").json()["owner"] == bob.uuid
    assert Api(ada).put(f"projects/{project}", {"description": "x"}).status_code == 403
    assert Api(bob).put(f"projects/{project}", {"description": "x"}).status_code == 201


def test_private_projects_are_not_there_for_others(
    ada: Person, bob: Person, eve: Person, running: Callable[..., str]
) -> None:
    project = running(private=True, join_policy="auto")
    assert Api(bob).get(f"projects/{project}").status_code == 404
    assert Api(bob).join(project).status_code == 404
    assert Api(bob).put(f"projects/{project}", {"description": "x"}).status_code == 404
    assert Api(bob).act(project, "suspend") == 404
    enrolled = Api(ada).post(
        "projects/memberships", {"enroll": {"project": project, "user": "Bob@example.ORG"}}
    )
    assert enrolled.status_code == 200
    assert Api(bob).get(f"projects/{project}").status_code == 200
    assert Api(eve).get(f"projects/{project}").status_code == 404
    assert Mail.objects.filter(recipient=bob.user.email, template="membership_changed").count() == 1
    assert Api(eve).enroll(project, "ada@example.org").status_code == 409


def test_system_projects_can_be_changed_by_administrators_only_and_never_end(
    ada: Person, root: Person
) -> None:
    assert Api(ada).get(f"projects/{ada.uuid}").json()["system_project"] is True
    assert Api(ada).put(f"projects/{ada.uuid}", {"resources": limits(9, 9)}).status_code == 403
    assert Api(root).put(f"projects/{ada.uuid}", {"name": "mine.example.org"}).status_code == 409
    assert Api(root).act(ada.uuid, "terminate") == 409
    number = Api(root).put(f"projects/{ada.uuid}", {"resources": limits(9, 9)}).json()["application"]
    assert Api(root).act(ada.uuid, "approve", number) == 200
    assert Api(ada).get("quotas").json()[ada.uuid]["cyclades.vm"]["limit"] == 9
    membership = Membership.objects.get(person=ada.user).pk
    assert Api(ada).get(f"projects/memberships/{membership}").json()["allowed_actions"] == []
    assert Api(ada).member(membership, "leave") == 409
    assert Api(root).member(membership, "remove") == 409


def test_lists_are_what_the_mode_says(
    ada: Person, bob: Person, eve: Person, root: Person, running: Callable[..., str]
) -> None:
    public, private = (
        running("public.example.org", join_policy="auto"),
        running("p.example.org", private=True),
    )
    stopped = running("stopped.example.org", join_policy="auto")
    Api(bob).join(public)
    Api(bob).join(stopped)
    Api(root).act(stopped, "suspend")

    def listed(who: Person, query: str = "") -> set[str]:
        return {row["id"] for row in Api(who).get(f"projects?{query}").json()}

    assert listed(bob, "mode=member") == {bob.uuid, public}
    assert listed(bob, "mode=related") == {bob.uuid, public, stopped}
    assert listed(ada, "mode=related") == {ada.uuid, public, private, stopped}
    assert listed(eve, "mode=active") == {public}
    assert listed(eve) == {eve.uuid}
    assert listed(bob) == listed(bob, "mode=related")
    assert listed(ada, "state=suspended") == {stopped}
    assert listed(ada, "name=public.example.org") == {public}
    assert listed(ada, "name=public") == set()
    assert listed(eve, f"mode=active&owner={ada.uuid}") == {public}
    assert listed(root, "mode=member") == {root.uuid}
    assert listed(root, "mode=active") == listed(root)
    assert listed(root) == {ada.uuid, bob.uuid, eve.uuid, root.uuid, public, private, stopped}
    for query in ("mode=owner", "mode=", "state=x", "state="):
        assert Api(ada).get(f"projects?{query}").status_code == 400
    assert listed(ada, "name=%00&owner=%00") == set()


def test_users_whom_the_setting_names_administer_projects(ada: Person, bob: Person, settings: Any) -> None:
    project, number = Api(ada).apply()
    assert Api(bob).act(project, "approve", number) == 403
    settings.ASTAKOS_PROJECT_ADMINS = [bob.uuid]
    assert Api(bob).act(project, "approve", number) == 200
    assert Api(bob).get(f"projects/{project}").json()["last_application"]["state"] == "approved"


def test_reviewers_and_applicants_are_told(ada: Person, root: Person, settings: Any) -> None:
    settings.PROJECT_CREATION_RECIPIENTS = ["new@example.org"]
    settings.PROJECT_MODIFICATION_RECIPIENTS = ["changes@example.org"]
    settings.PROJECT_NOTIFICATIONS_RECIPIENTS = ["watch@example.org"]
    project, number = Api(ada).apply(description="<b>bold</b>")
    told = Mail.objects.get(recipient="new@example.org")
    assert f"project-control --approve {number}" in told.text
    assert "<b>bold</b>" in told.text
    assert "&lt;b&gt;bold" in told.html
    assert "cyclades.vm: 2 / 6" in told.text
    Api(root).act(project, "approve", number)
    approved = Mail.objects.get(recipient=ada.user.email, template="project_approved")
    assert "so be it" in approved.text
    assert "cyclades.vm: 2 / 6" in Mail.objects.get(recipient="watch@example.org").text
    Api(ada).put(f"projects/{project}", {"max_members": 3})
    changed = Mail.objects.get(recipient="changes@example.org").text
    assert "Max members: 3" in changed
    assert "Name: [no change]" in changed
    assert "Limits: [no change]" in changed


def test_a_confined_token_reaches_its_project_alone(ada: Person, running: Callable[..., str]) -> None:
    project, other = running(), running("other.example.org")
    token, _ = tokens.create_api_token(SYSTEM, ada.user, "ci", project=projects.get(ada.uuid))
    confined = Api(Person(ada.user, "", token))
    assert [row["id"] for row in confined.get("projects").json()] == [ada.uuid]
    assert confined.get(f"projects/{project}").status_code == 404
    assert confined.put(f"projects/{other}", {"description": "x"}).status_code == 404
    assert confined.post("projects", {"name": "x.example.org", "end_date": LATER}).status_code == 403
    assert {row["project"] for row in confined.get("projects/memberships").json()} == {ada.uuid}


def test_lists_take_a_number_of_queries_that_does_not_grow(
    ada: Person, bob: Person, root: Person, running: Callable[..., str]
) -> None:
    def count(who: Person, path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert Api(who).get(path).status_code == 200
        return len(queries)

    def more(number: int) -> None:
        project = running(f"lab{number}.example.org", join_policy="auto")
        Api(bob).join(project)
        Api(ada).put(f"projects/{project}", {"max_members": 9})

    paths = [(who, path) for who in (ada, bob, root) for path in ("projects", "projects/memberships")]
    more(1)
    before = [count(who, path) for who, path in paths]
    for number in (2, 3, 4):
        more(number)
    assert [count(who, path) for who, path in paths] == before
    assert max(before) <= 9, before


def test_a_deactivated_owners_projects_stop_and_come_back(
    ada: Person, bob: Person, running: Callable[..., str]
) -> None:
    project = running(join_policy="auto")
    Api(bob).join(project)
    accounts.deactivate(SYSTEM, ada.user)
    assert Api(bob).get(f"projects/{project}").json()["state"] == "suspended"
    assert Api(bob).get("quotas").json()[project]["cyclades.vm"]["limit"] == 0
    accounts.activate(SYSTEM, ada.user)
    assert Api(bob).get("quotas").json()[project]["cyclades.vm"]["limit"] == 2


def test_dates_are_of_utc_where_they_do_not_say(ada: Person) -> None:
    project, _ = Api(ada).apply(end_date="2098-05-01T12:00:00", start_date="2014-01-15T00:00:00Z")
    found = Api(ada).get(f"projects/{project}").json()
    assert found["end_date"] == "2098-05-01T12:00:00+00:00"
    assert found["last_application"]["start_date"] == "2014-01-15T00:00:00+00:00"
    assert Project.objects.get(uuid=project).end_date - timezone.now() > datetime.timedelta(days=1)
