"""Rules of networks, subnets, ports and floating IPs."""

from __future__ import annotations

from typing import Any

import pytest

from synnefo.common import faults
from synnefo.common.accounts import accounts
from synnefo.cyclades.networks import floating, ports
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.addresses import FixedIp
from synnefo.cyclades.networks.models import IPAddress, Network, Subnet
from tests.conftest import People


@pytest.fixture
def network(cloud: People) -> Network:
    made = networks.create(cloud.alice.caller, name="lan")
    networks.create_subnet(cloud.alice.caller, made.uuid, cidr="10.0.0.0/29")
    return made


def used(people: People, resource: str) -> int:
    caller = people.alice.caller
    return accounts().quotas(caller.user, caller.project)[f"cyclades.{resource}"].usage


def test_a_network_is_charged_until_it_is_deleted(cloud: People) -> None:
    network = networks.create(cloud.alice.caller, name="lan")
    assert used(cloud, "network.private") == 1
    networks.delete(cloud.alice.caller, network.uuid)
    assert used(cloud, "network.private") == 0


def test_two_users_may_use_the_same_range(cloud: People) -> None:
    for person in (cloud.alice, cloud.bob):
        network = networks.create(person.caller, name="lan")
        networks.create_subnet(person.caller, network.uuid, cidr="10.0.0.0/24")
    assert Subnet.objects.filter(cidr="10.0.0.0/24").count() == 2


def test_private_networks_are_seen_by_their_owner_alone_and_public_ones_by_all(
    cloud: People, network: Network, public_network: Network
) -> None:
    assert {row.uuid for row in networks.networks_for(cloud.alice.caller)} == {
        network.uuid,
        public_network.uuid,
    }
    assert {row.uuid for row in networks.networks_for(cloud.bob.caller)} == {public_network.uuid}
    for act in (networks.delete, networks.rename):
        with pytest.raises(faults.ItemNotFound):
            act(cloud.bob.caller, network.uuid)
        with pytest.raises(faults.Forbidden):
            act(cloud.bob.caller, public_network.uuid)
    with pytest.raises(faults.ItemNotFound):
        networks.create_subnet(cloud.bob.caller, network.uuid, cidr="10.1.0.0/24")
    with pytest.raises(faults.Forbidden):
        networks.create(cloud.bob.caller, name="mine", public=True)


def test_addresses_are_given_in_order_until_none_is_left(cloud: People, network: Network) -> None:
    alice = cloud.alice.caller
    made = [ports.create(alice, network.uuid).addresses.get().address for _ in range(5)]
    assert made == ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]
    with pytest.raises(faults.Conflict):
        ports.create(alice, network.uuid)
    assert network.ports.count() == 5
    ports.delete(alice, network.ports.order_by("pk")[2].uuid)
    assert ports.create(alice, network.uuid).addresses.get().address == "10.0.0.4"


def test_an_address_can_be_asked_for_once(cloud: People, network: Network) -> None:
    alice = cloud.alice.caller
    assert (
        ports.create(alice, network.uuid, fixed_ips=[FixedIp("10.0.0.5")]).addresses.get().address
        == "10.0.0.5"
    )
    for wish, fault in (
        ("10.0.0.5", faults.Conflict),
        ("10.0.0.1", faults.Conflict),
        ("10.0.1.5", faults.BadRequest),
    ):
        with pytest.raises(fault):
            ports.create(alice, network.uuid, fixed_ips=[FixedIp(wish)])
    assert network.ports.count() == 1


@pytest.mark.parametrize(
    "cidr", ["198.18.0.0/24", "198.18.0.0/16", "198.19.4.0/24", "10.0.0.0/8x", "127.0.0.0/8"]
)
def test_ranges_of_the_cloud_itself_are_refused(cloud: People, cidr: str) -> None:
    bare = networks.create(cloud.alice.caller, name="bare")
    with pytest.raises(faults.BadRequest):
        networks.create_subnet(cloud.alice.caller, bare.uuid, cidr=cidr)
    assert not bare.subnets.exists()


def test_public_ranges_of_hosts_are_not_tenants(cloud: People, settings: Any) -> None:
    settings.CYCLADES_LOCAL_PUBLIC_RANGES = ["192.0.2.0/24", "10.5.0.128/25@eth0"]
    bare = networks.create(cloud.alice.caller, name="bare")
    for cidr in ("192.0.2.64/26", "10.5.0.0/24"):
        with pytest.raises(faults.BadRequest):
            networks.create_subnet(cloud.alice.caller, bare.uuid, cidr=cidr)


def test_a_subnet_in_use_stays(cloud: People, network: Network) -> None:
    alice = cloud.alice.caller
    port = ports.create(alice, network.uuid)
    subnet = network.subnets.get()
    with pytest.raises(faults.Conflict):
        networks.delete_subnet(alice, subnet.uuid)
    ports.delete(alice, port.uuid)
    networks.delete_subnet(alice, subnet.uuid)
    assert not network.subnets.exists()


def test_every_change_that_engines_must_know_raises_the_revision(cloud: People, network: Network) -> None:
    alice = cloud.alice.caller
    seen = [Network.objects.get(pk=network.pk).revision]

    def after(_: Any) -> None:
        seen.append(Network.objects.get(pk=network.pk).revision)

    port = ports.create(alice, network.uuid)
    after(port)
    ip = floating.create(alice, port_uuid=port.uuid)
    after(ip)
    after(floating.associate(alice, ip.uuid, None))
    after(ports.delete(alice, port.uuid))
    assert seen == sorted(set(seen))


def test_floating_ips_are_charged_and_go_back(cloud: People, public_network: Network) -> None:
    alice = cloud.alice.caller
    ip = floating.create(alice)
    assert ip.address == "198.18.0.2"
    assert used(cloud, "floating_ip") == 1
    with pytest.raises(faults.ItemNotFound):
        floating.delete(cloud.bob.caller, ip.uuid)
    floating.delete(alice, ip.uuid)
    assert used(cloud, "floating_ip") == 0
    assert not IPAddress.objects.exists()


def test_a_floating_ip_needs_a_port_with_an_address_behind_a_gateway(cloud: People) -> None:
    alice = cloud.alice.caller
    bare = networks.create(alice, name="bare")
    port = ports.create(alice, bare.uuid)
    with pytest.raises(faults.BadRequest):
        floating.create(alice, port_uuid=port.uuid)
    closed = networks.create(alice, name="closed")
    networks.create_subnet(alice, closed.uuid, cidr="10.3.0.0/24", gateway=None)
    inner = ports.create(alice, closed.uuid)
    with pytest.raises(faults.ItemNotFound):
        floating.create(alice, port_uuid=inner.uuid)
    assert used(cloud, "floating_ip") == 0


def test_what_was_deleted_is_unknown(cloud: People, network: Network) -> None:
    alice = cloud.alice.caller
    networks.delete(alice, network.uuid)
    for act in (networks.get, networks.delete):
        with pytest.raises(faults.ItemNotFound):
            act(alice, network.uuid)
