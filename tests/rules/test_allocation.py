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
    text = None if gateway is None else allocation.address_text(gateway, cidr)
    pools = allocation.default_pools(cidr, text)
    found = {number for low, high in pools for number in range(low, high + 1)}
    assert found == hosts - {gateway}


@given(
    st.integers(6, 62).flatmap(lambda bits: st.tuples(st.just(bits), st.integers(1, 2**bits - 1))),
    st.sampled_from(["2001:db8::/64", "fd00:1:2:3::/64"]),
)
def test_numbers_of_ipv6_addresses_fit_the_database_and_mean_one_address(
    drawn: tuple[int, int], text: str
) -> None:
    cidr = ipaddress.IPv6Network(text)
    address = cidr[drawn[1]]
    number = allocation.number_of(address)
    assert -(2**63) <= number < 2**63
    assert allocation.address_text(number, cidr) == str(address)


RUNS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda r: (r[0], r[0] + r[1])), max_size=6
)


def _numbers(runs: list[tuple[int, int]]) -> set[int]:
    return {number for low, high in runs for number in range(low, high + 1)}


@given(RUNS, RUNS)
def test_what_is_reserved_is_taken_out_of_pools(
    pools: list[tuple[int, int]], kept: list[tuple[int, int]]
) -> None:
    apart = allocation.merged(pools)
    assert _numbers(apart) == _numbers(pools)
    left = allocation.without(apart, kept)
    assert _numbers(left) == _numbers(pools) - _numbers(kept)
    assert left == sorted(left)


def test_guests_make_their_ipv6_addresses_out_of_their_cards() -> None:
    cidr = ipaddress.IPv6Network("2001:db8::/64")
    assert allocation.by_mac(cidr, "52:54:00:12:34:56") == "2001:db8::5054:ff:fe12:3456"


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
