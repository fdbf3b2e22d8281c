"""Flavors on the administrators' dashboard."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from synnefo.audit.models import AuditEvent
from synnefo.cyclades.flavors import rules
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.servers.models import Server
from tests.conftest import SYSTEM, People
from tests.pages.conftest import signed_in, texts_of
from tests.pages.test_admin import act, rows_in

FLAVORS = "/admin/flavors/"


@pytest.fixture
def root(people: People) -> Client:
    return signed_in(people.admin)


@pytest.fixture
def gpu(people: People) -> Flavor:
    """A hidden one with a name of its own, granted to Alice's project."""
    made = rules.create(
        SYSTEM, cpu=8, ram=2048, disk=0, label="gpu", ref="g1", public=False, ephemeral_gib=5, swap_mib=512
    )
    rules.grant(SYSTEM, made, people.alice.user.uuid)
    rules.set_specs(SYSTEM, made, {"accelerator": "one"})
    return made


def offered_to(person: Any) -> set[str]:
    return {flavor.name for flavor in rules.flavors_for(person.caller) if flavor.allow_create}


def test_flavors_are_listed_with_their_sizes_and_how_many_servers_have_them(
    root: Client, server: Server, gpu: Flavor
) -> None:
    answer = root.get(FLAVORS)
    assert set(rows_in(answer)) == {server.flavor.name, "gpu"}
    for words in ("Offered", "2 GB", "some projects", "everybody"):
        assert words in texts_of(answer)
    assert rows_in(root.get(FLAVORS, {"o": "-8"})) == [server.flavor.name, "gpu"], "most servers first"
    assert rows_in(root.get(FLAVORS, {"o": "8"})) == ["gpu", server.flavor.name]


def test_they_are_found_by_names_of_both_kinds_and_by_ids(root: Client, flavor: Flavor, gpu: Flavor) -> None:
    for words in (flavor.name, flavor.name[:6].lower(), flavor.uuid):
        assert rows_in(root.get(FLAVORS, {"q": words})) == [flavor.name], words
    for words in ("GP", "g1", gpu.uuid):
        assert rows_in(root.get(FLAVORS, {"q": words})) == ["gpu"], words
    assert rows_in(root.get(FLAVORS, {"q": "C8R2048"})) == [], "it has another name"
    assert rows_in(root.get(FLAVORS, {"q": "%_"})) == []


def test_a_page_tells_who_may_use_it_and_what_is_said_of_it(
    root: Client, people: People, gpu: Flavor
) -> None:
    page = texts_of(root.get(f"{FLAVORS}{gpu.pk}/"))
    for words in (
        "alice@example.org",
        people.alice.user.uuid,
        "accelerator one",
        "g1",
        "5 GB",
        "flavor.grant",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("name", "back", "said", "state"),
    [
        ("close", "open", "is closed", "closed"),
        ("hide", "show", "is hidden", "offered"),
        ("retire", "restore", "is retired", "retired"),
    ],
)
def test_what_is_done_to_a_flavor_holds_at_once_and_can_be_undone(
    root: Client, people: People, flavor: Flavor, name: str, back: str, said: str, state: str
) -> None:
    assert flavor.name in offered_to(people.bob)
    assert f"{flavor.name} {said}." in texts_of(act(root, FLAVORS, name, flavor))
    assert flavor.name not in offered_to(people.bob)
    assert rows_in(root.get(FLAVORS, {"state": state})) == [flavor.name]
    event = AuditEvent.objects.filter(action="flavor.modify").latest("pk")
    assert (event.actor_name, event.target_id) == ("root@example.org", str(flavor.pk))
    page = root.get(f"{FLAVORS}{flavor.pk}/").content.decode()
    assert (f"act/{name}/" in page, f"act/{back}/" in page) == (False, True)
    act(root, FLAVORS, back, flavor)
    assert flavor.name in offered_to(people.bob)


def test_a_name_that_was_given_anew_keeps_a_retired_flavor_away(root: Client, gpu: Flavor) -> None:
    act(root, FLAVORS, "retire", gpu)
    rules.create(SYSTEM, cpu=1, ram=512, disk=1, label="gpu")
    assert "Flavor with name gpu already exists." in texts_of(act(root, FLAVORS, "restore", gpu))
    assert Flavor.objects.get(pk=gpu.pk).deleted


def test_only_administrators_see_the_table_and_use_it(
    client: Client, alice: Client, root: Client, flavor: Flavor
) -> None:
    for path in (FLAVORS, f"{FLAVORS}{flavor.pk}/", f"{FLAVORS}act/retire/?row={flavor.pk}"):
        assert client.get(path).headers["Location"].startswith("/ui/login/")
        assert alice.get(path).status_code == 403
        assert root.get(path).status_code == 200
    for who in (client, alice):
        who.post(f"{FLAVORS}act/retire/", {"row": flavor.pk})
    assert not Flavor.objects.get(pk=flavor.pk).deleted


def test_it_costs_the_same_number_of_queries_whatever_it_shows(
    root: Client, flavor: Flavor, django_assert_max_num_queries: Any
) -> None:
    for number in range(6):
        rules.create(SYSTEM, cpu=1 + number, ram=512, disk=7)
    root.get(FLAVORS)
    with django_assert_max_num_queries(9):
        assert len(rows_in(root.get(FLAVORS))) == 7
