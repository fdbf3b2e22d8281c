"""Several subnets in one network, and IPv6: announced, given out, made by guests themselves."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from synnefo.cyclades.backends.base import Lease, NetworkSpec, SubnetSpec
from synnefo.cyclades.backends.local import netns
from synnefo.cyclades.backends.local.addresses import eui64
from synnefo.cyclades.backends.local.fabric import NamespaceFabric

from .machines import Guest, eventually

MakeGuest = Callable[..., Guest]
ONE, TWO = "aa:00:00:00:03:05", "aa:00:00:00:03:06"
PREFIX = ipaddress.IPv6Network("fd00:3::/64")
MINE, YOURS = str(eui64(PREFIX, ONE)), str(eui64(PREFIX, TWO))
SLAAC = SubnetSpec("fd00:3::/64", "fd00:3::1", ipv6_mode="slaac", dns_nameservers=["fd00:3::53"])
MORE = SubnetSpec("10.4.0.0/24", "10.4.0.1", host_routes=[("10.9.0.0/16", "10.4.0.9")])
LEASES = (
    Lease(ONE, "10.3.0.5", "one"), Lease(ONE, MINE, "one"),
    Lease(TWO, "10.4.0.6", "two"), Lease(TWO, YOURS, "two"),
)  # fmt: skip
DUAL = NetworkSpec("dual", 1, "10.3.0.0/24", "10.3.0.1", leases=LEASES, more_subnets=(MORE, SLAAC))


@pytest.fixture
def apply(fabric: NamespaceFabric) -> Iterator[Callable[[NetworkSpec], None]]:
    yield fabric.apply
    for nic in ("dual1", "dual2"):
        fabric.unplug(nic)
    fabric.remove("dual")


@pytest.fixture
def pair(apply: Callable[[NetworkSpec], None], guest: MakeGuest) -> tuple[Guest, Guest]:
    apply(DUAL)
    return guest("dual1", "dual", ONE, "10.3.0.5"), guest("dual2", "dual", TWO, "10.4.0.6")


def has(machine: Guest, address: str) -> bool:
    return f"{address}/" in machine.ip("-6", "address", "show", "scope", "global", "-tentative")


def way_out(machine: Guest) -> str:
    return machine.ip("-6", "route", "show", "default")


def pings6(machine: Guest, address: str) -> bool:
    return machine.exec("ping", "-6", "-c1", "-W1", address).returncode == 0


def test_a_guest_of_the_second_subnet_gets_what_is_its_subnets(pair: tuple[Guest, Guest]) -> None:
    one, two = (machine.dhcp() for machine in pair)
    assert (one["ip"], one["router"], one["dns"]) == ("10.3.0.5", "10.3.0.1", "10.3.0.1")
    assert (two["ip"], two["router"], two["dns"]) == ("10.4.0.6", "10.4.0.1", "10.4.0.1")
    assert "staticroutes" not in one
    assert two["staticroutes"] == "10.9.0.0/16 10.4.0.9 0.0.0.0/0 10.4.0.1"
    assert pair[0].pings("10.4.0.6")


def test_guests_make_their_ipv6_addresses_out_of_what_is_announced(pair: tuple[Guest, Guest]) -> None:
    one, two = pair
    assert eventually(lambda: has(one, MINE) and has(two, YOURS))
    assert eventually(lambda: "fe80::" in way_out(one))
    assert pings6(one, "fd00:3::1")
    assert eventually(lambda: pings6(one, YOURS))


def test_names_have_addresses_of_both_families(pair: tuple[Guest, Guest]) -> None:
    one, _ = pair
    assert one.dhcp()
    assert eventually(lambda: has(one, MINE))
    for server in ("10.3.0.1", "fd00:3::1"):
        told = one.exec("busybox", "nslookup", "-type=aaaa", "two.cloud.internal", server).stdout
        assert YOURS in told
    assert one.resolve("two.cloud.internal", "10.3.0.1") == "10.4.0.6"


def test_a_subnet_without_dhcp_is_not_announced(
    apply: Callable[[NetworkSpec], None], guest: MakeGuest
) -> None:
    silent = replace(SLAAC, dhcp=False)
    apply(replace(DUAL, more_subnets=(MORE, silent, replace(SLAAC, cidr="fd00:4::/64", gateway="fd00:4::1"))))
    one = guest("dual1", "dual", ONE, "10.3.0.5")
    assert eventually(lambda: has(one, str(eui64(ipaddress.IPv6Network("fd00:4::/64"), ONE))))
    assert not has(one, MINE)


def test_without_gateway_addresses_are_announced_and_no_way_out(
    apply: Callable[[NetworkSpec], None], guest: MakeGuest
) -> None:
    apply(
        replace(
            DUAL,
            more_subnets=(
                MORE,
                replace(SLAAC, gateway=None),
            ),
        )
    )
    one = guest("dual1", "dual", ONE, "10.3.0.5")
    assert eventually(lambda: has(one, MINE))
    assert way_out(one) == ""


def test_a_network_of_ipv6_alone(apply: Callable[[NetworkSpec], None], guest: MakeGuest) -> None:
    leases = [lease for lease in LEASES if ":" in lease.ip]
    apply(NetworkSpec("dual", 1, leases=leases, more_subnets=(SLAAC,)))
    one, two = guest("dual1", "dual", ONE, None), guest("dual2", "dual", TWO, None)
    assert one.dhcp(tries=2) == {}
    assert eventually(lambda: has(one, MINE) and has(two, YOURS))
    assert eventually(lambda: pings6(one, YOURS))


# -- DHCPv6 -------------------------------------------------------------------------------------
SOLICIT, ADVERTISE, REPLY, ASK = 1, 2, 7, 11
CLIENT_ID, IA_NA, IA_ADDRESS, WANTED, SERVERS = 1, 3, 5, 6, 23


def option(code: int, content: bytes) -> bytes:
    return struct.pack("!HH", code, len(content)) + content


def asked(machine: Guest, message: int) -> dict[int, bytes]:
    """The options of the server's answer, {} if there is none in time."""
    number = secrets.token_bytes(3)
    mac = bytes.fromhex(machine.nic.mac.replace(":", ""))
    options = option(CLIENT_ID, b"\0\3\0\1" + mac) + option(WANTED, struct.pack("!H", SERVERS))
    if message == SOLICIT:
        options += option(IA_NA, bytes(12))

    def talk() -> bytes:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as wire:
            wire.bind(("::", 546))
            wire.settimeout(2)
            wire.sendto(bytes([message]) + number + options, ("ff02::1:2%eth0", 547))
            try:
                return wire.recv(2000)
            except TimeoutError:
                return b""

    answer = netns.inside(machine.netns, talk)
    return dict(parsed(answer[4:])) if answer[1:4] == number else {}


def parsed(content: bytes) -> Iterator[tuple[int, bytes]]:
    while content:
        code, size = struct.unpack("!HH", content[:4])
        yield code, content[4 : 4 + size]
        content = content[4 + size :]


def offered(answer: dict[int, bytes]) -> str:
    inner = dict(parsed(answer[IA_NA][12:])) if IA_NA in answer else {}
    return str(ipaddress.IPv6Address(inner[IA_ADDRESS][:16])) if IA_ADDRESS in inner else ""


def link_is_ready(machine: Guest) -> bool:
    return "fe80::" in machine.ip("-6", "address", "show", "dev", "eth0", "scope", "link", "-tentative")


def test_reserved_addresses_are_given_out_where_the_subnet_is_stateful(
    apply: Callable[[NetworkSpec], None], guest: MakeGuest
) -> None:
    leases = (*LEASES[:1], Lease(ONE, "fd00:3::abc", "one"))
    apply(
        replace(
            DUAL,
            leases=leases,
            more_subnets=(
                MORE,
                replace(SLAAC, ipv6_mode="dhcpv6-stateful"),
            ),
        )
    )
    one, stranger = guest("dual1", "dual", ONE, "10.3.0.5"), guest("dual2", "dual", TWO, "10.3.0.6")
    assert eventually(lambda: link_is_ready(one) and link_is_ready(stranger))
    assert eventually(lambda: offered(asked(one, SOLICIT)) == "fd00:3::abc")
    assert offered(asked(stranger, SOLICIT)) == ""
    assert eventually(lambda: "fe80::" in way_out(one))
    assert not has(one, MINE)
    one.ip("address", "add", "fd00:3::abc/64", "dev", "eth0", "nodad")
    assert eventually(lambda: pings6(one, "fd00:3::1"))


def test_a_stateless_subnet_tells_its_name_servers_and_gives_no_other_addresses(
    apply: Callable[[NetworkSpec], None], guest: MakeGuest
) -> None:
    apply(
        replace(
            DUAL,
            more_subnets=(
                MORE,
                replace(SLAAC, ipv6_mode="dhcpv6-stateless"),
            ),
        )
    )
    one = guest("dual1", "dual", ONE, "10.3.0.5")
    assert eventually(lambda: has(one, MINE))
    assert eventually(lambda: SERVERS in asked(one, ASK))
    assert str(ipaddress.IPv6Address(asked(one, ASK)[SERVERS][:16])) == "fd00:3::53"
    assert offered(asked(one, SOLICIT)) in ("", MINE)


# -- what a card may use ------------------------------------------------------------------------
def test_what_the_network_leases_counts_on_a_machine_that_runs(
    fabric: NamespaceFabric, pair: tuple[Guest, Guest]
) -> None:
    one, two = pair
    one.ip("address", "add", "10.3.0.5/24", "dev", "eth0")
    two.ip("address", "add", "10.3.0.6/24", "dev", "eth0")
    assert not two.pings("10.3.0.5")
    fabric.apply(replace(DUAL, revision=2, leases=(*LEASES, Lease(TWO, "10.3.0.6", "two"))))
    assert eventually(lambda: two.pings("10.3.0.5"))
    fabric.apply(replace(DUAL, revision=3))
    assert not two.pings("10.3.0.5")


def test_a_card_without_an_address_may_use_none_where_there_are_subnets(
    apply: Callable[[NetworkSpec], None], guest: MakeGuest
) -> None:
    apply(DUAL)
    one, stranger = guest("dual1", "dual", ONE, "10.3.0.5"), guest("dual2", "dual", "aa:00:00:00:03:77", None)
    one.ip("address", "add", "10.3.0.5/24", "dev", "eth0")
    stranger.ip("address", "add", "10.3.0.77/24", "dev", "eth0")
    assert not stranger.pings("10.3.0.5")
