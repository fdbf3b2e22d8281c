"""Projects, applications, memberships, requests, components, resources on the administrators' dashboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.astakos.models import Component, Membership, Project, ProjectApplication, QuotaRequest, Resource
from synnefo.astakos.projects import applications, memberships
from synnefo.astakos.requests import rules as requests
from tests.conftest import People, Person
from tests.pages.conftest import signed_in, texts_of
from tests.pages.projects import VM, project_of, wish
from tests.pages.test_admin import act, rows_in

PROJECTS, APPLICATIONS, MEMBERSHIPS, REQUESTS = (
    f"/admin/{name}s/" for name in ("project", "projectapplication", "membership", "quotarequest")
)


@pytest.fixture
def root(people: People) -> Client:
    return signed_in(people.admin)


@pytest.fixture
def lab(people: People) -> Project:
    """Alice's, in which Bob is and which he asks for more of."""
    project = project_of(people.alice)
    memberships.enroll(people.alice.caller.everywhere(), project.uuid, "bob@example.org")
    return project


def test_projects_are_found_looked_at_and_ended_by_the_rules(root: Client, lab: Project) -> None:
    assert "lab.example.org" in rows_in(root.get(PROJECTS))
    assert rows_in(root.get(PROJECTS + "?q=lab")) == ["lab.example.org"]
    page = texts_of(root.get(f"{PROJECTS}{lab.pk}/"))
    assert "Servers 2 10 0" in page
    assert "bob@example.org Member" in page
    for name, state in (("suspend", "SUSPENDED"), ("unsuspend", "NORMAL"), ("terminate", "TERMINATED")):
        act(root, PROJECTS, name, lab, reason="the course is over")
        lab.refresh_from_db()
        assert Project.State(lab.state).name == state
    assert rows_in(root.get(PROJECTS + "?state=terminated")) == ["lab.example.org"]


def test_a_system_project_is_called_after_its_user_and_not_terminated(root: Client, people: People) -> None:
    own = Project.objects.get(uuid=people.alice.user.uuid)
    page = texts_of(root.get(f"{PROJECTS}{own.pk}/"))
    assert "Own project of alice@example.org" in page
    assert "Terminate" not in page
    assert "cannot be done" in texts_of(root.get(f"{PROJECTS}act/terminate/?row={own.pk}"))


def test_applications_are_answered(root: Client, people: People) -> None:
    alice = people.alice.caller.everywhere()
    first, second = (applications.submit(alice, wish(f"{name}.example.org")) for name in ("one", "two"))
    assert "Servers, in all 10" in texts_of(root.get(f"{APPLICATIONS}{first.pk}/"))
    act(root, APPLICATIONS, "approve", first)
    act(root, APPLICATIONS, "deny", second, reason="one is enough")
    states = {row.pk: row.state for row in ProjectApplication.objects.all()}
    assert states == {first.pk: 1, second.pk: 3}
    refused = act(root, APPLICATIONS, "approve", second)
    assert "Cannot approve application" in texts_of(refused)


def test_memberships_are_suspended_resumed_and_ended(root: Client, lab: Project) -> None:
    row = Membership.objects.get(project=lab)
    assert rows_in(root.get(MEMBERSHIPS)) == ["bob@example.org"]
    for name, state in (("suspend", "SUSPENDED"), ("unsuspend", "ACCEPTED"), ("remove", "REMOVED")):
        act(root, MEMBERSHIPS, name, row, reason="because")
        row.refresh_from_db()
        assert Membership.State(row.state).name == state
    assert "because" in texts_of(root.get(f"{MEMBERSHIPS}{row.pk}/"))


def test_requests_are_answered(root: Client, people: People, lab: Project) -> None:
    bob = people.bob.caller.everywhere()
    row = requests.ask(bob, lab.uuid, "share", {VM: 4}, "a stage more")
    assert rows_in(root.get(REQUESTS)) == ["Servers 2 → 4"]
    assert "a stage more" in texts_of(root.get(f"{REQUESTS}{row.pk}/"))
    assert "Say why" in texts_of(root.post(f"{REQUESTS}act/deny/", {"row": row.pk}))
    act(root, REQUESTS, "approve", row)
    row.refresh_from_db()
    assert row.state == QuotaRequest.State.APPROVED


def test_components_and_resources_are_looked_at(root: Client, people: People) -> None:
    assert "cyclades" in rows_in(root.get("/admin/components/"))
    component = Component.objects.get(name="cyclades")
    assert "nova compute" in texts_of(root.get(f"/admin/components/{component.pk}/"))
    assert "cyclades.vm" in rows_in(root.get("/admin/resources/?q=vm"))
    resource = Resource.objects.get(name=VM)
    assert "Number of virtual machines" in texts_of(root.get(f"/admin/resources/{resource.pk}/"))


def test_only_administrators_open_them(people: People, lab: Project) -> None:
    alice = signed_in(people.alice)
    for path in (PROJECTS, APPLICATIONS, MEMBERSHIPS, REQUESTS, "/admin/components/", "/admin/resources/"):
        assert (alice.get(path).status_code, Client().get(path).status_code) == (403, 302), path


def test_lists_cost_the_same_number_of_queries_whatever_they_show(
    root: Client, people: People, new_person: Callable[..., Person], django_assert_max_num_queries: Any
) -> None:
    for number in range(4):
        owner = new_person(f"p{number}")
        lab = project_of(owner, f"lab-{number}.example.org")
        memberships.enroll(owner.caller.everywhere(), lab.uuid, owner.user.email)
        requests.ask(owner.caller.everywhere(), lab.uuid, "share", {VM: 4}, "more")
    for path in (PROJECTS, APPLICATIONS, MEMBERSHIPS, REQUESTS):
        with django_assert_max_num_queries(16):
            assert len(rows_in(root.get(path))) >= 4
