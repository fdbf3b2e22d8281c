"""Subnets, ports, routers, the topology and a server's graphs as people use them, and how they look."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from synnefo.cyclades.backends.base import Sample
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.networks import floating, groups, ports, routers
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import Network, Router, Subnet
from synnefo.cyclades.servers import cards, tags
from synnefo.cyclades.servers.models import Server
from tests.browser.test_look import examine, limit
from tests.conftest import SYSTEM, People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

MIB = 2**20


@pytest.fixture
def wired(
    cloud: People, public_network: Any, new_server: Callable[..., Server], settle: Callable[[], None]
) -> People:
    """Two networks behind a router, one with a way out of its own, servers on them."""
    caller = cloud.alice.caller
    limit(cloud)
    made = {}
    for name, cidr in (("front", "10.10.0.0/24"), ("database", "10.20.0.0/24")):
        made[name] = networks.create(caller, name=name)
        networks.create_subnet(caller, made[name].uuid, cidr=cidr, name=name)
    networks.create_subnet(
        caller, made["front"].uuid, cidr="fd00:10::/64", version=6, ipv6_mode="slaac", name="front six"
    )
    edge = routers.create(caller, name="edge", external=public_network.uuid)
    for network in made.values():
        subnet = network.subnets.filter(ip_version=4).get()
        routers.add_interface(caller, edge.uuid, subnet_uuid=subnet.uuid)
    routers.change_routes(caller, edge.uuid, add=[{"destination": "10.99.0.0/16", "nexthop": "10.20.0.9"}])
    routers.create(caller, name="spare")
    for name, network in (("web-1", "front"), ("web-2", "front"), ("db-1", "database")):
        server = new_server(name)
        cards.plug(caller, server, made[network])
        settle()
    web = Server.objects.get(name="web-1")
    for word in ("production", "web"):
        tags.add(caller, web, word)
    floating.create(caller, port_uuid=web.ports.get(network=made["front"]).uuid)
    ports.create(caller, made["front"].uuid, name="waits for web-3")
    groups.create(caller, name="web")
    for cpu, ram, disk in ((1, 1024, 10), (2, 2048, 20), (4, 8192, 40)):
        flavors.create(SYSTEM, cpu=cpu, ram=ram, disk=disk)
    big = flavors.create(SYSTEM, cpu=16, ram=65536, disk=0, label="render", public=False)
    flavors.grant(SYSTEM, big, caller.project)
    flavors.set_specs(SYSTEM, big, {"hw:cpu_policy": "dedicated"})
    settle()
    return cloud


@pytest.fixture
def measured(engine_room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples as a server has them that works in waves, and was off for a while."""
    now = timezone.now()
    kept, cpu, moved = [], 0.0, 0.0
    for back in range(120, -1, -1):
        wave = 1 + math.sin(back / 9)
        cpu, moved = cpu + 7 * wave, moved + 3 * MIB * wave
        if not 40 < back < 52:
            at = now - datetime.timedelta(seconds=30 * back)
            amounts = (int(moved * share) for share in (2, 0.6, 0.1, 0.9))
            kept.append(Sample(at, cpu, int(150 + 20 * wave), *amounts))
    monkeypatch.setattr(engine_room, "samples", lambda name, since: [row for row in kept if row.at >= since])


def test_networks_routers_and_graphs_are_sound_in_both_themes_and_on_a_phone(
    wired: People, measured: None, live_server: Any, open_page: Callable[..., Page],
    sign_in: Callable[..., None],
) -> None:  # fmt: skip
    page = open_page()
    sign_in(page)

    def go(path: str) -> None:
        page.goto(f"{live_server.url}/ui/{path}")

    go("networks/")
    page.get_by_role("link", name="front", exact=True).click()
    expect(page.get_by_role("heading", name="Subnets")).to_be_visible()
    examine(page, "network-routed")
    page.get_by_role("link", name="Add subnet").click()
    page.get_by_text("More", exact=True).click()
    examine(page, "subnet-create", whole=False)
    go(f"networks/{Network.objects.get(name='front').uuid}/")
    page.get_by_role("link", name="Add port").click()
    expect(page.get_by_role("dialog")).to_contain_text("Security groups")
    examine(page, "port-create", whole=False)
    go("routers/")
    examine(page, "routers")
    page.get_by_role("link", name="edge", exact=True).click()
    expect(page.get_by_role("heading", name="Interfaces")).to_be_visible()
    examine(page, "router")
    page.get_by_role("link", name="Add interface").click()
    expect(page.get_by_role("dialog")).to_contain_text("default: 192.168.0.0/24")
    examine(page, "router-join", whole=False)
    go("routers/create/")
    page.get_by_label("Name", exact=True).fill("second")
    expect(page.locator("#same-openstack")).to_contain_text("--external-gateway public second")
    examine(page, "router-create")
    go("topology/")
    expect(page.get_by_role("region", name="Picture").get_by_role("link", name="edge")).to_be_visible()
    examine(page, "topology")
    go(f"servers/{Server.objects.get(name='web-1').uuid}/")
    expect(page.locator("#graph-disk [role=img]")).to_be_visible()
    examine(page, "server-graphs")
    go("flavors/")
    examine(page, "flavors")
    go(f"servers/{Server.objects.get(name='web-1').uuid}/")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("link", name="Rebuild").click()
    expect(page.get_by_role("dialog")).to_contain_text("all that is on the first disk")
    examine(page, "server-rebuild", whole=False)


def test_a_router_is_made_and_joins_a_network_by_keyboard(
    alice_page: Page, live_server: Any, public_network: Any, network: Any
) -> None:
    page = alice_page
    page.goto(f"{live_server.url}/ui/routers/")
    page.wait_for_load_state()
    page.keyboard.press("c")
    page.wait_for_url("**/routers/create/")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("edge")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="edge", exact=True)).to_be_visible()
    page.get_by_role("link", name="Add interface").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Subnet")).to_be_focused()
    page.get_by_role("button", name="Add interface").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The interface is there.")).to_be_visible()
    expect(page.get_by_text("192.168.0.1", exact=True)).to_be_visible()
    page.goto(f"{live_server.url}/ui/topology/")
    page.get_by_role("region", name="Picture").get_by_role("link", name="edge").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/routers/*/")
    assert Router.objects.get().ports.filter(device_owner=routers.INTERFACE).count() == 1


def test_a_subnet_that_is_refused_is_mended_and_kept(
    alice_page: Page, live_server: Any, network: Any
) -> None:
    page = alice_page
    page.goto(f"{live_server.url}/ui/networks/{network.uuid}/")
    page.get_by_role("link", name="Add subnet").click()
    page.get_by_label("Range of addresses").fill("192.168.0.0/25")
    page.keyboard.press("Enter")
    expect(page.locator("#summary")).to_contain_text("overlaps with another subnet")
    expect(page.get_by_label("Range of addresses")).to_have_value("192.168.0.0/25")
    page.get_by_label("Range of addresses").fill("192.168.1.0/24")
    page.get_by_role("button", name="Add subnet").click()
    expect(page.get_by_text("The subnet is there.")).to_be_visible()
    assert Subnet.objects.filter(network=network, cidr="192.168.1.0/24").exists()


def test_tags_are_put_on_and_taken_off_and_graphs_look_back_further(
    alice_page: Page, live_server: Any, new_server: Callable[..., Server], measured: None
) -> None:
    page, server = alice_page, new_server("web-1")
    page.goto(f"{live_server.url}/ui/servers/{server.uuid}/")
    expect(page.locator("#graph-cpu [role=img]")).to_be_visible()
    page.get_by_role("link", name="Day").click()
    expect(page.get_by_role("link", name="Day")).to_have_attribute("aria-current", "true")
    expect(page).to_have_title("web-1 · Synnefo")
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("columnheader", name="Received")).to_be_visible()
    page.get_by_role("link", name="Add tag").click()
    page.get_by_role("textbox", name="Tag").fill("production")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Take off the tag production").click()
    expect(page.get_by_text("Tag production is taken off.")).to_be_visible()
    assert tags.tags_of(server) == []
