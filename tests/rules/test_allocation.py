"""Address arithmetic: properties over all small ranges."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synnefo.common.faults import BadRequest, Conflict
from synnefo.cyclades.networks import allocation

RANGES = st.builds(
    lambda number, length: ipaddress.IPv4Network((number, length), strict=False),
    st.integers(int(ipaddress.IPv4Address("10.0.0.0")), int(ipaddress.IPv4Address("10.255.255.255"))),
    st.integers(24, 29),
)


@given(RANGES, st.data())
def test_default_pools_are_all_hosts_but_the_gateway(
    cidr: ipaddress.IPv4Network, data: st.DataObject
) -> None:
    hosts = {int(host) for host in cidr.hosts()}
    gateway = data.draw(st.one_of(st.none(), st.sampled_from(sorted(hosts))))
    text = None if gateway is None else allocation.address_text(gateway)
    pools = allocation.default_pools(cidr, text)
    found = {number for low, high in pools for number in range(low, high + 1)}
    assert found == hosts - {gateway}


@given(RANGES, st.data())
def test_the_first_free_address_is_the_lowest_that_is_not_used(
    cidr: ipaddress.IPv4Network, data: st.DataObject
) -> None:
    hosts = sorted(int(host) for host in cidr.hosts())
    used = data.draw(st.sets(st.sampled_from([*hosts, int(cidr.network_address)])))
    pools = allocation.default_pools(cidr, allocation.address_text(hosts[0]))
    free = [number for number in hosts[1:] if number not in used]
    assert allocation.first_free(pools, sorted(used)) == (free[0] if free else None)


@given(RANGES, st.data())
def test_taking_one_after_another_gives_every_address_once(
    cidr: ipaddress.IPv4Network, data: st.DataObject
) -> None:
    pools = allocation.default_pools(cidr, None)
    taken: list[int] = []
    while (number := allocation.first_free(pools, sorted(taken))) is not None:
        assert allocation.in_pools(pools, number)
        taken.append(number)
    assert len(taken) == len(set(taken)) == cidr.num_addresses - 2


@pytest.mark.parametrize(
    "text", ["10.0.0.1/24", "10.0.0.0/30", "10.0.0.0/7", "x", "", "fd00::/64", "127.0.0.0/24", "224.0.0.0/24"]
)
def test_ranges_that_cannot_be_used_are_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        allocation.parse_cidr(text)


@pytest.mark.parametrize(
    ("pools", "fault"),
    [
        ([("10.0.0.9", "10.0.0.5")], BadRequest),
        ([("10.0.0.5", "10.0.1.5")], BadRequest),
        ([("10.0.0.0", "10.0.0.5")], BadRequest),
        ([("10.0.0.1", "10.0.0.5")], Conflict),
        ([("10.0.0.5", "10.0.0.9"), ("10.0.0.9", "10.0.0.12")], Conflict),
    ],
)
def test_pools_that_cannot_be_are_refused(pools: list[tuple[str, str]], fault: type[Exception]) -> None:
    with pytest.raises(fault):
        allocation.checked_pools(pools, ipaddress.IPv4Network("10.0.0.0/24"), "10.0.0.1")


@given(st.sampled_from(["aa:00:0", "aa:00:00", "02", "aa:00:00:1"]))
def test_random_macs_keep_their_prefix(prefix: str) -> None:
    mac = allocation.random_mac(prefix)
    assert re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", mac)
    assert mac.startswith(prefix)
