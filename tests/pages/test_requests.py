"""Asking for more quota, and answering, as pages do it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.astakos.models import QuotaRequest
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.quotas import reading
from synnefo.astakos.requests import rules
from synnefo.common.units import GIB
from tests.conftest import SYSTEM, People, Person
from tests.pages.conftest import signed_in, texts_of

OWN, FORM, QUEUE = "/ui/requests/", "/ui/requests/create/", "/ui/reviews/requests/"
VM, DISK = "cyclades.vm", "cyclades.disk"


@pytest.fixture
def root(people: People) -> Client:
    return signed_in(people.admin)


@pytest.fixture
def small(people: People) -> None:
    """Alice has room for two servers in her own project."""
    limits = {VM: (2, 2), DISK: (10 * GIB, 10 * GIB)}
    projects.set_limits(SYSTEM, projects.get(people.alice.user.uuid), limits)


@pytest.fixture
def alice(people: People, small: None) -> Client:
    return signed_in(people.alice)


def asked(person: Person, **wanted: int) -> QuotaRequest:
    amounts = {f"cyclades.{name}": amount for name, amount in wanted.items()}
    return rules.ask(person.caller, person.user.uuid, "pool", amounts, "a course of 30")


def limit_of(person: Person, resource: str) -> int:
    return reading.of_user(person.user.uuid)[person.user.uuid][resource].limit


def test_the_form_shows_what_is_used_and_takes_amounts_as_people_write_them(
    alice: Client, people: People
) -> None:
    page = texts_of(alice.get(FORM))
    assert "Your own project" in page
    assert "0 of 2" in page
    answer = alice.post(FORM, {VM: "5", DISK: "20 GB", "reason": "a course"}, follow=True)
    row = QuotaRequest.objects.get()
    assert answer.redirect_chain == [(f"/ui/requests/{row.uuid}/", 303)]
    assert "Servers 0 2 5" in texts_of(answer)
    assert {one.resource.name: one.wanted for one in row.amounts.all()} == {VM: 5, DISK: 20 * GIB}


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({VM: "5"}, "Say what you need it for."),
        ({"reason": "because"}, "Say of what you need more."),
        ({VM: "many", "reason": "because"}, "Servers: “many” is no amount."),
        ({DISK: "20", "reason": "because"}, "Disk: Say the unit: 20 GB?"),
        ({VM: "1", "reason": "because"}, "the limit is 2 now"),
    ],
)
def test_mistakes_are_told_and_what_was_typed_stays(
    alice: Client, typed: dict[str, str], complaint: str
) -> None:
    answer = alice.post(FORM, typed)
    assert answer.status_code == 422
    assert complaint in texts_of(answer)
    for text in typed.values():
        assert text in answer.content.decode()
    assert not QuotaRequest.objects.exists()


def test_whoever_waits_is_shown_his_request_in_place_of_the_form(alice: Client, people: People) -> None:
    row = asked(people.alice, vm=5)
    page = alice.get(FORM)
    assert "You wait for an answer already" in texts_of(page)
    assert f"/ui/requests/{row.uuid}/" in page.content.decode()


def test_an_administrator_gives_other_amounts_and_the_asker_is_told(
    alice: Client, root: Client, people: People
) -> None:
    row = asked(people.alice, vm=5, cpu=2**51)
    queue = texts_of(root.get(QUEUE + "?state=waiting"))
    assert "alice@example.org" in queue
    page = root.get(f"/ui/requests/{row.uuid}/").content.decode()
    assert re.search(r'name="cyclades.vm" value="5"', page)
    answer = root.post(
        f"/ui/requests/{row.uuid}/answer/",
        {"do": "approve", VM: "3", "cyclades.cpu": "", "answer": "three for now"},
        follow=True,
    )
    assert "The request is answered" in texts_of(answer)
    assert limit_of(people.alice, VM) == 3
    seen = texts_of(alice.get("/ui/"))
    assert "More of Your own project: approved" in seen
    alice.post("/ui/requests/dismiss/", {"key": row.uuid, "next": OWN})
    assert "More of Your own project: approved" not in texts_of(alice.get(OWN))
    assert "three for now" in texts_of(alice.get(f"/ui/requests/{row.uuid}/"))


def test_a_denial_needs_words(alice: Client, root: Client, people: People) -> None:
    row = asked(people.alice, vm=5)
    url = f"/ui/requests/{row.uuid}/answer/"
    refused = root.post(url, {"do": "deny", VM: "5"})
    assert (refused.status_code, "Say why not." in texts_of(refused)) == (422, True)
    root.post(url, {"do": "deny", VM: "5", "answer": "no room"})
    row.refresh_from_db()
    assert (row.state, row.answer) == (QuotaRequest.State.DENIED, "no room")
    assert limit_of(people.alice, VM) == 2


def test_a_request_that_was_answered_meanwhile_is_not_answered_again(
    root: Client, alice: Client, people: People
) -> None:
    row = asked(people.alice, vm=5)
    rules.deny(people.admin.caller.everywhere(), row.uuid, "no room")
    answer = root.post(f"/ui/requests/{row.uuid}/answer/", {"do": "approve", VM: "5"}, follow=True)
    assert "was denied already" in texts_of(answer)


def test_who_asked_takes_it_back(alice: Client, people: People) -> None:
    row = asked(people.alice, vm=5)
    page = alice.post(f"/ui/requests/{row.uuid}/cancel/", follow=True)
    assert "Taken back" in texts_of(page)


def test_the_number_of_those_who_wait_stands_in_the_bar_of_who_answers(
    root: Client, alice: Client, bob: Client, people: People
) -> None:
    asked(people.alice, vm=5)
    assert "Requests 1 waiting" in texts_of(root.get(OWN))
    assert "waiting" not in texts_of(bob.get(OWN))


@pytest.fixture
def bob(people: People) -> Client:
    return signed_in(people.bob)


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("bob", "{request}", 404), ("bob", "{request}facts/", 404), ("bob", "{request}answer/", 405),
        ("alice", "{request}", 200), ("alice", "{request}facts/", 200), ("alice", FORM, 200),
        ("alice", OWN, 200), ("alice", OWN + "rows/", 200), ("alice", QUEUE, 200),
        ("alice", QUEUE + "rows/", 200), ("root", "{request}", 200), ("root", QUEUE, 200),
        ("stranger", "{request}", 302), ("stranger", OWN, 302), ("stranger", FORM, 302),
        ("stranger", QUEUE, 302),
    ],
)  # fmt: skip
def test_who_may_open_which_page(
    alice: Client, bob: Client, root: Client, people: People, role: str, path: str, status: int
) -> None:
    row = asked(people.alice, vm=5)
    client = {"alice": alice, "bob": bob, "root": root, "stranger": Client()}[role]
    assert client.get(path.format(request=f"/ui/requests/{row.uuid}/")).status_code == status


@pytest.mark.parametrize("do", ["approve", "deny"])
def test_nobody_answers_himself(alice: Client, people: People, do: str) -> None:
    row = asked(people.alice, vm=5)
    alice.post(f"/ui/requests/{row.uuid}/answer/", {"do": do, VM: "5", "answer": "yes"})
    row.refresh_from_db()
    assert row.state == QuotaRequest.State.PENDING


def test_lists_cost_the_same_number_of_queries_whatever_they_show(
    root: Client, new_person: Callable[..., Person], django_assert_max_num_queries: Any
) -> None:
    for number in range(4):
        asked(new_person(f"p{number}"), vm=2**51, cpu=2**51)
    with django_assert_max_num_queries(34):
        assert texts_of(root.get(QUEUE)).count("@example.org") >= 4
