"""Rules of routers, of floating IPs by way of them, and what engines are told of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synnefo.common import faults
from synnefo.common.caller import Caller
from synnefo.cyclades.networks import floating, ports, routers
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.addresses import FixedIp
from synnefo.cyclades.networks.models import IPAddress, Network, Port, Router, Subnet
from synnefo.cyclades.operations.pictures import network_spec, router_spec
from tests.conftest import People

Settle = Callable[[], None]


def lan(caller: Caller, cidr: str, **more: Any) -> Subnet:
    network = networks.create(caller, name=cidr)
    return networks.create_subnet(caller, network.uuid, cidr=cidr, **more)


@pytest.fixture
def alice(cloud: People) -> Caller:
    return cloud.alice.caller


@pytest.fixture
def router(alice: Caller, public_network: Network) -> Router:
    return routers.create(alice, name="r", external=public_network.uuid)


def test_a_router_leads_out_by_an_address_of_the_public_network_that_costs_nothing(
    alice: Caller, router: Router, public_network: Network
) -> None:
    [address] = IPAddress.objects.filter(port__router=router)
    assert (address.address, address.floating_ip, address.userid) == ("198.18.0.2", False, "")
    assert not ports.ports_for(alice).filter(router=router).exists()
    with pytest.raises(faults.Conflict):
        networks.delete(Caller(user="", project="", is_admin=True), public_network.uuid)
    routers.set_gateway(alice, router.uuid, None)
    assert not IPAddress.objects.filter(network=public_network).exists()
    assert routers.get(alice, router.uuid).external is None


def test_a_router_that_joins_a_subnet_is_its_gateway(alice: Caller, router: Router) -> None:
    subnet = lan(alice, "10.1.0.0/24")
    _, port, joined = routers.add_interface(alice, router.uuid, subnet_uuid=subnet.uuid)
    assert joined == subnet
    assert (port.addresses.get().address, port.device_owner) == ("10.1.0.1", routers.INTERFACE)
    assert port.state == Port.State.ACTIVE
    assert routers.gateway_of(subnet) == router
    for refused in (
        lambda: ports.delete(alice, port.uuid),
        lambda: routers.delete(alice, router.uuid),
        lambda: networks.delete_subnet(alice, subnet.uuid),
        lambda: networks.delete(alice, subnet.network.uuid),
        lambda: networks.update_subnet(alice, subnet.uuid, gateway="10.1.0.254"),
    ):
        with pytest.raises(faults.Conflict):
            refused()
    routers.remove_interface(alice, router.uuid, subnet_uuid=subnet.uuid)
    assert not Port.objects.filter(router=router, device_owner=routers.INTERFACE).exists()
    routers.delete(alice, router.uuid)
    assert not Router.objects.exists()
    assert not IPAddress.objects.exists()


def test_a_port_of_ones_own_can_be_a_routers_leg(alice: Caller, router: Router) -> None:
    subnet = lan(alice, "10.1.0.0/24")
    port = ports.create(alice, subnet.network.uuid, fixed_ips=[FixedIp("10.1.0.77")])
    routers.add_interface(alice, router.uuid, port_uuid=port.uuid)
    assert routers.gateway_of(subnet) is None
    assert network_spec(subnet.network_id).routed is False
    assert router_spec(router.pk).interfaces == ((subnet.network.engine_name, "10.1.0.77/24"),)
    with pytest.raises(faults.Conflict):
        routers.add_interface(alice, router.uuid, port_uuid=port.uuid)


def test_interfaces_that_there_cannot_be_are_refused(
    cloud: People, alice: Caller, router: Router, public_network: Network
) -> None:
    subnet = lan(alice, "10.1.0.0/24")
    routers.add_interface(alice, router.uuid, subnet_uuid=subnet.uuid)
    taken = lan(alice, "10.3.0.0/24", gateway=None)
    public = public_network.subnets.get()
    bare = ports.create(alice, networks.create(alice, name="bare").uuid)
    for fault, wanted in (
        (faults.BadRequest, {"subnet_uuid": subnet.uuid}),
        (faults.BadRequest, {"subnet_uuid": lan(alice, "10.1.0.128/25").uuid}),
        (faults.BadRequest, {"subnet_uuid": taken.uuid}),
        (faults.BadRequest, {"port_uuid": bare.uuid}),
        (faults.BadRequest, {}),
        (faults.Forbidden, {"subnet_uuid": public.uuid}),
        (faults.ItemNotFound, {"subnet_uuid": lan(cloud.bob.caller, "10.4.0.0/24").uuid}),
    ):
        with pytest.raises(fault):
            routers.add_interface(alice, router.uuid, **wanted)
    assert router.ports.filter(device_owner=routers.INTERFACE).count() == 1


def test_nobody_elses_router_is_seen(cloud: People, router: Router) -> None:
    bob = cloud.bob.caller
    subnet = lan(bob, "10.5.0.0/24")
    for act in (
        lambda: routers.get(bob, router.uuid),
        lambda: routers.update(bob, router.uuid, name="mine"),
        lambda: routers.delete(bob, router.uuid),
        lambda: routers.set_gateway(bob, router.uuid, None),
        lambda: routers.add_interface(bob, router.uuid, subnet_uuid=subnet.uuid),
    ):
        with pytest.raises(faults.ItemNotFound):
            act()


def test_a_project_has_only_so_many_routers(alice: Caller, settings: Any) -> None:
    settings.CYCLADES_MAX_ROUTERS = 2
    for _ in range(2):
        routers.create(alice)
    with pytest.raises(faults.OverLimit):
        routers.create(alice)


def test_floating_ips_lead_through_the_gateway_of_the_subnet(
    alice: Caller, router: Router, public_network: Network
) -> None:
    subnet = lan(alice, "10.1.0.0/24")
    port = ports.create(alice, subnet.network.uuid)
    ip = floating.create(alice, port_uuid=port.uuid)
    assert network_spec(subnet.network_id).floating == {ip.address: "10.1.0.2"}
    assert floating.router_of(ip) is None
    routers.add_interface(alice, router.uuid, subnet_uuid=subnet.uuid)
    spec = network_spec(subnet.network_id)
    assert (spec.routed, spec.floating) == (True, {})
    assert router_spec(router.pk).floating == {ip.address: "10.1.0.2"}
    assert floating.router_of(ip) == router
    for refused in (
        lambda: routers.remove_interface(alice, router.uuid, subnet_uuid=subnet.uuid),
        lambda: routers.set_gateway(alice, router.uuid, None),
    ):
        with pytest.raises(faults.Conflict):
            refused()
    before = Router.objects.get(pk=router.pk).revision
    floating.associate(alice, ip.uuid, None)
    assert router_spec(router.pk).floating == {}
    assert Router.objects.get(pk=router.pk).revision > before


def test_without_a_way_out_no_floating_ip_leads_in(alice: Caller) -> None:
    closed = routers.create(alice, name="closed")
    subnet = lan(alice, "10.1.0.0/24")
    routers.add_interface(alice, closed.uuid, subnet_uuid=subnet.uuid)
    port = ports.create(alice, subnet.network.uuid)
    with pytest.raises(faults.ItemNotFound):
        floating.create(alice, port_uuid=port.uuid)


def test_a_floating_ip_leads_to_one_address_of_several(alice: Caller) -> None:
    subnet = lan(alice, "10.1.0.0/24")
    wishes = [FixedIp("10.1.0.5"), FixedIp("10.1.0.6")]
    port = ports.create(alice, subnet.network.uuid, fixed_ips=wishes)
    first = floating.create(alice, port_uuid=port.uuid, fixed_address="10.1.0.6")
    second = floating.create(alice, port_uuid=port.uuid)
    assert network_spec(subnet.network_id).floating == {first.address: "10.1.0.6", second.address: "10.1.0.5"}
    with pytest.raises(faults.Conflict):
        floating.create(alice, port_uuid=port.uuid, fixed_address="10.1.0.5")
    with pytest.raises(faults.BadRequest):
        floating.associate(alice, first.uuid, port.uuid, fixed_address="10.1.0.99")
    with pytest.raises(faults.Conflict):
        ports.update(alice, port.uuid, fixed_ips=[FixedIp("10.1.0.5")])


def test_routes_lead_by_neighbours(alice: Caller, router: Router) -> None:
    subnet = lan(alice, "10.1.0.0/24")
    routers.add_interface(alice, router.uuid, subnet_uuid=subnet.uuid)
    good = {"destination": "192.0.2.0/24", "nexthop": "10.1.0.9"}
    for bad in (
        {"destination": "192.0.2.0/24", "nexthop": "10.9.0.9"},
        {"destination": "192.0.2.0/24", "nexthop": "10.1.0.1"},
        {"destination": "x", "nexthop": "10.1.0.9"},
        {"destination": "fd00::/64", "nexthop": "10.1.0.9"},
    ):
        with pytest.raises(faults.BadRequest):
            routers.update(alice, router.uuid, routes=[good, bad])
    routers.update(alice, router.uuid, routes=[good])
    assert router_spec(router.pk).routes == (("192.0.2.0/24", "10.1.0.9"),)
    with pytest.raises(faults.Conflict):
        routers.remove_interface(alice, router.uuid, subnet_uuid=subnet.uuid)
    other = {"destination": "198.51.100.0/24", "nexthop": "10.1.0.9"}
    routers.change_routes(alice, router.uuid, add=[other], remove=[good])
    assert routers.get(alice, router.uuid).routes == [other]
