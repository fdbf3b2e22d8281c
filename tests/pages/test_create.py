"""The create form: what it offers, what it refuses and keeps, what it makes."""

from __future__ import annotations

import html
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


def same(client: Client, wanted: dict[str, str]) -> dict[str, str]:
    """The three texts as a script of the page gets them."""
    answer = client.post(FORM + "same/", wanted)
    found = re.findall(r'id="same-(\w+)" tabindex[^>]*>(.*?)</pre>', answer.content.decode(), re.DOTALL)
    return {key: html.unescape(text) for key, text in found}


def test_the_same_request_is_said_in_three_ways(
    alice: Client, wanted: dict[str, str], image: Any, flavor: Any, network: Any, public_network: Any
) -> None:
    said = same(alice, {**wanted, "name": "my web", "network": network.uuid, "floating_ip": "on"})
    assert said["openstack"].replace(" \\\n ", "") == (
        f"openstack server create --image tiny --flavor {flavor.name} --network lan 'my web'\n"
        "openstack floating ip create public\n"
        "openstack server add floating ip 'my web' ADDRESS"
    )
    assert said["kamaki"].replace(" \\\n ", "") == (
        f"kamaki server create --name 'my web' --flavor-id {flavor.pk} --image-id {image.uuid} "
        f"--network {network.pk}\n"
        f"kamaki ip create --network-id {public_network.pk}\n"
        "kamaki ip attach ADDRESS --server-id SERVER_ID"
    )
    for words in (
        'resource "openstack_compute_instance_v2" "my_web" {',
        f'flavor_id = "{flavor.uuid}"',
        "port = openstack_networking_port_v2.my_web.id",
        'resource "openstack_networking_floatingip_v2" "my_web" {',
    ):
        assert words in said["terraform"]


def test_no_network_is_asked_for_in_so_many_words(alice: Client, wanted: dict[str, str]) -> None:
    said = same(alice, {**wanted, "network": "none"})
    assert "--nic none" in said["openstack"]
    assert "--no-network" in said["kamaki"]
    assert 'network_mode = "none"' in said["terraform"]


def test_what_is_made_on_the_way_is_part_of_the_same_request(alice: Client, wanted: dict[str, str]) -> None:
    data = "#!/bin/sh\r\necho EOF ${x}\r\nEOF\r\n"
    form = {**wanted, "network": "new", "key": "new", "new_key": KEY, "user_data": data}
    said = same(alice, form)
    assert "openstack keypair create" in said["openstack"]
    assert "openstack subnet create" in said["openstack"]
    assert "cat > user-data <<'EOF_'\n#!/bin/sh\necho EOF ${x}\nEOF\nEOF_\n" in said["openstack"]
    assert "--network NETWORK_ID" in said["kamaki"]
    assert f"--public-key '{KEY}'" in said["kamaki"]
    for words in (
        "key_pair   = openstack_compute_keypair_v2.alice_laptop.name",
        "depends_on = [openstack_networking_subnet_v2.default]",
        r'user_data  = "#!/bin/sh\necho EOF $${x}\nEOF\n"',
        "uuid = openstack_networking_network_v2.default.id",
    ):
        assert words in said["terraform"]


def test_what_is_not_chosen_yet_or_is_not_on_offer_is_left_open(
    alice: Client, bob: Client, network: Any
) -> None:
    assert "openstack server create" in same(alice, {})["openstack"]
    said = same(bob, {"network": network.uuid, "image": "x", "key": "none"})
    assert "lan" not in said["openstack"]
    assert "--image IMAGE" in said["openstack"]
    assert "--image-id IMAGE" in said["kamaki"]


def test_the_page_starts_with_what_is_preselected(alice: Client, image: Any, flavor: Any) -> None:
    page = texts_of(alice.get(FORM)).replace("\\ ", "")
    assert f"--image tiny --flavor {flavor.name}" in page
