"""Routers: between their networks, out under one address, in by floating ones; and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import (
    BackendError,
    BackendUnavailable,
    Lease,
    NetworkSpec,
    RouterSpec,
    SubnetSpec,
)
from synnefo.cyclades.backends.local import netns
from synnefo.cyclades.backends.local.fabric import NamespaceFabric
from synnefo.cyclades.backends.local.metadata import MetadataServer

from .machines import WORLD, Guest, World, eventually, fetch

MakeGuest = Callable[..., Guest]
RED = NetworkSpec(
    "rred", 1, "10.1.0.0/24", "10.1.0.1", routed=True, leases=[Lease("aa:00:00:00:07:01", "10.1.0.5", "red")]
)
BLUE = NetworkSpec(
    "rblue",
    1,
    "10.2.0.0/24",
    "10.2.0.1",
    routed=True,
    leases=[Lease("aa:00:00:00:07:02", "10.2.0.5", "blue")],
)
# Another tenant with a range of the first's.
GREEN = NetworkSpec(
    "rgreen",
    1,
    "10.2.0.0/24",
    "10.2.0.1",
    routed=True,
    leases=[Lease("aa:00:00:00:07:03", "10.2.0.5", "green")],
)
ROUTER = RouterSpec("router", 1, [("rred", "10.1.0.1/24"), ("rblue", "10.2.0.1/24")], external="198.18.0.50")


@pytest.fixture(autouse=True)
def networks(fabric: NamespaceFabric) -> Iterator[None]:
    for spec in (RED, BLUE, GREEN):
        fabric.apply(spec)
    yield
    for name in fabric.routers():
        fabric.remove_router(name)
    for spec in (RED, BLUE, GREEN):
        fabric.unplug(spec.name)
        fabric.remove(spec.name)


@pytest.fixture
def red(guest: MakeGuest) -> Guest:
    return guest("rred", "rred", "aa:00:00:00:07:01", "10.1.0.5")


@pytest.fixture
def blue(guest: MakeGuest) -> Guest:
    return guest("rblue", "rblue", "aa:00:00:00:07:02", "10.2.0.5")


@pytest.fixture
def green(guest: MakeGuest) -> Guest:
    return guest("rgreen", "rgreen", "aa:00:00:00:07:03", "10.2.0.5")


def test_a_routed_network_without_its_router_goes_nowhere_but_has_names(red: Guest) -> None:
    told = red.dhcp()
    assert (told["ip"], told["router"], told["dns"]) == ("10.1.0.5", "10.1.0.1", "169.254.169.254")
    assert told["staticroutes"] == "169.254.169.254/32 0.0.0.0 0.0.0.0/0 10.1.0.1"
    red.ip("route", "add", "169.254.169.254", "dev", "eth0")
    assert red.resolve("red.cloud.internal", "169.254.169.254") == "10.1.0.5"
    assert red.resolve("www.example.org", "169.254.169.254") == WORLD
    assert red.fetch(f"http://{WORLD}/", timeout_s=1) == ""


def test_it_joins_its_networks_and_no_others(
    fabric: NamespaceFabric, red: Guest, blue: Guest, green: Guest
) -> None:
    fabric.apply_router(ROUTER)
    for each in (red, blue, green):
        assert each.dhcp()
        each.says(each.nic.network)
    assert red.fetch("http://10.2.0.5/cgi-bin/caller") == "10.1.0.5"
    assert red.fetch("http://10.2.0.5/") == "rblue"
    assert blue.fetch("http://10.1.0.5/") == "rred"
    assert green.fetch("http://10.1.0.5/", timeout_s=1) == ""
    assert red.pings("10.2.0.1")


def test_guests_go_out_under_the_routers_address(fabric: NamespaceFabric, red: Guest, world: World) -> None:
    fabric.apply_router(ROUTER)
    assert red.dhcp()
    assert red.fetch(f"http://{WORLD}/") == "the world"
    fabric.apply_router(replace(ROUTER, revision=2, external=None))
    assert red.fetch(f"http://{WORLD}/", timeout_s=1) == ""


def test_floating_addresses_lead_in_and_are_seen_outside(
    fabric: NamespaceFabric, red: Guest, blue: Guest
) -> None:
    fabric.apply_router(replace(ROUTER, floating={"198.18.0.60": "10.1.0.5"}))
    for each in (red, blue):
        assert each.dhcp()
        each.says(each.nic.network)
    assert fetch("http://198.18.0.60/") == "rred"
    assert fetch("http://198.18.0.60/cgi-bin/caller") == "198.18.0.1"
    assert blue.fetch("http://198.18.0.60/") == "rred"
    assert red.fetch("http://198.18.0.60/") == "rred"
    fabric.apply_router(replace(ROUTER, revision=2))
    assert fetch("http://198.18.0.60/", timeout_s=1) == ""


def test_tenants_behind_two_routers_meet_by_floating_addresses_alone(
    fabric: NamespaceFabric, red: Guest, green: Guest
) -> None:
    other = RouterSpec(
        "other", 1, [("rgreen", "10.2.0.1/24")], "198.18.0.51", floating={"198.18.0.61": "10.2.0.5"}
    )
    fabric.apply_router(replace(ROUTER, interfaces=[("rred", "10.1.0.1/24")]))
    fabric.apply_router(other)
    for each in (red, green):
        assert each.dhcp()
        each.says(each.nic.network)
    assert red.fetch("http://198.18.0.61/cgi-bin/caller") == "198.18.0.50"
    assert red.fetch("http://10.2.0.5/", timeout_s=1) == ""
    fabric.apply_router(
        replace(
            ROUTER, revision=2, interfaces=[("rred", "10.1.0.1/24")], routes=[("10.2.0.0/24", "198.18.0.51")]
        )
    )
    assert red.fetch("http://10.2.0.5/", timeout_s=1) == ""


def test_a_router_without_snat_lets_guests_go_out_and_be_reached_as_themselves(
    fabric: NamespaceFabric, red: Guest
) -> None:
    from .machines import run

    fabric.apply_router(replace(ROUTER, snat=False))
    assert red.dhcp()
    red.says("red")
    run("ip", "route", "replace", "10.1.0.0/24", "via", "198.18.0.50")
    try:
        assert fetch("http://10.1.0.5/") == "red"
        fabric.apply_router(replace(ROUTER, revision=2))
        assert fetch("http://10.1.0.5/", timeout_s=1) == ""
    finally:
        run("ip", "route", "delete", "10.1.0.0/24")


def test_a_router_that_is_down_lets_nothing_pass(fabric: NamespaceFabric, red: Guest, blue: Guest) -> None:
    fabric.apply_router(ROUTER)
    assert red.dhcp()
    assert blue.dhcp()
    assert red.pings("10.2.0.5")
    fabric.apply_router(replace(ROUTER, revision=2, up=False))
    assert not red.pings("10.2.0.5")
    assert red.fetch(f"http://{WORLD}/", timeout_s=1) == ""
    fabric.apply_router(replace(ROUTER, revision=3))
    assert red.pings("10.2.0.5")


def test_routes_lead_by_way_of_a_guest(fabric: NamespaceFabric, red: Guest, blue: Guest) -> None:
    assert red.dhcp()
    assert blue.dhcp()
    blue.ip("address", "add", "10.77.0.1/32", "dev", "lo")
    fabric.apply_router(replace(ROUTER, routes=[("10.77.0.0/16", "10.2.0.5")]))
    from synnefo.cyclades.backends.base import CardFilter

    fabric.apply(
        replace(BLUE, revision=2, filters=[CardFilter("rblue", address_pairs=[("10.77.0.0/16", "")])])
    )
    assert red.pings("10.77.0.1")
    fabric.apply_router(replace(ROUTER, revision=2))
    assert not red.pings("10.77.0.1")


def test_the_metadata_service_is_reached_over_the_router_too(
    fabric: NamespaceFabric, red: Guest, blue: Guest
) -> None:
    fabric.apply_router(ROUTER)
    asked: list[tuple[str, str]] = []

    def lookup(network: str, ip: str) -> None:
        asked.append((network, ip))

    server = MetadataServer(lookup)
    try:
        for each in (red, blue):
            namespace = fabric.namespace(each.nic.network)
            assert namespace is not None
            server.add_network(each.nic.network, namespace)
            assert each.dhcp()
            assert "default via" in each.ip("route", "show", "default")
            each.exec("curl", "-s", "--max-time", "3", "http://169.254.169.254/latest/")
    finally:
        server.close()
    assert asked == [("rred", "10.1.0.5"), ("rblue", "10.2.0.5")]


def test_ipv6_networks_are_joined_and_the_router_announces_itself(
    fabric: NamespaceFabric, red: Guest, blue: Guest
) -> None:
    for number, spec in ((1, RED), (2, BLUE)):
        subnet = SubnetSpec(f"fd00:{number}::/64", f"fd00:{number}::1", ipv6_mode="slaac")
        mac = spec.leases[0].mac
        six = Lease(mac, f"fd00:{number}::a800:ff:fe00:70{number}", "")
        fabric.apply(replace(spec, revision=2, more_subnets=[subnet], leases=[*spec.leases, six]))
    fabric.apply_router(
        replace(ROUTER, interfaces=[*ROUTER.interfaces, ("rred", "fd00:1::1/64"), ("rblue", "fd00:2::1/64")])
    )
    assert eventually(
        lambda: all("fe80::" in each.ip("-6", "route", "show", "default") for each in (red, blue))
    )
    ping = ("ping", "-6", "-c1", "-W1", "fd00:2::a800:ff:fe00:702")
    assert eventually(lambda: red.exec(*ping).returncode == 0)
    gateway = red.ip("-6", "route", "show", "default").split()[2]
    mac = netns.run("ip", "-n", fabric_router(fabric), "-o", "link", "show", "in-1")
    assert gateway.startswith("fe80::3:ff:fe")
    assert mac


def fabric_router(fabric: NamespaceFabric) -> str:
    name = fabric.namespace("rred")
    assert name is not None
    return name.replace("rred", "rt.router")


def test_revisions_and_refusals(fabric: NamespaceFabric, red: Guest) -> None:
    with pytest.raises(BackendUnavailable, match="nowhere is not there yet"):
        fabric.apply_router(RouterSpec("router", 1, [("nowhere", "10.1.0.1/24")]))
    assert fabric.routers() == []
    fabric.apply_router(replace(ROUTER, revision=5))
    fabric.apply_router(replace(ROUTER, revision=4, external=None))
    assert red.dhcp()
    assert red.fetch(f"http://{WORLD}/") == "the world"
    with pytest.raises(BackendUnavailable, match="still has the router router"):
        fabric.remove("rblue")
    with pytest.raises(BackendUnavailable, match="still has the router router"):
        fabric.apply(replace(RED, revision=9, routed=False))
    with pytest.raises(BackendError, match="led by its router"):
        fabric.apply(replace(RED, revision=9, floating={"198.18.0.60": "10.1.0.5"}))


def test_an_address_that_leads_elsewhere_must_be_let_go_there_first(fabric: NamespaceFabric) -> None:
    fabric.apply_router(replace(ROUTER, floating={"198.18.0.60": "10.1.0.5"}))
    own = NetworkSpec("rown", 1, "10.3.0.0/24", "10.3.0.1", floating={"198.18.0.60": "10.3.0.5"})
    with pytest.raises(BackendUnavailable, match="still leads to router"):
        fabric.apply(own)
    fabric.apply_router(replace(ROUTER, revision=2))
    fabric.apply(own)
    fabric.remove("rown")


def test_removal_leaves_nothing_and_a_network_takes_its_way_out_back(
    fabric: NamespaceFabric, host: str, red: Guest
) -> None:
    fabric.apply_router(ROUTER)
    assert red.dhcp()
    fabric.remove_router("router")
    fabric.remove_router("router")
    assert fabric.routers() == []
    assert netns.names(f"syn-{host}-rt.") == []
    assert not [name for name in netns.links(f"syn-{host}-fab") if name.startswith(("in-", "out-"))]
    assert not Path(f"/run/synnefo-{host}/router-router").exists()
    fabric.apply(replace(RED, revision=2, routed=False))
    assert eventually(lambda: red.fetch(f"http://{WORLD}/") == "the world")


def test_it_comes_back_after_a_reboot(
    fabric: NamespaceFabric, host: str, state_dir: Path, world: World, red: Guest
) -> None:
    fabric.apply_router(ROUTER)
    netns.run("ip", "netns", "delete", f"syn-{host}-rt.router")
    assert red.dhcp()
    assert red.fetch(f"http://{WORLD}/", timeout_s=1) == ""
    NamespaceFabric(host, state_dir, resolv_conf=world.resolv_conf).restore()
    assert red.fetch(f"http://{WORLD}/") == "the world"
