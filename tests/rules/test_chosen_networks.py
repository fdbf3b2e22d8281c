"""Networks that servers are on by the cloud's settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synnefo.common import faults
from synnefo.common.accounts import accounts
from synnefo.cyclades.networks import floating
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import IPAddressHistory, Network
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import NicRequest, ServerRequest
from tests.conftest import SYSTEM, People

Make = Callable[..., Server]


@pytest.fixture
def server(cloud: People, image: Any, flavor: Any) -> Make:
    def make(nics: list[NicRequest] | None) -> Server:
        caller = cloud.alice.caller.everywhere()
        return rules.create(caller, ServerRequest("vm", image.uuid, flavor.uuid, nics))[0]

    return make


def addresses_of(server: Server) -> list[list[str]]:
    ports = server.ports.order_by("index")
    return [[ip.address for ip in port.addresses.order_by("pk")] for port in ports]


def floating_ips(cloud: People) -> int:
    caller = cloud.alice.caller
    return accounts().quotas(caller.user, caller.project)["cyclades.floating_ip"].usage


def test_every_server_is_on_the_forced_networks_at_no_cost(
    cloud: People, public_network: Network, server: Make, settings: Any
) -> None:
    settings.CYCLADES_FORCED_SERVER_NETWORKS = ["SNF:ANY_PUBLIC_IPV4"]
    made = server([])
    assert addresses_of(made) == [["198.18.0.2"]]
    assert floating_ips(cloud) == 0
    assert IPAddressHistory.objects.get().server_id == made.pk
    networks.update(SYSTEM, public_network.uuid, drained=True)
    with pytest.raises(faults.ServiceUnavailable):
        server([])
    assert Server.objects.count() == 1


def test_without_a_wish_a_server_is_on_the_usual_networks(
    cloud: People, public_network: Network, server: Make, settings: Any
) -> None:
    alice = cloud.alice.caller
    own = networks.create(alice, name="lan")
    networks.create_subnet(alice, own.uuid, cidr="10.0.0.0/24")
    settings.CYCLADES_DEFAULT_SERVER_NETWORKS = [own.pk, "SNF:ANY_PUBLIC"]
    with pytest.raises(faults.Conflict):
        server(None)
    assert not own.ports.exists()
    taken = floating.create(alice)
    assert addresses_of(server(None)) == [["10.0.0.2"], [taken.address]]
    assert addresses_of(server([])) == []


def test_of_several_networks_the_first_with_room_is_taken(cloud: People, server: Make, settings: Any) -> None:
    full, second = (networks.create(cloud.alice.caller, name=name) for name in ("full", "second"))
    for network, cidr in ((full, "10.0.0.0/29"), (second, "10.1.0.0/29")):
        networks.create_subnet(cloud.alice.caller, network.uuid, cidr=cidr)
    networks.reserve(SYSTEM, full, ["10.0.0.0/29"])
    settings.CYCLADES_DEFAULT_SERVER_NETWORKS = [(full.pk, second.pk)]
    assert addresses_of(server(None)) == [["10.1.0.2"]]
    assert not full.ports.exists()


def test_public_networks_of_ipv6_alone_need_no_floating_ip(
    cloud: People, server: Make, settings: Any
) -> None:
    made = networks.create(SYSTEM, name="six", public=True)
    networks.create_subnet(SYSTEM, made.uuid, cidr="2001:db8::/64", version=6, ipv6_mode="slaac")
    settings.CYCLADES_DEFAULT_SERVER_NETWORKS = ["SNF:ANY_PUBLIC_IPV6"]
    [[address]] = addresses_of(server(None))
    assert address.startswith("2001:db8::")
