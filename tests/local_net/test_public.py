"""Machines whose own address is a floating one: cards on the public network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from synnefo.cyclades.backends.base import BackendError, Lease, NetworkSpec
from synnefo.cyclades.backends.local.fabric import NamespaceFabric

from .machines import WORLD, Guest, eventually, fetch

pytestmark = pytest.mark.host

MakeGuest = Callable[..., Guest]
WEB, DB = Lease("aa:00:00:00:01:07", "198.18.0.7", "web"), Lease("aa:00:00:00:01:08", "198.18.0.8", "db")
PUBLIC = NetworkSpec("pub", 1, "198.18.0.0/24", "198.18.0.1", leases=[WEB, DB], public=True)
TENANT = NetworkSpec(
    "lan", 1, "10.0.0.0/24", "10.0.0.1",
    leases=[Lease("aa:00:00:00:02:05", "10.0.0.5", "inner")], floating={"198.18.0.20": "10.0.0.5"},
)  # fmt: skip


@pytest.fixture
def web(fabric: NamespaceFabric, guest: MakeGuest) -> Guest:
    fabric.apply(PUBLIC)
    return guest("pub1", "pub", WEB.mac, WEB.ip)


def test_it_learns_its_floating_address_and_the_hosts_way_out(web: Guest) -> None:
    told = web.dhcp()
    assert (told["ip"], told["mask"], told["router"]) == ("198.18.0.7", "24", "198.18.0.1")
    assert told["dns"] == "198.19.0.1"
    assert told["staticroutes"] == "169.254.169.254/32 0.0.0.0 0.0.0.0/0 198.18.0.1"


def test_the_world_and_the_host_are_reached_and_reach_it(web: Guest) -> None:
    assert web.dhcp()
    web.says("public")
    assert web.fetch(f"http://{WORLD}/") == "the world"
    assert web.resolve("www.example.org", "198.19.0.1") == WORLD
    assert eventually(lambda: fetch("http://198.18.0.7/") == "public")


def test_machines_behind_floating_addresses_are_next_door(
    fabric: NamespaceFabric, web: Guest, guest: MakeGuest
) -> None:
    fabric.apply(TENANT)
    inner = guest("lan1", "lan", "aa:00:00:00:02:05", "10.0.0.5")
    assert inner.dhcp()
    assert web.dhcp()
    web.says("public")
    inner.says("inner")
    assert inner.fetch("http://198.18.0.7/") == "public"
    assert web.fetch("http://198.18.0.20/") == "inner"
    assert web.fetch("http://10.0.0.5/", timeout_s=1) == ""


def test_nobody_takes_anothers_floating_address(web: Guest, guest: MakeGuest) -> None:
    other = guest("pub2", "pub", DB.mac, DB.ip)
    assert web.dhcp()
    other.ip("address", "add", "198.18.0.9/24", "dev", "eth0")
    assert not other.pings("198.18.0.7")
    other.ip("address", "del", "198.18.0.9/24", "dev", "eth0")
    assert other.dhcp()["ip"] == "198.18.0.8"
    assert eventually(lambda: other.pings("198.18.0.7"))


def test_taking_it_away_leaves_the_others_their_way_out(
    fabric: NamespaceFabric, web: Guest, guest: MakeGuest
) -> None:
    fabric.apply(TENANT)
    inner = guest("lan1", "lan", "aa:00:00:00:02:05", "10.0.0.5")
    assert inner.dhcp()
    with pytest.raises(BackendError, match="in use by pub1"):
        fabric.remove("pub")
    fabric.unplug("pub1")
    fabric.remove("pub")
    assert inner.fetch(f"http://{WORLD}/") == "the world"


@pytest.mark.parametrize(
    "spec",
    [replace(PUBLIC, cidr="198.18.4.0/24", gateway=None, leases=[]), replace(PUBLIC, gateway="198.18.0.9")],
)
def test_ranges_and_gateways_that_are_not_the_hosts_are_refused(
    fabric: NamespaceFabric, spec: NetworkSpec
) -> None:
    with pytest.raises(BackendError):
        fabric.apply(replace(spec, name="odd"))
    assert "odd" not in fabric.networks()
