"""Pools of bridges and MAC prefixes, kinds of networks, and addresses that are kept out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synnefo.common import faults
from synnefo.common.caller import Caller
from synnefo.cyclades.networks import addresses, pools, ports
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import Network, Pool, PoolUse, Subnet
from tests.conftest import SYSTEM, People

KIND = Network.Kind


@pytest.fixture
def alice(cloud: People) -> Caller:
    return cloud.alice.caller


@pytest.fixture
def everything(settings: Any) -> None:
    settings.API_ENABLED_NETWORK_FLAVORS = tuple(KIND.values)


def test_networks_get_mac_prefixes_that_no_other_has_until_none_is_left(alice: Caller) -> None:
    pools.create(SYSTEM, Pool.Kind.MAC_PREFIX, base="", size=4)
    made = [networks.create(alice, name="n") for _ in range(3)]
    assert [network.mac_prefix for network in made] == ["aa:00:1", "aa:00:2", "aa:00:3"]
    with pytest.raises(faults.ServiceUnavailable):
        networks.create(alice, name="n")
    assert Network.objects.filter(kind=KIND.MAC_FILTERED, deleted=False).count() == 3
    port = ports.create(alice, made[1].uuid)
    assert port.mac.startswith("aa:00:2")
    networks.delete(alice, made[0].uuid)
    assert networks.create(alice, name="n").mac_prefix == "aa:00:1"


def test_prefixes_of_cards_that_are_not_local_are_never_given() -> None:
    pool = Pool(kind=Pool.Kind.MAC_PREFIX, base="a9:ff:f", size=0x200000)
    assert pools.value_of(pool, 1) == "aa:00:0"
    pool.size = 1 << 12
    reserved = pools._never_given(pool)
    assert reserved == [(0, 0)]


def test_each_kind_has_its_link(alice: Caller, everything: None, settings: Any) -> None:
    pools.create(SYSTEM, Pool.Kind.BRIDGE, base="prv", size=2, offset=0)
    made = {kind: networks.create(alice, name="n", kind=kind) for kind in KIND.values}
    assert {kind: (one.mode, one.link, one.tags) for kind, one in made.items()} == {
        "CUSTOM": ("bridged", "br0", []),
        "IP_LESS_ROUTED": ("routed", f"snf-link-{made['IP_LESS_ROUTED'].pk}", ["ip-less-routed"]),
        "MAC_FILTERED": ("bridged", "prv0", ["private-filtered"]),
        "PHYSICAL_VLAN": ("bridged", "prv1", ["physical-vlan"]),
    }
    admin = Caller(user=alice.user, project=alice.project, is_admin=True)
    for fault, wanted in (
        (faults.BadRequest, {"kind": KIND.PHYSICAL_VLAN, "link": "eth0"}),
        (faults.BadRequest, {"kind": KIND.MAC_FILTERED, "mac_prefix": "aa:01"}),
        (faults.BadRequest, {"kind": KIND.IP_LESS_ROUTED, "link": made["IP_LESS_ROUTED"].link}),
    ):
        with pytest.raises(fault):
            networks.create(admin, name="n", **wanted)


def test_kinds_that_are_not_enabled_are_for_administrators(alice: Caller) -> None:
    with pytest.raises(faults.Forbidden):
        networks.create(alice, name="n", kind=KIND.CUSTOM)
    with pytest.raises(faults.BadRequest):
        networks.create(alice, name="n", kind="MAGIC")
    assert networks.create(SYSTEM, name="n", kind=KIND.CUSTOM).link == "br0"


def test_a_pool_keeps_what_is_in_use(alice: Caller) -> None:
    pool = pools.create(SYSTEM, Pool.Kind.MAC_PREFIX, base="aa:00:0", size=16)
    with pytest.raises(faults.Conflict):
        pools.create(SYSTEM, Pool.Kind.MAC_PREFIX, base="", size=16)
    pools.modify(SYSTEM, pool.pk, reserve=["aa:00:1-aa:00:4"])
    assert networks.create(alice, name="n").mac_prefix == "aa:00:5"
    for refused in (
        lambda: pools.modify(SYSTEM, pool.pk, size=5),
        lambda: pools.modify(SYSTEM, pool.pk, base="ba:00:0"),
        lambda: pools.remove(SYSTEM, pool.pk),
    ):
        with pytest.raises(faults.Conflict):
            refused()
    pools.modify(SYSTEM, pool.pk, size=8, release=["aa:00:2"])
    assert networks.create(alice, name="n").mac_prefix == "aa:00:2"
    with pytest.raises(faults.BadRequest):
        pools.modify(SYSTEM, pool.pk, reserve=["bb:00:1"])


def test_pools_are_brought_in_line_with_networks(alice: Caller) -> None:
    pool = pools.create(SYSTEM, Pool.Kind.MAC_PREFIX, base="aa:00:0", size=16)
    first, second = (networks.create(alice, name="n") for _ in range(2))
    assert pools.reconcile(fix=False) == []
    PoolUse.objects.filter(network=first).delete()
    PoolUse.objects.create(pool=pool, number=9, network=second)
    assert len(pools.reconcile(fix=False)) == 2
    assert PoolUse.objects.count() == 2
    pools.reconcile(fix=True)
    assert pools.reconcile(fix=False) == []
    assert set(PoolUse.objects.values_list("number", "network")) == {(1, first.pk), (2, second.pk)}
    Network.objects.filter(pk=second.pk).update(mac_prefix="aa:00:1")
    assert any("several networks" in words for words in pools.reconcile(fix=False))


def test_reserved_addresses_are_not_given_and_not_to_be_had(alice: Caller) -> None:
    network = networks.create(alice, name="n")
    subnet = networks.create_subnet(alice, network.uuid, cidr="10.0.0.0/29")
    networks.reserve(SYSTEM, network, ["10.0.0.2-10.0.0.3", "10.0.0.5"])
    got = [ports.create(alice, network.uuid).addresses.get().address for _ in range(2)]
    assert got == ["10.0.0.4", "10.0.0.6"]
    with pytest.raises(faults.Conflict):
        ports.create(alice, network.uuid)
    with pytest.raises(faults.Conflict):
        ports.create(alice, network.uuid, fixed_ips=[addresses.FixedIp("10.0.0.3")])
    networks.reserve(SYSTEM, network, ["10.0.0.3"], release=True)
    assert ports.create(alice, network.uuid).addresses.get().address == "10.0.0.3"
    with pytest.raises(faults.BadRequest):
        networks.reserve(SYSTEM, network, ["10.9.0.1"])
    assert subnet.addresses.count() == 3


@pytest.mark.django_db
@settings(max_examples=25, deadline=None)
@given(
    st.sets(st.integers(1, 14), max_size=14),
    st.lists(st.tuples(st.integers(1, 14), st.integers(0, 3)), max_size=3),
)
def test_the_lowest_free_address_is_found_by_the_database(
    used: set[int], kept: list[tuple[int, int]]
) -> None:
    """Against the same by counting: whatever is in use, and whatever is kept out."""
    from synnefo.cyclades.networks.models import IPAddress

    network = Network.objects.create(userid="u", project="p")
    base = int(subnet_base())
    subnet = Subnet.objects.create(network=network, cidr="10.0.0.0/28", pools=[(base + 1, base + 14)])
    subnet.reserved = [(base + low, base + min(low + more, 14)) for low, more in kept]
    for number in used:
        IPAddress.objects.create(
            userid="u",
            project="p",
            subnet=subnet,
            network=network,
            address=f"10.0.0.{number}",
            number=base + number,
        )
    out = {number for low, high in subnet.reserved for number in range(low, high + 1)}
    free = [base + n for n in range(1, 15) if n not in used and base + n not in out]
    assert addresses.lowest_free(subnet) == (free[0] if free else None)


def subnet_base() -> int:
    return 10 << 24
