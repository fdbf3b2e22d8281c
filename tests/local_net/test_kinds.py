"""What each kind of network promises of being kept apart, and more public ranges than one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import BackendError, Lease, NetworkSpec, Nic
from synnefo.cyclades.backends.local import netns
from synnefo.cyclades.backends.local.addresses import PublicRange
from synnefo.cyclades.backends.local.fabric import NamespaceFabric

from .machines import WORLD, Guest, Machine, World, fetch, run

A, B = "aa:00:00:00:08:01", "aa:00:00:00:08:02"
LEASES = (Lease(A, "10.8.0.5", "a"), Lease(B, "10.8.0.6", "b"))
NET = NetworkSpec("kind", 1, "10.8.0.0/24", "10.8.0.1", leases=LEASES)
LAN = "192.0.2"


@pytest.fixture(scope="module")
def lan(host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine on a wire of the host (192.0.2.0/24 on ``wire``), and a bridge of the host (``hostbr5``)."""
    machine = Machine(f"{host}-lan")
    run("ip", "link", "add", "wire", "type", "veth", "peer", "name", "eth0", "netns", machine.netns)
    run("ip", "link", "add", "hostbr5", "type", "bridge")
    run("ip", "link", "add", "plug5", "type", "veth", "peer", "name", "eth1", "netns", machine.netns)
    run("ip", "-batch", "-", stdin=f"address add {LAN}.1/24 dev wire\nlink set wire up\n"
        "link set hostbr5 up\nlink set plug5 master hostbr5 up\n")  # fmt: skip
    machine.ip("address", "add", f"{LAN}.2/24", "dev", "eth0")
    machine.ip("address", "add", "10.8.0.200/24", "dev", "eth1")
    machine.ip("link", "set", "eth0", "up")
    machine.ip("link", "set", "eth1", "up")
    machine.serve(tmp_path_factory.mktemp("lan"), "the lan")
    yield machine
    machine.end()
    run("ip", "link", "delete", "hostbr5")


@pytest.fixture(scope="module")
def fabric(
    host: str, tmp_path_factory: pytest.TempPathFactory, world: World, lan: Machine
) -> Iterator[NamespaceFabric]:
    fabric = NamespaceFabric(
        host,
        tmp_path_factory.mktemp("state"),
        resolv_conf=world.resolv_conf,
        public=["198.51.100.0/28", f"{LAN}.128/28@wire"],
        bridges=["hostbr*"],
    )
    assert fabric.available() is None
    fabric.ensure()
    yield fabric
    fabric.teardown()


@pytest.fixture
def guest(fabric: NamespaceFabric, host: str, tmp_path: Path) -> Iterator[Callable[..., Guest]]:
    made: list[Guest] = []

    def make(nic: str, network: str, mac: str, ip: str | None) -> Guest:
        made.append(Guest(fabric, host, tmp_path, Nic(nic, network, mac, ip)))
        return made[-1]

    yield make
    for each in made:
        each.end()
    for name in fabric.networks():
        fabric.remove(name)


MakeGuest = Callable[..., Guest]


# -- kinds --------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["MAC_FILTERED", "CUSTOM", "PHYSICAL_VLAN"])
def test_networks_of_a_kind_share_no_wire_even_with_one_link(
    fabric: NamespaceFabric, guest: MakeGuest, kind: str
) -> None:
    bare = NetworkSpec("one", 1, kind=kind, link="prv0", mac_prefix="aa:00:0")
    fabric.apply(bare)
    fabric.apply(replace(bare, name="other"))
    one, other = guest("nic1", "one", A, None), guest("nic2", "other", B, None)
    twin = guest("nic3", "one", "aa:00:00:00:08:03", None)
    for number, each in enumerate((one, other, twin), 1):
        each.ip("address", "add", f"10.8.0.{number}/24", "dev", "eth0")
    assert one.pings("10.8.0.3")
    assert not one.pings("10.8.0.2")


def test_machines_of_a_routed_network_have_no_link_with_each_other(
    fabric: NamespaceFabric, guest: MakeGuest
) -> None:
    fabric.apply(replace(NET, kind="IP_LESS_ROUTED", mode="routed", link="snf-link-1"))
    a, b = guest("nic1", "kind", A, "10.8.0.5"), guest("nic2", "kind", B, "10.8.0.6")
    assert a.dhcp()["ip"] == "10.8.0.5"
    assert b.dhcp()["ip"] == "10.8.0.6"
    b.says("b")
    assert a.fetch("http://10.8.0.6/cgi-bin/caller") == "10.8.0.5"
    assert a.fetch(f"http://{WORLD}/") == "the world"
    hop = a.ip("neigh", "show", "10.8.0.6")
    assert B not in hop
    assert a.ip("neigh", "show", "10.8.0.1").split()[4] in hop


def test_a_network_whose_link_is_a_bridge_of_the_host_is_joined_with_it(
    fabric: NamespaceFabric, guest: MakeGuest, lan: Machine, host: str
) -> None:
    fabric.apply(replace(NET, kind="PHYSICAL_VLAN", link="hostbr5"))
    a = guest("nic1", "kind", A, "10.8.0.5")
    assert a.dhcp()["ip"] == "10.8.0.5"
    assert a.fetch("http://10.8.0.200/") == "the lan"
    assert lan.pings("10.8.0.5")
    assert not lan.pings("10.8.0.1")  # our gateway, DHCP and metadata are for our machines alone
    fabric.unplug("nic1")
    fabric.remove("kind")
    assert not [name for name in netns.links() if name.startswith(f"sl{host}")]


def test_a_link_that_is_not_let_is_no_way_to_the_hosts_bridges(
    host: str, fabric: NamespaceFabric, guest: MakeGuest, lan: Machine
) -> None:
    run("ip", "link", "add", "br0", "type", "bridge")
    try:
        fabric.apply(replace(NET, kind="CUSTOM", link="br0"))
        assert not [name for name in netns.links() if name.startswith(f"sl{host}")]
    finally:
        run("ip", "link", "delete", "br0")


# -- public ranges ------------------------------------------------------------------------------
def test_a_range_of_the_hosts_wire_is_reached_by_its_neighbours_without_a_route(
    fabric: NamespaceFabric, guest: MakeGuest, lan: Machine
) -> None:
    fabric.apply(replace(NET, floating={f"{LAN}.130": "10.8.0.5"}))
    a = guest("nic1", "kind", A, "10.8.0.5")
    assert a.dhcp()
    a.says("a")
    assert lan.fetch(f"http://{LAN}.130/cgi-bin/caller") == f"{LAN}.2"
    assert a.fetch(f"http://{LAN}.2/cgi-bin/caller") == f"{LAN}.130"
    assert not lan.pings(f"{LAN}.100")


def test_a_machine_may_have_an_address_of_the_wire_as_its_own(
    fabric: NamespaceFabric, guest: MakeGuest, lan: Machine
) -> None:
    lease = Lease(A, f"{LAN}.131", "a")
    fabric.apply(NetworkSpec("pub", 1, f"{LAN}.128/28", f"{LAN}.129", leases=[lease], public=True))
    a = guest("nic1", "pub", A, f"{LAN}.131")
    assert a.dhcp()["router"] == f"{LAN}.129"
    a.says("a")
    assert lan.fetch(f"http://{LAN}.131/") == "a"
    assert a.fetch(f"http://{LAN}.2/cgi-bin/caller") == f"{LAN}.131"


def test_several_public_networks_serve_their_own_machines(
    fabric: NamespaceFabric, guest: MakeGuest, world: World
) -> None:
    first = NetworkSpec(
        "pub1", 1, "198.18.0.0/24", "198.18.0.1", leases=[Lease(A, "198.18.0.7", "a")], public=True
    )
    second = NetworkSpec(
        "pub2", 1, "198.51.100.0/28", "198.51.100.1", leases=[Lease(B, "198.51.100.7", "b")], public=True
    )
    fabric.apply(first)
    fabric.apply(second)
    a, b = guest("nic1", "pub1", A, "198.18.0.7"), guest("nic2", "pub2", B, "198.51.100.7")
    assert (a.dhcp()["router"], b.dhcp()["router"]) == ("198.18.0.1", "198.51.100.1")
    a.says("a")
    b.says("b")
    assert a.fetch("http://198.51.100.7/") == "b"
    assert b.fetch("http://198.18.0.7/") == "a"
    assert fetch("http://198.51.100.7/") == "b"
    world.ip("route", "replace", "198.51.100.0/28", "via", "203.0.113.2")
    assert b.fetch(f"http://{WORLD}/cgi-bin/caller") == "198.51.100.7"
    assert a.fetch(f"http://{WORLD}/cgi-bin/caller") == "203.0.113.2"
    for each, network in ((a, "pub1"), (b, "pub2")):
        each.ip("route", "add", "169.254.169.254", "dev", "eth0")
        assert each.pings("169.254.169.254")
        server = each.ip("neigh", "show", "169.254.169.254").split()[4]
        namespace = fabric.namespace(network)
        assert server in netns.run("ip", "-n", str(namespace), "link", "show", "int")


def test_teardown_lets_go_of_the_wire(fabric: NamespaceFabric) -> None:
    assert f"{LAN}.130" in netns.run("ip", "neigh", "show", "proxy", "dev", "wire")
    fabric.teardown()
    assert netns.run("ip", "neigh", "show", "proxy", "dev", "wire") == ""
    fabric.ensure()


@pytest.mark.parametrize("text", ["198.51.100.0/33", "198.51.100.1/28", "fd00::/64", ""])
def test_a_public_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BackendError, match="is not a public range"):
        PublicRange.read(text)


def test_a_wire_that_is_not_there_is_said_so(host: str, tmp_path: Path) -> None:
    other = NamespaceFabric(host, tmp_path, public=["203.0.113.128/28@nowhere"])
    with pytest.raises(BackendError, match="nowhere, which is not an interface"):
        other.ensure()
