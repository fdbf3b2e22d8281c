"""What may not be asked of a network is refused before anything is touched, and said why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from synnefo.cyclades.backends.base import (
    BackendError,
    CardFilter,
    FilterRule,
    Lease,
    NetworkSpec,
    Nic,
    SubnetSpec,
)
from synnefo.cyclades.backends.local import wishes
from synnefo.cyclades.backends.local.addresses import AddressPlan
from synnefo.cyclades.backends.local.fabric import NamespaceFabric
from synnefo.cyclades.backends.local.fabric_user import UserFabric
from synnefo.cyclades.backends.local.records import Records

PLAN = AddressPlan(IPv4Network("198.19.0.0/16"), IPv4Network("198.18.0.0/24"))
GOOD = NetworkSpec("snf-net-1", 1, "10.0.0.0/24", "10.0.0.1")
MAC = "aa:00:00:00:00:01"


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"name": "../x"}, "not a name for a network"),
        ({"name": "fab"}, "not a name for a network"),
        ({"name": ""}, "not a name for a network"),
        ({"cidr": "10.0.0.1/24"}, "not a range"),
        ({"cidr": "fd00::/64"}, "not an address of"),
        ({"cidr": "10.0.0.0/31", "gateway": None}, "no room"),
        ({"cidr": "198.18.0.0/15"}, "reserved"),
        ({"cidr": "169.254.0.0/17"}, "reserved"),
        ({"gateway": "10.0.1.1"}, "not an address of"),
        ({"gateway": "10.0.0.255"}, "not an address of"),
        ({"gateway": "10.0.0.1\nport=0"}, "not an IP address"),
        ({"dns_nameservers": ["one"]}, "not an IP address"),
        ({"leases": [Lease("aa:00", "10.0.0.5", "a")]}, "not a hardware address"),
        ({"leases": [Lease(MAC, "10.1.0.5", "a")]}, "not an address of"),
        ({"leases": [Lease(MAC, "10.0.0.5", "a\nserver=1.2.3.4")]}, "not a host name"),
        ({"leases": [Lease(MAC, "10.0.0.5", "a b")]}, "not a host name"),
        ({"floating": {"203.0.113.5": "10.0.0.5"}}, "not an address of"),
        ({"floating": {"198.18.0.1": "10.0.0.5"}}, "host's own"),
        ({"floating": {"198.18.0.5": "10.0.1.5"}}, "not an address of"),
        ({"floating": {"198.18.0.5": "10.0.0.5"}, "gateway": None}, "need a gateway"),
        ({"cidr": None}, "has no range"),
    ],
)
def test_a_bad_wish_is_refused(wish: dict[str, Any], why: str) -> None:
    wishes.check_network(GOOD, PLAN)
    with pytest.raises(BackendError, match=why):
        wishes.check_network(replace(GOOD, **wish), PLAN)


@pytest.mark.parametrize(
    "nic",
    [
        Nic("uplink", "snf-net-1", MAC),
        Nic("int-1", "snf-net-1", MAC),
        Nic("br7", "snf-net-1", MAC),
        Nic("a-name-that-is-too-long", "snf-net-1", MAC),
        Nic("a,script=/bin/x", "snf-net-1", MAC),
        Nic("nic1", "snf-net-1", 'aa" . b'),
        Nic("nic1", "snf-net-1", MAC, "10.0.0.5,restrict=off"),
    ],
)
@pytest.mark.parametrize("kind", [NamespaceFabric, UserFabric])
def test_a_bad_nic_is_refused(tmp_path: Path, nic: Nic, kind: Callable[..., UserFabric]) -> None:
    with pytest.raises(BackendError, match="is not a"):
        kind("abcd", tmp_path).plug(nic)


def test_a_full_transit_range_is_said_so() -> None:
    plan = AddressPlan(IPv4Network("198.19.0.0/29"), IPv4Network("198.18.0.0/24"))
    assert [str(plan.transit_address(n)) for n in (1, plan.networks_max)] == ["198.19.0.2", "198.19.0.6"]
    with pytest.raises(BackendError, match="is full"):
        plan.transit_address(plan.networks_max + 1)


def test_numbers_are_kept_and_given_again_after_removal(tmp_path: Path) -> None:
    records = Records(tmp_path, NetworkSpec)
    assert [records.adopt(replace(GOOD, name=name)).index for name in ("a", "b", "c")] == [1, 2, 3]
    records.forget("b")
    assert records.adopt(replace(GOOD, name="d")).index == 2
    assert records.adopt(replace(GOOD, name="c", revision=2)).index == 3


def test_what_was_stored_is_read_back_and_a_torn_file_counts_as_absent(tmp_path: Path) -> None:
    whole = replace(
        GOOD,
        leases=(Lease(MAC, "10.0.0.5", "a"),),
        floating={"198.18.0.5": "10.0.0.5"},
        dns_nameservers=("10.9.9.9",),
        more_subnets=(SubnetSpec("fd00:1::/64", "fd00:1::1"),),
        filters=(CardFilter("nic1", [FilterRule("ingress", protocol="tcp", port_min=22, port_max=22)]),),
    )
    records = Records(tmp_path, NetworkSpec)
    records.adopt(whole)
    read = Records(tmp_path, NetworkSpec).get(GOOD.name)
    assert read is not None
    assert (read.spec.leases, read.spec.floating) == ([Lease(MAC, "10.0.0.5", "a")], whole.floating)
    assert read.spec.filters[0].rules == whole.filters[0].rules
    assert [(each.cidr, each.gateway) for each in read.spec.more_subnets] == [("fd00:1::/64", "fd00:1::1")]
    (tmp_path / "snf-net-1.json").write_text('{"index": 1, "sp')
    assert records.get(GOOD.name) is None
    assert records.adopt(whole).index == 1
