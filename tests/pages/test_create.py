"""The create form: what it offers, what it refuses and keeps, what it makes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.keypairs.models import KeyPair
from synnefo.cyclades.networks.models import IPAddress, Network
from synnefo.cyclades.servers.models import Server
from tests.conftest import SYSTEM, People
from tests.pages.conftest import limit, texts_of

FORM = "/ui/servers/create/"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl alice@laptop"


@pytest.fixture
def wanted(image: Any, flavor: Any) -> dict[str, str]:
    """A form that is filled in, with nothing extra."""
    return {"name": "web-1", "image": image.uuid, "flavor": flavor.uuid, "network": "none", "key": "none"}


def chosen(answer: Any) -> dict[str, str]:
    found = re.findall(r'name="(\w+)" value="([^"]+)" checked', answer.content.decode())
    return dict(found)


def test_the_sensible_choice_is_made_already(
    alice: Client, cloud: People, image: Any, flavor: Any, network: Any
) -> None:
    bigger = flavors.create(SYSTEM, cpu=8, ram=4096, disk=50)
    answer = alice.get(FORM)
    assert chosen(answer) == {
        "image": image.uuid, "flavor": flavor.uuid, "network": network.uuid, "key": "new",
    }  # fmt: skip
    assert bigger.uuid in answer.content.decode()
    assert re.search(r'id="floating_ip" checked', answer.content.decode())


def test_what_quota_forbids_is_disabled_and_says_why(alice: Client, cloud: People, flavor: Any) -> None:
    big = flavors.create(SYSTEM, cpu=8, ram=512, disk=1)
    limit(cloud, cpu=4, floating_ip=0)
    answer = alice.get(FORM)
    assert re.search(f'value="{big.uuid}" disabled', answer.content.decode())
    assert "CPUs: 8 needed, 4 left" in texts_of(answer)
    assert re.search(r'id="floating_ip" disabled', answer.content.decode())
    assert "Floating IPs: 1 needed, 0 left" in texts_of(answer)
    assert chosen(answer)["flavor"] == flavor.uuid


def test_the_smallest_server_is_made_by_the_rules(
    alice: Client, cloud: People, wanted: dict[str, str], settle: Callable[[], None]
) -> None:
    answer = alice.post(FORM, wanted)
    server = Server.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/ui/servers/{server.uuid}/")
    assert (server.name, server.userid, server.project) == (
        "web-1",
        cloud.alice.caller.user,
        cloud.alice.caller.project,
    )
    settle()
    server.refresh_from_db()
    assert server.operstate == "STARTED"


def test_the_password_is_shown_once(alice: Client, wanted: dict[str, str]) -> None:
    page = alice.post(FORM, wanted, follow=True)
    password = re.search(r'class="secret">([^<]+)<', page.content.decode())
    assert password is not None
    assert len(password.group(1)) == 12
    again = alice.get(f"/ui/servers/{Server.objects.get().uuid}/").content.decode()
    assert password.group(1) not in again


def test_key_network_and_floating_ip_are_made_with_it(
    alice: Client, cloud: People, wanted: dict[str, str], settle: Callable[[], None]
) -> None:
    form = {
        **wanted,
        "network": "new",
        "key": "new",
        "new_key": KEY,
        "floating_ip": "on",
        "user_data": "#!/bin/sh\n",
    }
    alice.post(FORM, form)
    server = Server.objects.get()
    assert (server.key_name, bytes(server.user_data)) == ("alice@laptop", b"#!/bin/sh\n")
    network = Network.objects.get(public=False)
    assert (network.name, network.subnets.get().cidr) == ("default", "192.168.0.0/24")
    assert IPAddress.objects.get(floating_ip=True).nat_port == server.ports.get()


def test_a_key_is_chosen_by_name(alice: Client, cloud: People, wanted: dict[str, str]) -> None:
    alice.post(FORM, {**wanted, "key": "new", "new_key": KEY, "new_key_name": "mine"})
    alice.post(FORM, {**wanted, "name": "web-2", "key": "mine"})
    assert Server.objects.get(name="web-2").key_name == "mine"
    assert KeyPair.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": ""}, "Give the server a name."),
        ({"name": " "}, "Give the server a name."),
        ({"image": ""}, "Choose an image."),
        ({"image": "nonsense"}, "Choose again."),
        ({"flavor": "8d8e9a2e-9d54-4f3e-8a0c-000000000000"}, "Choose again."),
        ({"network": "somebody-elses"}, "Choose again."),
        ({"key": "new"}, "Paste a public key"),
        ({"key": "new", "new_key": "rubbish"}, "this is not an OpenSSH public key"),
        ({"floating_ip": "on"}, "choose a network"),
        ({"user_data": "x" * 70_000}, "bytes are too many"),
    ],
)
def test_mistakes_are_told_at_the_field_and_on_top_and_nothing_typed_is_lost(
    alice: Client, wanted: dict[str, str], change: dict[str, str], complaint: str
) -> None:
    answer = alice.post(
        FORM, {"user_data": "#cloud-config", "new_key_name": "my name for it", **wanted, **change}
    )
    page = texts_of(answer)
    assert answer.status_code == 422
    assert page.count(complaint) == 2
    assert "The server was not created." in page
    for field, typed in {"new_key_name": "my name for it", "name": "web-1", **change}.items():
        if field in ("name", "new_key_name", "new_key", "user_data"):
            assert typed.strip() in answer.content.decode()
    assert not Server.objects.exists()


def test_too_little_quota_is_told_and_the_key_that_was_made_is_used_from_then_on(
    alice: Client, cloud: People, wanted: dict[str, str]
) -> None:
    limit(cloud, vm=0)
    answer = alice.post(FORM, {**wanted, "network": "new", "key": "new", "new_key": KEY})
    assert answer.status_code == 422
    assert "This is more than your quota allows. Servers: 1 needed, 0 left." in texts_of(answer)
    assert not Server.objects.exists()
    assert chosen(answer)["key"] == "alice@laptop"
    network = Network.objects.get(public=False)
    assert chosen(answer)["network"] == network.uuid
    limit(cloud, vm=1)
    alice.post(FORM, {**wanted, **chosen(answer)})
    assert Server.objects.get().key_name == "alice@laptop"


def test_a_floating_ip_that_cannot_be_had_does_not_cost_the_server(
    alice: Client, cloud: People, wanted: dict[str, str]
) -> None:
    limit(cloud, floating_ip=0)
    page = texts_of(alice.post(FORM, {**wanted, "network": "new", "floating_ip": "on"}, follow=True))
    assert "The server is being built, but it got no floating IP" in page
    assert Server.objects.get().name == "web-1"


def test_without_images_and_sizes_the_page_says_who_makes_them(
    client: Client, people: People, engine_room: Any
) -> None:
    client.force_login(people.alice.user)
    page = texts_of(client.get(FORM))
    assert "There is no image yet" in page
    assert "There is no size yet" in page


def test_choices_of_other_people_are_not_offered(bob: Client, network: Any) -> None:
    assert network.uuid not in bob.get(FORM).content.decode()
