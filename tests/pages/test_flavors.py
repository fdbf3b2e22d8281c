"""The page of flavors: for everybody to look at, for administrators to make and retire."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from synnefo.cyclades.flavors import rules
from synnefo.cyclades.flavors.models import Flavor
from tests.conftest import SYSTEM, People
from tests.pages.conftest import signed_in, texts_of

LIST = "/ui/flavors/"
WANTED = {"cpu": "2", "ram": "2048", "disk": "20", "label": "", "public": "on"}


def test_a_row_says_what_a_server_of_it_has(alice: Client, flavor: Any) -> None:
    rules.set_specs(SYSTEM, flavor, {"hw:cpu_policy": "shared"})
    page = texts_of(alice.get(LIST))
    assert f"{flavor.name} hw:cpu_policy: shared 1 256 MB 1 GB" in page
    assert "Create flavor" not in page
    assert "Retire" not in page


def test_flavors_of_chosen_projects_are_seen_there_alone(
    alice: Client, bob: Client, cloud: People, flavor: Any
) -> None:
    big = rules.create(SYSTEM, cpu=64, ram=65536, disk=100, label="big", public=False)
    rules.grant(SYSTEM, big, cloud.alice.caller.project)
    assert "big 64 64 GB 100 GB" in texts_of(alice.get(LIST))
    assert "big" not in texts_of(bob.get(LIST + "rows/"))


def test_administrators_make_and_retire_them(cloud: People, flavor: Any) -> None:
    admin = signed_in(cloud.admin)
    kind = str(flavor.volume_type_id)
    made = texts_of(admin.post(LIST + "create/", {**WANTED, "kind": kind}, follow=True))
    assert "The flavor is there." in made
    assert "C2R2048D20local 2 2 GB 20 GB" in made
    twice = admin.post(LIST + "create/", {**WANTED, "kind": kind})
    assert twice.status_code == 422
    assert "exists already" in texts_of(twice)
    assert admin.post(LIST + "create/", {**WANTED, "kind": kind, "cpu": "no"}).status_code == 422
    row = Flavor.objects.get(cpu=2)
    assert "Retire flavor C2R2048D20local ?" in texts_of(admin.get(f"{LIST}{row.uuid}/retire/")).replace(
        "local?", "local ?"
    )
    admin.post(f"{LIST}{row.uuid}/retire/")
    row.refresh_from_db()
    assert row.deleted


def test_others_make_none_and_retire_none(alice: Client, client: Client, flavor: Any) -> None:
    form = {**WANTED, "kind": str(flavor.volume_type_id)}
    for path in ("create/", f"{flavor.uuid}/retire/"):
        assert (alice.get(LIST + path).status_code, alice.post(LIST + path, form).status_code) == (403, 403)
        assert client.post(LIST + path, form)["Location"].startswith("/ui/login/")
    assert [row.deleted for row in Flavor.objects.all()] == [False]


def test_a_list_costs_the_same_number_of_queries_whatever_it_shows(
    alice: Client, flavor: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(2, 8):
        rules.create(SYSTEM, cpu=number, ram=512, disk=10)
    with django_assert_max_num_queries(22):
        assert "C7R512D10local" in texts_of(alice.get(LIST))


def test_a_flavor_leads_to_the_form_of_a_server_of_it(alice: Client, image: Any, flavor: Any) -> None:
    other = rules.create(SYSTEM, cpu=2, ram=512, disk=10)
    assert f"/ui/servers/create/?flavor={other.uuid}" in alice.get(LIST).content.decode()
    for row in (flavor, other):
        form = alice.get(f"/ui/servers/create/?flavor={row.uuid}").content.decode()
        assert re.search(f'name="flavor" value="{row.uuid}"[^>]* checked', form)
