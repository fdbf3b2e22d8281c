"""The usage of a project in the console: what binds, warnings, the ledger and its export."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from synnefo.astakos.models import Project
from synnefo.astakos.projects import memberships
from synnefo.astakos.quotas import warning
from synnefo.common.accounts import accounts, provisions_for
from tests.conftest import People, Person
from tests.pages.conftest import signed_in, texts_of
from tests.pages.projects import VM, project_of


@pytest.fixture
def lab(people: People) -> Project:
    """Alice's, ten servers in all and two a member; both of them are members."""
    project = project_of(people.alice)
    for name in ("alice", "bob"):
        memberships.enroll(people.alice.caller.everywhere(), project.uuid, f"{name}@example.org")
    return project


@pytest.fixture
def alice(people: People) -> Client:
    return signed_in(people.alice)


@pytest.fixture
def bob(people: People) -> Client:
    return signed_in(people.bob)


def take(person: Person, project: Project, number: int) -> None:
    seam = accounts()
    serial = seam.issue(provisions_for(person.user.uuid, project.uuid, {VM: number}), name="server")
    seam.resolve([serial], [])


def at(project: Project, more: str = "") -> str:
    return f"/ui/projects/{project.uuid}/usage/{more}"


def changes_in(answer: Any) -> list[str]:
    """The amounts in the lines of the ledger, as they stand."""
    return re.findall(r'data-label="Change"[^>]*>([^<]+)<', answer.content.decode())


def test_share_and_pool_stand_beside_each_other_and_what_binds_is_said(
    alice: Client, bob: Client, people: People, lab: Project
) -> None:
    take(people.bob, lab, 1)
    page = texts_of(bob.get(at(lab)))
    assert "Servers 1 left Your share limits you 1 of 2 Project 1 of 10" in page
    assert "Servers 2 left Your share limits you 0 of 2 Project 1 of 10" in texts_of(alice.get(at(lab)))


def test_an_owner_who_is_no_member_sees_the_pool_alone(people: People) -> None:
    project = project_of(people.alice)
    page = texts_of(signed_in(people.alice).get(at(project)))
    assert "Servers 10 left In all 0 of 10" in page


def test_the_ledger_tells_a_member_his_own_and_the_owner_all(
    alice: Client, bob: Client, people: People, lab: Project
) -> None:
    take(people.bob, lab, 2)
    take(people.alice, lab, 1)
    assert changes_in(bob.get(at(lab))) == ["+ 2"]
    assert changes_in(alice.get(at(lab))) == ["+ 1"]
    by_member = alice.get(at(lab, "members/"))
    assert changes_in(by_member) == ["+ 1", "+ 2"]
    assert "bob@example.org" in texts_of(by_member)
    assert changes_in(alice.get(at(lab, "pool/") + "?sort=at")) == ["+ 2", "+ 1"]


def test_a_period_is_exported_as_csv_and_json_both_days_included(
    alice: Client, people: People, lab: Project
) -> None:
    take(people.bob, lab, 2)
    today = timezone.now().date().isoformat()
    answer = alice.get(at(lab, "members/export/"), {"since": today, "until": today, "format": "csv"})
    assert answer["Content-Disposition"] == 'attachment; filename="usage.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [(row["user"], row["resource"], row["quantity"]) for row in rows] == [
        (people.bob.user.uuid, VM, "2")
    ]
    answer = alice.get(at(lab, "pool/export/"), {"format": "json"})
    assert [event["quantity"] for event in json.loads(answer.getvalue())] == [2]
    before = alice.get(at(lab, "members/export/"), {"until": "2001-01-01", "format": "json"})
    assert json.loads(before.getvalue()) == []


@pytest.mark.parametrize("wish", [{"format": "xml"}, {"since": "yesterday"}])
def test_what_cannot_be_exported_is_told(alice: Client, lab: Project, wish: dict[str, str]) -> None:
    answer = alice.get(at(lab, "export/"), wish)
    assert answer.status_code == 400


def test_a_share_that_is_used_up_is_warned_of_everywhere_until_one_has_read_it(
    alice: Client, bob: Client, people: People, lab: Project
) -> None:
    take(people.bob, lab, 2)
    warning.check()
    assert "Servers: all used up. Of your share of lab.example.org, 2 of 2 in use." in texts_of(
        bob.get(at(lab))
    )
    dashboard = bob.get("/ui/")
    assert "Servers: all used up" in texts_of(dashboard)
    assert "used up" not in texts_of(alice.get("/ui/"))
    number = re.search(r'name="key" value="(\d+)"', dashboard.content.decode())
    assert number is not None
    assert alice.post("/ui/warnings/dismiss/", {"key": number[1]}).status_code == 404
    bob.post("/ui/warnings/dismiss/", {"key": number[1], "next": "/ui/"})
    assert "used up" not in texts_of(bob.get("/ui/"))


def test_nonsense_is_no_warning(bob: Client) -> None:
    assert bob.post("/ui/warnings/dismiss/", {"key": "nonsense"}).status_code == 400
