"""What rules make of networks, routers and groups, on the real fabric with guests that talk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.base import Fence, NetworkSpec, RouterSpec
from synnefo.cyclades.backends.local.fabric import NamespaceFabric
from synnefo.cyclades.backends.memory import MemoryBackend
from synnefo.cyclades.networks import floating, groups, placing, ports, routers
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import Port, Subnet
from tests.conftest import People

from .machines import WORLD, Guest, eventually, fetch

MakeGuest = Callable[..., Guest]
Settle = Callable[[], None]


class OnFabric(MemoryBackend):
    """The engine in memory, whose networks and routers are real."""

    def __init__(self, fabric: NamespaceFabric) -> None:
        super().__init__()
        self.fabric = fabric

    def apply_network(self, spec: NetworkSpec, fence: Fence) -> None:
        super().apply_network(spec, fence)
        self.fabric.apply(spec)

    def remove_network(self, name: str, fence: Fence) -> None:
        super().remove_network(name, fence)
        self.fabric.remove(name)

    def apply_router(self, spec: RouterSpec, fence: Fence) -> None:
        super().apply_router(spec, fence)
        self.fabric.apply_router(spec)

    def remove_router(self, name: str, fence: Fence) -> None:
        super().remove_router(name, fence)
        self.fabric.remove_router(name)


@pytest.fixture
def on_fabric(cloud: People, fabric: NamespaceFabric, backend_row: Any) -> Iterator[OnFabric]:
    driver = OnFabric(fabric)
    registry.put(backend_row, driver)
    yield driver
    for name in fabric.routers():
        fabric.remove_router(name)
    for name in fabric.networks():
        fabric.remove(name)


@pytest.fixture
def lan(cloud: People, on_fabric: OnFabric, backend_row: Any, settle: Settle) -> Callable[[str], Subnet]:
    def make(cidr: str) -> Subnet:
        network = networks.create(cloud.alice.caller, name=cidr)
        subnet = networks.create_subnet(cloud.alice.caller, network.uuid, cidr=cidr)
        placing.give(cloud.alice.caller, network, backend_row)
        settle()
        return subnet

    return make


@pytest.fixture
def plugged(cloud: People, settle: Settle, guest: MakeGuest) -> Callable[[Subnet], tuple[Port, Guest]]:
    """A port on a subnet with a guest in it that has its address and serves it."""

    def make(subnet: Subnet) -> tuple[Port, Guest]:
        port = ports.create(cloud.alice.caller, subnet.network.uuid)
        settle()
        address = port.addresses.get().address
        made = guest(port.engine_name, subnet.network.engine_name, port.mac, address)
        assert made.dhcp()["ip"] == address
        made.says(address)
        return port, made

    return make


def test_a_router_joins_networks_and_leads_out_and_in(
    cloud: People,
    lan: Any,
    plugged: Any,
    settle: Settle,
    public_network: Any,
    on_fabric: OnFabric,
    world: Any,
) -> None:
    alice = cloud.alice.caller
    subnets = [lan("10.1.0.0/24"), lan("10.2.0.0/24")]
    (port, red), (_, blue) = (plugged(subnet) for subnet in subnets)
    assert red.fetch("http://10.2.0.2/", timeout_s=1) == ""
    router = routers.create(alice, external=public_network.uuid)
    for subnet in subnets:
        routers.add_interface(alice, router.uuid, subnet_uuid=subnet.uuid)
    ip = floating.create(alice, port_uuid=port.uuid)
    settle()
    assert red.fetch("http://10.2.0.2/cgi-bin/caller") == "10.1.0.2"
    assert blue.fetch("http://10.1.0.2/") == "10.1.0.2"
    assert red.fetch(f"http://{WORLD}/") == "the world"
    address = f"http://{ip.address}/"
    assert fetch(address, timeout_s=1) == "", "its group lets only its own in"
    rule = groups.add_rule(
        alice, groups.default_of(alice).uuid, groups.Wish("ingress", protocol="tcp", port_min=80, port_max=80)
    )
    settle()
    assert fetch(address) == "10.1.0.2"
    groups.remove_rule(alice, rule.uuid)
    settle()
    assert fetch(address, timeout_s=1) == ""
    floating.delete(alice, ip.uuid)
    for subnet in subnets:
        routers.remove_interface(alice, router.uuid, subnet_uuid=subnet.uuid)
    routers.delete(alice, router.uuid)
    settle()
    assert on_fabric.fabric.routers() == []
    assert red.fetch("http://10.2.0.2/", timeout_s=1) == ""
    red.ip("neighbour", "flush", "dev", "eth0")  # the gateway is another machine now
    assert eventually(lambda: red.fetch(f"http://{WORLD}/") == "the world"), (
        "its network's own way out is back"
    )


def test_profiles_and_groups_of_other_networks(cloud: People, lan: Any, plugged: Any, settle: Settle) -> None:
    alice = cloud.alice.caller
    subnet = lan("10.1.0.0/24")
    (server, one), (client, other) = plugged(subnet), plugged(subnet)
    address = f"http://{server.addresses.get().address}/"
    assert other.fetch(address)
    ports.set_groups(alice, server.uuid, [])
    ports.set_profile(alice, server, "ENABLED")
    settle()
    assert other.fetch(address, timeout_s=1) == ""
    assert one.fetch(f"http://{client.addresses.get().address}/", timeout_s=1) == "", (
        "the client's group is its own"
    )
    web = groups.create(alice, name="web")
    groups.add_rule(alice, web.uuid, groups.Wish("ingress", remote_group=groups.default_of(alice).uuid))
    ports.set_groups(alice, server.uuid, [web])
    settle()
    assert other.fetch(address)
    ports.set_groups(alice, client.uuid, [web])
    settle()
    assert other.fetch(address, timeout_s=1) == ""


def test_a_new_address_works_at_once_and_the_old_one_no_more(
    cloud: People, lan: Any, plugged: Any, settle: Settle
) -> None:
    from synnefo.cyclades.networks.addresses import FixedIp

    alice = cloud.alice.caller
    subnet = lan("10.1.0.0/24")
    (port, moving), (_, other) = plugged(subnet), plugged(subnet)
    ports.update(alice, port.uuid, fixed_ips=[FixedIp("10.1.0.77")])
    settle()
    assert other.fetch("http://10.1.0.2/", timeout_s=1) == ""
    moving.ip("address", "flush", "dev", "eth0")
    assert moving.dhcp()["ip"] == "10.1.0.77"
    assert other.fetch("http://10.1.0.77/")
