"""The commands of the form for a new server, run as they stand there by the real kamaki."""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from synnefo.cyclades.networks.models import IPAddress
from synnefo.cyclades.servers.models import Server
from tests.cyclades_synnefo.test_kamaki import Kamaki, installed, kamaki
from tests.pages.test_create import KEY

__all__ = ["installed", "kamaki"]

pytestmark = pytest.mark.django_db(transaction=True)


def commands(client: Client, path: str, wanted: dict[str, str]) -> list[list[str]]:
    """The words of the commands for kamaki, without its own name."""
    answer = client.post(path, wanted)
    found = re.search(r'id="same-kamaki" tabindex[^>]*>(.*?)</pre>', answer.content.decode(), re.DOTALL)
    assert found is not None
    text = html.unescape(found.group(1)).replace("\\\n", "")
    lines = [shlex.split(line) for line in text.splitlines()]
    assert all(line[0] == "kamaki" for line in lines)
    return [line[1:] for line in lines]


def test_kamaki_makes_the_key_the_network_and_the_server_as_shown(
    kamaki: Kamaki, alice: Client, image: Any, flavor: Any
) -> None:
    form = {
        "name": "it's mine", "image": image.uuid, "flavor": flavor.uuid, "network": "new", "key": "new",
        "new_key": KEY,
    }  # fmt: skip
    key, network, subnet, server = commands(alice, "/ui/servers/create/same/", form)
    kamaki(*key)
    made = kamaki.json(*network)

    def with_network(words: list[str]) -> list[str]:
        return [str(made["id"]) if word == "NETWORK_ID" else word for word in words]

    kamaki(*with_network(subnet))
    kamaki(*with_network(server))
    found = Server.objects.get()
    assert (found.name, found.image, found.flavor, found.key_name) == (
        "it's mine", image.uuid, flavor, "alice@laptop",
    )  # fmt: skip
    subnet_made = found.ports.get().network.subnets.get()
    assert (subnet_made.cidr, subnet_made.gateway, subnet_made.dhcp) == (
        "192.168.0.0/24", "192.168.0.1", True,
    )  # fmt: skip


def test_kamaki_takes_a_floating_ip_as_shown(
    kamaki: Kamaki, alice: Client, image: Any, flavor: Any, network: Any, settle: Callable[[], None]
) -> None:
    form = {
        "name": "web", "image": image.uuid, "flavor": flavor.uuid, "network": network.uuid, "key": "none",
        "floating_ip": "on",
    }  # fmt: skip
    server, take, attach = commands(alice, "/ui/servers/create/same/", form)
    made = str(kamaki.json(*server)["id"])
    settle()
    address = kamaki.json(*take)["floating_ip_address"]
    named = {"ADDRESS": address, "SERVER_ID": made}
    kamaki(*(named.get(word, word) for word in attach))
    ip = IPAddress.objects.get(floating_ip=True)
    assert ip.address == address
    assert ip.port in Server.objects.get(pk=int(made)).ports.all()
