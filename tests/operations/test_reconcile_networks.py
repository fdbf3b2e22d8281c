"""Networks, routers and groups as an engine comes to have them, and what happens if it has something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synnefo.cyclades.backends.base import Fence, NetworkSpec, RouterSpec
from synnefo.cyclades.networks import floating, groups, ports, routers
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import BackendRouter, Network, Port, Router, Subnet
from synnefo.cyclades.operations import reconcile_networks
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import NicRequest, ServerRequest
from tests.conftest import People

Settle = Callable[[], None]


@pytest.fixture
def lan(cloud: People) -> Subnet:
    network = networks.create(cloud.alice.caller, name="lan")
    return networks.create_subnet(cloud.alice.caller, network.uuid, cidr="10.0.0.0/24")


@pytest.fixture
def server(cloud: People, lan: Subnet, image: Any, flavor: Any, settle: Settle) -> Server:
    nics = [NicRequest(network=lan.network.uuid)]
    made = rules.create(cloud.alice.caller, ServerRequest("vm", image.uuid, flavor.uuid, nics))[0]
    settle()
    return made


@pytest.fixture
def router(cloud: People, lan: Subnet, server: Server, public_network: Network, settle: Settle) -> Router:
    """A router that joins the server's network with one that no server is on."""
    alice = cloud.alice.caller
    other = networks.create(alice, name="other")
    beyond = networks.create_subnet(alice, other.uuid, cidr="10.1.0.0/24")
    made = routers.create(alice, name="r", external=public_network.uuid)
    for subnet in (lan, beyond):
        routers.add_interface(alice, made.uuid, subnet_uuid=subnet.uuid)
    settle()
    return made


def test_an_engine_has_a_router_with_all_networks_that_it_joins(
    router: Router, lan: Subnet, engine_room: Any
) -> None:
    spec = engine_room.router(router.engine_name)
    assert [address for _, address in spec.interfaces] == ["10.0.0.1/24", "10.1.0.1/24"]
    assert spec.external == "198.18.0.2"
    assert all(engine_room.network(name).routed for name, _ in spec.interfaces)
    assert set(Port.objects.filter(router=router).values_list("state", flat=True)) == {"ACTIVE"}


def test_a_floating_ip_moves_from_the_network_to_its_router(
    cloud: People, lan: Subnet, server: Server, settle: Settle, engine_room: Any
) -> None:
    alice = cloud.alice.caller
    ip = floating.create(alice, port_uuid=server.ports.get().uuid)
    settle()
    assert engine_room.network(lan.network.engine_name).floating == {ip.address: "10.0.0.2"}
    made = routers.create(alice, external=ip.network.uuid)
    routers.add_interface(alice, made.uuid, subnet_uuid=lan.uuid)
    settle()
    assert engine_room.network(lan.network.engine_name).floating == {}
    assert engine_room.router(made.engine_name).floating == {ip.address: "10.0.0.2"}
    floating.delete(alice, ip.uuid)
    settle()
    assert engine_room.router(made.engine_name).floating == {}
    routers.remove_interface(alice, made.uuid, subnet_uuid=lan.uuid)
    settle()
    assert not engine_room.network(lan.network.engine_name).routed
    routers.delete(alice, made.uuid)
    settle()
    assert engine_room.routers() == []
    assert not Router.objects.exists()


def test_ports_elsewhere_are_told_to_the_networks_whose_rules_name_their_group(
    cloud: People, lan: Subnet, server: Server, settle: Settle, engine_room: Any
) -> None:
    alice = cloud.alice.caller
    elsewhere = networks.create(alice, name="elsewhere")
    networks.create_subnet(alice, elsewhere.uuid, cidr="10.5.0.0/24")
    port = ports.create(alice, elsewhere.uuid)
    settle()
    name = f"group-{groups.default_of(alice).pk}"
    spec = engine_room.network(lan.network.engine_name)
    assert spec.address_sets[name] == ("10.0.0.2", "10.5.0.2")
    ports.delete(alice, port.uuid)
    settle()
    assert engine_room.network(lan.network.engine_name).address_sets[name] == ("10.0.0.2",)


def test_what_vanishes_from_an_engine_comes_back(
    router: Router, lan: Subnet, settle: Settle, engine_room: Any, backend_row: Any
) -> None:
    assert reconcile_networks.look(backend_row) == []
    engine_room.engine.networks.clear()
    engine_room.engine.routers.clear()
    found = {finding.name for finding in reconcile_networks.look(backend_row)}
    assert {lan.network.engine_name, router.engine_name} <= found
    reconcile_networks.look_and_repair()
    settle()
    assert router.engine_name in engine_room.routers()
    assert lan.network.engine_name in engine_room.networks()
    assert reconcile_networks.look(backend_row) == []


def test_changes_made_while_an_engine_is_offline_reach_it_later(
    cloud: People, lan: Subnet, server: Server, settle: Settle, engine_room: Any, backend_row: Any
) -> None:
    backend_row.offline = True
    backend_row.save()
    networks.update_subnet(cloud.alice.caller, lan.uuid, dns_nameservers=["192.0.2.53"])
    settle()
    assert engine_room.network(lan.network.engine_name).dns_nameservers == ()
    assert Network.objects.get(pk=lan.network_id).state == "ACTIVE"
    backend_row.offline = False
    backend_row.save()
    reconcile_networks.look_and_repair()
    settle()
    assert engine_room.network(lan.network.engine_name).dns_nameservers == ("192.0.2.53",)


def test_orphans_are_told_and_go_when_it_is_asked(
    server: Server, lan: Subnet, engine_room: Any, backend_row: Any
) -> None:
    engine_room.apply_network(NetworkSpec("snf-net-999", 1), Fence(1, 0))
    engine_room.apply_router(RouterSpec("snf-router-999", 1), Fence(1, 0))
    engine_room.apply_network(NetworkSpec("somebodys-net", 1), Fence(1, 0))
    found = reconcile_networks.look(backend_row)
    assert [finding.name for finding in found] == ["snf-net-999", "snf-router-999"]
    reconcile_networks.look_and_repair()
    assert "snf-net-999" in engine_room.networks()
    for finding in found:
        reconcile_networks.repair(finding)
    assert sorted(engine_room.networks()) == sorted(["somebodys-net", lan.network.engine_name])
    assert engine_room.routers() == []
    assert not BackendRouter.objects.exists()
