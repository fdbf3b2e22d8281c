"""What guests can do: addresses, names, the way out, floating addresses; and what they cannot."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from synnefo.cyclades.backends.base import Lease, NetworkSpec
from synnefo.cyclades.backends.local import netns
from synnefo.cyclades.backends.local.fabric import NamespaceFabric

from .machines import WORLD, Guest, World, eventually, fetch, run

MakeGuest = Callable[..., Guest]

# Two tenants with the same addresses and hardware addresses, and a third with others.
LEASES = (Lease("aa:00:00:00:00:05", "10.0.0.5", "web"), Lease("aa:00:00:00:00:06", "10.0.0.6", "db"))
RED = NetworkSpec("red", 1, "10.0.0.0/24", "10.0.0.1", leases=LEASES)
BLUE = NetworkSpec("blue", 1, "10.0.0.0/24", "10.0.0.1", leases=LEASES)
GREEN = NetworkSpec(
    "green", 1, "10.1.0.0/24", "10.1.0.1", leases=(Lease("aa:00:00:00:01:05", "10.1.0.5", "web"),)
)


@pytest.fixture(autouse=True)
def networks(fabric: NamespaceFabric) -> Iterator[None]:
    for spec in (RED, BLUE, GREEN):
        fabric.apply(spec)
    yield
    for name in fabric.networks():
        for nic in ("red5", "red6", "blue5", "green5"):
            fabric.unplug(nic)
        fabric.remove(name)


@pytest.fixture
def red(guest: MakeGuest) -> Guest:
    return guest("red5", "red", "aa:00:00:00:00:05", "10.0.0.5")


@pytest.fixture
def red_db(guest: MakeGuest) -> Guest:
    return guest("red6", "red", "aa:00:00:00:00:06", "10.0.0.6")


@pytest.fixture
def blue(guest: MakeGuest) -> Guest:
    return guest("blue5", "blue", "aa:00:00:00:00:05", "10.0.0.5")


@pytest.fixture
def green(guest: MakeGuest) -> Guest:
    return guest("green5", "green", "aa:00:00:00:01:05", "10.1.0.5")


def lead(fabric: NamespaceFabric, spec: NetworkSpec, revision: int, floating: Mapping[str, str]) -> None:
    fabric.apply(replace(spec, revision=revision, floating=floating))


# -- addresses and names ------------------------------------------------------------------------
def test_a_guest_learns_its_address_and_how_to_use_it(red: Guest) -> None:
    told = red.dhcp()
    assert (told["ip"], told["mask"], told["router"], told["dns"]) == (
        "10.0.0.5",
        "24",
        "10.0.0.1",
        "10.0.0.1",
    )
    assert (told["hostname"], told["domain"]) == ("web", "cloud.internal")


def test_a_machine_without_a_lease_gets_no_address(guest: MakeGuest) -> None:
    assert guest("red5", "red", "aa:00:00:00:00:99", "10.0.0.9").dhcp(tries=2) == {}


def test_a_new_lease_is_served_at_once(fabric: NamespaceFabric, guest: MakeGuest) -> None:
    fabric.apply(replace(RED, revision=2, leases=[*LEASES, Lease("aa:00:00:00:00:99", "10.0.0.9", "new")]))
    newcomer = guest("red5", "red", "aa:00:00:00:00:99", "10.0.0.9")
    assert newcomer.dhcp()["ip"] == "10.0.0.9"
    assert newcomer.resolve("new", "10.0.0.1") == "10.0.0.9"


def test_an_address_that_was_somebody_elses_is_given_to_its_new_owner(
    fabric: NamespaceFabric, guest: MakeGuest
) -> None:
    old, new = "aa:00:00:00:00:97", "aa:00:00:00:00:98"
    fabric.apply(replace(RED, revision=2, leases=[*LEASES, Lease(old, "10.0.0.9", "old")]))
    assert guest("red5", "red", old, "10.0.0.9").dhcp()["ip"] == "10.0.0.9"
    fabric.apply(replace(RED, revision=3, leases=LEASES))
    fabric.apply(replace(RED, revision=4, leases=[*LEASES, Lease(new, "10.0.0.9", "new")]))
    assert guest("red6", "red", new, "10.0.0.9").dhcp()["ip"] == "10.0.0.9"


def test_chosen_name_servers_are_told_in_place_of_the_gateway(fabric: NamespaceFabric, red: Guest) -> None:
    fabric.apply(replace(RED, revision=2, dns_nameservers=["203.0.113.1", "203.0.113.9"]))
    assert red.dhcp()["dns"] == "203.0.113.1 203.0.113.9"


def test_names_of_the_network_and_of_the_world_resolve(red: Guest, green: Guest) -> None:
    assert red.dhcp()
    assert green.dhcp()
    assert red.resolve("db.cloud.internal", "10.0.0.1") == "10.0.0.6"
    assert red.resolve("www.example.org", "10.0.0.1") == WORLD
    assert green.resolve("db.cloud.internal", "10.1.0.1") == ""


def test_guests_of_one_network_reach_each_other(red: Guest, red_db: Guest) -> None:
    assert red.dhcp()
    assert red_db.dhcp()
    assert red.pings("10.0.0.6")


def test_a_network_without_dhcp_still_has_names_and_a_way_out(fabric: NamespaceFabric, red: Guest) -> None:
    fabric.apply(replace(RED, revision=2, dhcp=False))
    assert red.dhcp(tries=2) == {}
    red.ip("address", "add", "10.0.0.5/24", "dev", "eth0")
    red.ip("route", "add", "default", "via", "10.0.0.1")
    assert red.resolve("db.cloud.internal", "10.0.0.1") == "10.0.0.6"
    assert red.fetch(f"http://{WORLD}/") == "the world"


def test_a_network_without_gateway_has_addresses_and_no_way_out(
    fabric: NamespaceFabric, red: Guest, red_db: Guest
) -> None:
    fabric.apply(replace(RED, revision=2, gateway=None))
    told = red.dhcp()
    assert told["ip"] == "10.0.0.5"
    assert "router" not in told
    assert told["staticroutes"] == "169.254.169.254/32 0.0.0.0"
    assert red_db.dhcp()["ip"] == "10.0.0.6"
    assert red.pings("10.0.0.6")
    red.ip("route", "add", "default", "via", "10.0.0.1")
    assert red.fetch(f"http://{WORLD}/", timeout_s=1) == ""


def test_a_network_without_range_is_a_bare_wire(fabric: NamespaceFabric, guest: MakeGuest) -> None:
    fabric.apply(NetworkSpec("wire", 1))
    one = guest("red5", "wire", "aa:00:00:00:00:05", None)
    two = guest("red6", "wire", "aa:00:00:00:00:06", None)
    one.ip("address", "add", "192.168.7.1/24", "dev", "eth0")
    two.ip("address", "add", "192.168.7.2/24", "dev", "eth0")
    assert one.pings("192.168.7.2")
    assert fabric.namespace("wire") is None


def test_a_network_changes_its_range_and_its_gateway(fabric: NamespaceFabric, guest: MakeGuest) -> None:
    lease = Lease("aa:00:00:00:00:07", "10.7.0.7", "seven")
    fabric.apply(NetworkSpec("red", 2, "10.7.0.0/16", "10.7.255.254", leases=[lease]))
    moved = guest("red5", "red", "aa:00:00:00:00:07", "10.7.0.7")
    assert moved.dhcp()["router"] == "10.7.255.254"
    assert moved.fetch(f"http://{WORLD}/") == "the world"


# -- the way out, and isolation -----------------------------------------------------------------
def test_two_tenants_with_the_same_addresses_both_reach_the_world(red: Guest, blue: Guest) -> None:
    for each in (red, blue):
        assert each.dhcp()["ip"] == "10.0.0.5"
        assert each.fetch(f"http://{WORLD}/cgi-bin/caller") == "203.0.113.2"


def test_tenants_do_not_reach_each_others_fixed_addresses(red: Guest, blue: Guest, green: Guest) -> None:
    for each, text in ((red, "red"), (blue, "blue"), (green, "green")):
        assert each.dhcp()
        each.says(text)
    assert red.fetch("http://10.0.0.5/") == "red"
    assert blue.fetch("http://10.0.0.5/") == "blue"
    assert red.fetch("http://10.1.0.5/", timeout_s=1) == ""
    assert not red.pings("10.1.0.5")
    assert green.fetch("http://10.0.0.5/", timeout_s=1) == ""


def test_a_route_over_a_networks_transit_address_leads_nowhere(
    fabric: NamespaceFabric, host: str, red: Guest, green: Guest
) -> None:
    assert green.dhcp()
    green.says("green")
    transit = next(iter(netns.links(f"syn-{host}-green")["ext"].addresses)).partition("/")[0]
    run("ip", "route", "replace", "10.1.0.0/24", "via", transit)
    try:
        assert fetch("http://10.1.0.5/", timeout_s=1) == ""
    finally:
        run("ip", "route", "delete", "10.1.0.0/24")
    red.ip("address", "add", "198.19.0.9/16", "dev", "eth0")
    red.ip("route", "add", "10.1.0.0/24", "via", transit)
    assert red.fetch("http://10.1.0.5/", timeout_s=1) == ""


def test_of_the_host_guests_reach_names_and_no_other_service(red: Guest) -> None:
    assert red.dhcp()
    with socket.create_server(("0.0.0.0", 8099)):
        assert red.exec("curl", "-s", "--max-time", "1", "telnet://198.19.0.1:8099").returncode == 28
        assert red.exec("curl", "-s", "--max-time", "1", "telnet://198.18.0.1:8099").returncode == 28
    assert red.pings("198.19.0.1")
    assert red.resolve("www.example.org", "198.19.0.1") == WORLD


def test_the_world_reaches_no_guest_but_by_floating_address(
    fabric: NamespaceFabric, world: World, red: Guest
) -> None:
    assert red.dhcp()
    red.says("red")
    for network in ("10.0.0.0/24", "198.19.0.0/16", "198.18.0.0/24"):
        world.ip("route", "replace", network, "via", "203.0.113.2")
    assert world.fetch("http://10.0.0.5/", timeout_s=1) == ""
    assert not world.pings("198.19.0.2")
    lead(fabric, RED, 2, {"198.18.0.7": "10.0.0.5"})
    assert world.fetch("http://198.18.0.7/") == "red"


# -- floating addresses -------------------------------------------------------------------------
def test_a_floating_address_leads_from_the_host_to_its_guest(fabric: NamespaceFabric, red: Guest) -> None:
    assert red.dhcp()
    red.says("red")
    assert fetch("http://198.18.0.7/", timeout_s=1) == ""
    lead(fabric, RED, 2, {"198.18.0.7": "10.0.0.5"})
    assert fetch("http://198.18.0.7/") == "red"
    assert fetch("http://198.18.0.7/cgi-bin/caller") == "198.18.0.1"


def test_guests_of_two_tenants_meet_by_floating_addresses(
    fabric: NamespaceFabric, red: Guest, blue: Guest, green: Guest
) -> None:
    for each in (red, blue, green):
        assert each.dhcp()
    blue.says("blue")
    lead(fabric, RED, 2, {"198.18.0.7": "10.0.0.5"})
    lead(fabric, BLUE, 2, {"198.18.0.8": "10.0.0.5"})
    assert red.fetch("http://198.18.0.8/cgi-bin/caller") == "198.18.0.7"
    assert green.fetch("http://198.18.0.8/cgi-bin/caller").startswith("198.19.")


def test_guests_reach_the_floating_addresses_of_their_own_network(
    fabric: NamespaceFabric, red: Guest, red_db: Guest
) -> None:
    assert red.dhcp()
    assert red_db.dhcp()
    red.says("red")
    lead(fabric, RED, 2, {"198.18.0.7": "10.0.0.5"})
    assert red_db.fetch("http://198.18.0.7/") == "red"
    assert red.fetch("http://198.18.0.7/") == "red"


def test_a_floating_address_moves_to_another_tenant_at_once(
    fabric: NamespaceFabric, red: Guest, blue: Guest
) -> None:
    for each, text in ((red, "red"), (blue, "blue")):
        assert each.dhcp()
        each.says(text)
    lead(fabric, RED, 2, {"198.18.0.7": "10.0.0.5"})
    assert fetch("http://198.18.0.7/") == "red"
    lead(fabric, RED, 3, {})
    lead(fabric, BLUE, 2, {"198.18.0.7": "10.0.0.5"})
    assert fetch("http://198.18.0.7/") == "blue"


def test_a_connection_does_not_outlive_its_floating_address(
    fabric: NamespaceFabric, red: Guest, red_db: Guest
) -> None:
    assert red.dhcp()
    assert red_db.dhcp()
    red_db.says("db")
    red.start("busybox", "nc", "-l", "-p", "7", "-e", "cat")
    lead(fabric, RED, 2, {"198.18.0.7": "10.0.0.5"})
    assert eventually(lambda: "7" in red.exec("ss", "-Hltn", "sport = 7").stdout)
    with socket.create_connection(("198.18.0.7", 7), timeout=3) as echo:
        echo.sendall(b"before")
        assert echo.recv(100) == b"before"
        lead(fabric, RED, 3, {"198.18.0.7": "10.0.0.6"})
        assert fetch("http://198.18.0.7/") == "db"
        echo.settimeout(0.5)
        echo.sendall(b"after")
        with pytest.raises(TimeoutError):
            echo.recv(100)


def test_of_two_floating_addresses_both_lead_in_and_one_is_shown(fabric: NamespaceFabric, red: Guest) -> None:
    assert red.dhcp()
    red.says("red")
    lead(fabric, RED, 2, {"198.18.0.9": "10.0.0.5", "198.18.0.7": "10.0.0.5"})
    assert fetch("http://198.18.0.7/") == fetch("http://198.18.0.9/") == "red"
