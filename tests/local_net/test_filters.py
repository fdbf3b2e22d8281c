"""What comes to a card and leaves it: rules by protocol, range and set; answers; cards that are let."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from synnefo.cyclades.backends.base import CardFilter, FilterRule, Lease, NetworkSpec, SubnetSpec
from synnefo.cyclades.backends.local.fabric import NamespaceFabric

from .machines import Guest, eventually, run

MakeGuest = Callable[..., Guest]
A, B, C = (f"aa:00:00:00:06:0{n}" for n in (1, 2, 3))
LEASES = (Lease(A, "10.6.0.1", "a"), Lease(B, "10.6.0.2", "b"), Lease(C, "10.6.0.3", "c"))
NET = NetworkSpec("fil", 1, "10.6.0.0/24", "10.6.0.254", leases=LEASES)
OUT = (FilterRule("egress"), FilterRule("egress", "IPv6"))
WEB = FilterRule("ingress", protocol="tcp", port_min=80, port_max=80)


class Net:
    """A network with two guests, of which the first has filters."""

    def __init__(self, fabric: NamespaceFabric, one: Guest, two: Guest) -> None:
        self.fabric, self.one, self.two = fabric, one, two
        self.spec = NET

    def filter(self, *rules: FilterRule, **more: object) -> None:
        """Give the first card these rules."""
        self.change(filters=[CardFilter("fil1", rules)], **more)

    def change(self, **changed: object) -> None:
        self.spec = replace(self.spec, revision=self.spec.revision + 1, **changed)  # type: ignore[arg-type]
        self.fabric.apply(self.spec)

    def open(self, port: int = 80) -> bool:
        """Whether the second reaches a port of the first."""
        return self.two.exec("busybox", "nc", "-w1", "10.6.0.1", str(port), "-e", "true").returncode == 0


@pytest.fixture
def net(fabric: NamespaceFabric, guest: MakeGuest) -> Iterator[Net]:
    fabric.apply(NET)
    one, two = guest("fil1", "fil", A, "10.6.0.1"), guest("fil2", "fil", B, "10.6.0.2")
    one.ip("address", "add", "10.6.0.1/24", "dev", "eth0")
    two.ip("address", "add", "10.6.0.2/24", "dev", "eth0")
    one.ip("route", "add", "default", "via", "10.6.0.254")
    for port in ("80", "81"):
        one.start("busybox", "nc", "-ll", "-p", port, "-e", "cat")
        assert eventually(lambda port=port: one.exec("ss", "-Hltn", f"sport = {port}").stdout)
    yield Net(fabric, one, two)
    for nic in ("fil1", "fil2", "fil3"):
        fabric.unplug(nic)
    fabric.remove("fil")


def test_without_rules_all_passes_and_with_none_nothing_does(net: Net) -> None:
    assert net.open(80)
    assert net.open(81)
    net.filter()
    assert not net.open(80)
    assert not net.two.pings("10.6.0.1")
    assert not net.one.pings("10.6.0.2")
    assert net.one.dhcp()["ip"] == "10.6.0.1"


def test_a_rule_opens_its_ports_and_answers_come_back(net: Net) -> None:
    net.filter(WEB)
    assert net.open(80)
    assert not net.open(81)
    assert not net.one.pings("10.6.0.2")
    net.filter(*OUT)
    assert not net.open(80)
    assert net.one.pings("10.6.0.2")
    assert not net.two.pings("10.6.0.1")


@pytest.mark.parametrize(
    ("rule", "opens"),
    [
        (replace(WEB, port_min=79, port_max=81), [80, 81]),
        (replace(WEB, port_min=None, port_max=None), [80, 81]),
        (replace(WEB, protocol="6"), [80]),
        (replace(WEB, protocol="udp"), []),
        (replace(WEB, remote_cidr="10.6.0.2/32"), [80]),
        (replace(WEB, remote_cidr="0.0.0.0/0"), [80]),
        (replace(WEB, remote_cidr="10.6.0.3/32"), []),
        (FilterRule("ingress"), [80, 81]),
        (FilterRule("ingress", "IPv6"), []),
    ],
)
def test_a_rule_opens_what_it_names_and_no_more(net: Net, rule: FilterRule, opens: Sequence[int]) -> None:
    net.filter(rule)
    assert [port for port in (80, 81) if net.open(port)] == opens


def test_icmp_is_let_through_by_type_and_code(net: Net) -> None:
    net.filter(FilterRule("ingress", protocol="icmp", port_min=8, port_max=0))
    assert net.two.pings("10.6.0.1")
    net.filter(FilterRule("ingress", protocol="icmp", port_min=13))
    assert not net.two.pings("10.6.0.1")


def test_members_of_a_set_are_let_in_as_they_come_and_go(net: Net) -> None:
    rule = replace(WEB, remote_set="group one")
    net.filter(rule, address_sets={"group one": ["10.6.0.3", "fd00::1"]})
    assert not net.open()
    net.change(address_sets={"group one": ["10.6.0.3", "10.6.0.2", "10.6.0.0/31", "10.6.0.2"]})
    assert net.open()
    net.change(address_sets={"group one": []})
    assert not net.open()


def test_sets_that_no_rule_names_any_more_are_gone(net: Net, host: str) -> None:
    net.filter(replace(WEB, remote_set="x"), address_sets={"x": ["10.6.0.2"]})
    assert sets_of(host) == 2
    net.filter(WEB, address_sets={})
    assert sets_of(host) == 0
    assert net.open()


def sets_of(host: str) -> int:
    listed = run("nsenter", f"--net=/run/netns/syn-{host}-fab", "nft", "list", "table", "bridge", "synnefo")
    return listed.stdout.count("set g")


def test_a_connection_does_not_outlive_the_rule_that_let_it_in(net: Net) -> None:
    net.filter(WEB)
    net.change(floating={"198.18.0.77": "10.6.0.1"})
    with socket.create_connection(("198.18.0.77", 80), timeout=3) as echo:
        echo.sendall(b"before")
        assert echo.recv(100) == b"before"
        net.filter(*OUT)
        echo.settimeout(0.5)
        echo.sendall(b"after")
        with pytest.raises(TimeoutError):
            echo.recv(100)


def test_filters_hold_for_what_comes_by_floating_addresses(net: Net) -> None:
    net.filter(WEB, floating={"198.18.0.77": "10.6.0.1"})
    with socket.create_connection(("198.18.0.77", 80), timeout=3):
        pass
    net.filter(replace(WEB, remote_cidr="203.0.113.0/24"))
    with pytest.raises(TimeoutError):
        socket.create_connection(("198.18.0.77", 80), timeout=1)


def test_neighbours_are_found_where_nothing_else_passes(net: Net) -> None:
    net.filter(more_subnets=(SubnetSpec("fd00:6::/64", "fd00:6::1", ipv6_mode="slaac"),))
    assert eventually(lambda: "fd00:6::" in net.one.ip("-6", "address", "show", "scope", "global"))
    assert not pings6(net.one, "fd00:6::1")
    net.filter(FilterRule("egress", "IPv6", protocol="icmp"), leases=(*LEASES, leased(net.one)))
    assert eventually(lambda: pings6(net.one, "fd00:6::1"))


def leased(machine: Guest) -> Lease:
    shown = machine.ip("-6", "-o", "address", "show", "scope", "global")
    return Lease(machine.nic.mac, shown.split()[3].partition("/")[0], "")


def pings6(machine: Guest, address: str) -> bool:
    return machine.exec("ping", "-6", "-c1", "-W1", address).returncode == 0


def test_filters_are_there_before_the_card_is(fabric: NamespaceFabric, net: Net, guest: MakeGuest) -> None:
    net.change(filters=[CardFilter("fil3", ())])
    three = guest("fil3", "fil", C, "10.6.0.3")
    three.ip("address", "add", "10.6.0.3/24", "dev", "eth0")
    assert not three.pings("10.6.0.1")
    net.change(filters=[])
    assert three.pings("10.6.0.1")


def test_a_card_without_security_may_lie_and_one_with_pairs_may_use_these(net: Net) -> None:
    net.two.ip("address", "flush", "dev", "eth0")
    net.two.ip("address", "add", "10.6.0.9/24", "dev", "eth0")
    assert not net.two.pings("10.6.0.1")
    net.change(filters=[CardFilter("fil2", secured=False)])
    assert net.two.pings("10.6.0.1")
    net.change(filters=[CardFilter("fil2", address_pairs=[("10.6.0.8/30", "")])])
    assert net.two.pings("10.6.0.1")
    net.change(filters=[CardFilter("fil2", address_pairs=[("10.6.0.9/32", "aa:00:00:00:06:77")])])
    assert not net.two.pings("10.6.0.1")
    net.two.ip("link", "set", "eth0", "address", "aa:00:00:00:06:77")
    assert eventually(lambda: net.two.pings("10.6.0.1"))


def test_a_card_that_is_down_hears_and_says_nothing(net: Net) -> None:
    net.change(filters=[CardFilter("fil1", up=False)])
    assert not net.open()
    assert net.one.dhcp(tries=2) == {}
    net.change(filters=[], up=False)
    assert not net.open()
    net.change(up=True)
    assert net.open()


def test_a_change_of_a_network_is_one_transaction(
    net: Net, monkeypatch: pytest.MonkeyPatch, fabric: NamespaceFabric
) -> None:
    """However many rules it has: what costs time is the start of a process."""
    from synnefo.cyclades.backends.local import netns

    started: list[tuple[str, ...]] = []
    real = netns.run

    def counted(*argv: str, **more: object) -> str:
        started.append(argv)
        return real(*argv, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(netns, "run", counted)
    rules = [replace(WEB, port_min=port, port_max=port) for port in range(1000, 1200)]
    net.filter(*rules, address_sets={"big": [f"10.{n}.0.0/16" for n in range(20, 220, 2)]})
    assert sum(argv[0] == "nft" for argv in started) == 2  # the bridges', and the network's own
    assert net.fabric.networks()
