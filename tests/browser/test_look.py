"""How the pages look, in both themes and on a phone: nothing sticks out, everybody can use them.

``SYNNEFO_SCREENSHOTS=docs/images pytest tests/browser/test_look.py`` renews the documentation's pictures;
those of graphs and of the topology are taken by hand, of a cloud whose servers run.
"""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from synnefo.astakos.projects import rules as projects
from synnefo.common.units import GIB
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.keypairs import rules as keypairs
from synnefo.cyclades.networks import floating
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server
from tests.conftest import SYSTEM, People

pytestmark = [pytest.mark.host, pytest.mark.django_db(transaction=True)]

Look = tuple[Literal["light", "dark"], int, int]
SIZES: list[Look] = [
    ("light", 1280, 800), ("dark", 1280, 800), ("dark", 390, 844), ("light", 390, 844),
]  # fmt: skip
ON_A_PHONE = SIZES[2:]
NAMES = {
    ("light", 1280): "light",
    ("dark", 1280): "dark",
    ("light", 390): "phone",
    ("dark", 390): "phone-dark",
}
#: What stands in the documentation, each in light, in dark and on a phone; some under a name of its own.
KEPT = {
    "sign-in", "dashboard", "first-steps", "servers", "server", "create", "networks", "network",
    "network-create", "floating-ips", "keys", "key-create", "volumes", "volume", "volume-create", "snapshots",
    "router", "flavors", "group", "network-routed",
}  # fmt: skip
NAMED = {"sign-in-light": "sign-in", "create-light": "create", "server-light": "server"}
COLOURS = 200


def limit(cloud: People) -> None:
    """A quota as people have it."""
    limits = {
        "cyclades.vm": 8, "cyclades.cpu": 8, "cyclades.total_cpu": 16, "cyclades.ram": 4 * GIB,
        "cyclades.total_ram": 8 * GIB, "cyclades.disk": 60 * GIB, "cyclades.floating_ip": 4,
        "cyclades.network.private": 4, "pithos.diskspace": 50 * GIB,
    }  # fmt: skip
    named = {name: (amount, amount) for name, amount in limits.items()}
    projects.set_limits(SYSTEM, projects.get(cloud.alice.user.uuid), named)


@pytest.fixture
def busy_cloud(cloud: People, new_server: Callable[..., Server], settle: Callable[[], None]) -> People:
    """A project as people have them: servers in several states, addresses, keys, a quota that is near."""
    caller = cloud.alice.caller
    limit(cloud)
    for cpu, ram, disk in ((2, 1024, 10), (4, 4096, 20)):
        flavors.create(SYSTEM, cpu=cpu, ram=ram, disk=disk)
    keypairs.create(caller, "alice@laptop")
    for age, name in enumerate(("jump-host", "build-runner", "database", "web-2", "web-1")):
        server = new_server(name, key_name="alice@laptop")
        if name in ("web-1", "jump-host"):
            floating.create(caller, port_uuid=server.ports.get().uuid)
        created = timezone.now() - datetime.timedelta(minutes=7 * 7 ** (4 - age))
        Server.objects.filter(pk=server.pk).update(created=created)
    broken = {"operstate": "ERROR", "fault": "The engine could not start it: no space left on its disk."}
    Server.objects.filter(name="database").update(**broken)
    rules.stop(caller, Server.objects.get(name="build-runner").uuid)
    settle()
    rules.reboot(caller, Server.objects.get(name="web-2").uuid, hard=False)
    return cloud


def examine(page: Page, name: str, *, whole: bool = True, looks: Sequence[Look] = SIZES) -> None:
    """In both themes, in a window and on a phone: nothing is wider than that, axe has nothing to say."""
    for theme, width, height in looks:
        wear(page, theme, width, height)
        key = f"{name}-{NAMES[theme, width]}"
        take(page, name, key, full_page=whole and name != "servers")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
            f"{key} is too wide"
        )
        assert complaints(page) == [], key
    wear(page, *looks[0])


def wear(page: Page, theme: Literal["light", "dark"], width: int, height: int) -> None:
    """Show the page in this theme and at this size, in pixels."""
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": height})
    expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
    page.wait_for_load_state()


def take(page: Page, name: str, key: str, *, full_page: bool) -> None:
    """A picture for the documentation, if it is asked for."""
    keep = os.environ.get("SYNNEFO_SCREENSHOTS")
    if keep and name in KEPT and not key.endswith("phone-dark"):
        picture = Path(keep) / f"{NAMED.get(key, key)}.png"
        page.screenshot(path=picture, full_page=full_page)
        make_small(picture)


def make_small(picture: Path) -> None:
    """Few colours in place of millions; without ImageMagick it stays as it is."""
    if tool := shutil.which("convert"):
        command = [tool, str(picture), "+dither", "-colors", str(COLOURS), f"PNG8:{picture}"]
        subprocess.run(command, check=True, timeout=60)


def complaints(page: Page) -> list[str]:
    """What axe has to say: rule, element, reason."""
    options = {"resultTypes": ["violations"], "preload": False}  # what is in order is long, and not asked
    violations = Axe().run(page, options=options).response["violations"]
    return [
        f"{rule['id']}: {node['target'][0]}: {node['failureSummary']}"
        for rule in violations
        for node in rule["nodes"]
    ]


def test_pages_are_sound_in_both_themes_and_on_a_phone(
    busy_cloud: People, live_server: Any, open_page: Callable[..., Page], sign_in: Callable[..., None],
) -> None:  # fmt: skip
    page = open_page()
    page.goto(f"{live_server.url}/ui/")
    examine(page, "sign-in")
    sign_in(page)
    expect(page.get_by_role("heading", name="What you did last")).to_be_visible()
    examine(page, "dashboard")
    page.goto(f"{live_server.url}/ui/servers/")
    examine(page, "servers")
    page.get_by_role("button", name="Actions for web-1").click()
    expect(page.get_by_role("button", name="Hard reboot")).to_be_visible()
    examine(page, "menu")
    page.keyboard.press("Escape")
    page.get_by_role("checkbox", name="Tick web-1").check()
    page.get_by_role("group", name="For the ticked servers").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    examine(page, "delete", whole=False)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="web-1").click()
    expect(page.locator("#log")).to_contain_text("nothing on its serial console")
    examine(page, "server")
    page.goto(f"{live_server.url}/ui/servers/create/")
    page.get_by_label("Name", exact=True).fill("web-3")
    expect(page.locator("#same-openstack")).to_contain_text("web-3")
    examine(page, "create")
    page.get_by_label("Name", exact=True).fill("")
    page.get_by_role("button", name="Create server").click()
    expect(page.locator("#summary")).to_be_visible()
    examine(page, "create-refused")
    page.goto(f"{live_server.url}/ui/servers/?q=nothing-like-this")
    examine(page, "nothing-found")
    page.goto(f"{live_server.url}/ui/nothing/")
    examine(page, "not-found")
    page.goto(f"{live_server.url}/ui/console/")
    expect(page.get_by_text("needs an address that is made for it")).to_be_visible()
    examine(page, "console-without-ticket")


def test_an_empty_project_looks_inviting(
    cloud: People, live_server: Any, open_page: Callable[..., Page], sign_in: Callable[..., None],
) -> None:  # fmt: skip
    limit(cloud)
    page = open_page()
    sign_in(page)
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    examine(page, "first-steps")
    for path in ("servers", "floating-ips", "keys"):
        page.goto(f"{live_server.url}/ui/{path}/")
        expect(page.get_by_role("heading", name="No ")).to_be_visible()
        examine(page, f"no-{path}")
    wear(page, *ON_A_PHONE[0])
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("link", name="Servers", exact=True)).to_be_visible()
    page.wait_for_function("document.querySelector('#side').classList.contains('show')")
    examine(page, "places", whole=False, looks=ON_A_PHONE)


def test_networks_addresses_and_keys_are_sound_in_both_themes_and_on_a_phone(
    busy_cloud: People, live_server: Any, open_page: Callable[..., Page], sign_in: Callable[..., None],
) -> None:  # fmt: skip
    caller = busy_cloud.alice.caller
    closed = networks.create(caller, name="backend")
    networks.create_subnet(caller, closed.uuid, cidr="10.20.0.0/16", gateway=None)
    floating.create(caller)
    page = open_page()
    sign_in(page)

    def go(path: str) -> None:
        page.goto(f"{live_server.url}/ui/{path}")

    go("networks/")
    examine(page, "networks")
    page.get_by_role("link", name="default", exact=True).click()
    expect(page.get_by_role("heading", name="Ports")).to_be_visible()
    examine(page, "network")
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_role("dialog")).to_contain_text("is in use")
    examine(page, "network-in-use", whole=False)
    go("networks/create/")
    page.get_by_label("Name", exact=True).fill("front end")
    expect(page.locator("#same-openstack")).to_contain_text("'front end'")
    examine(page, "network-create")
    go("floating-ips/")
    examine(page, "floating-ips")
    page.get_by_role("button", name="Actions for 198.18.0.4").click()
    page.get_by_role("link", name="Attach").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    examine(page, "floating-ip-attach", whole=False)
    go("floating-ips/create/")
    examine(page, "floating-ip-create")
    go("keys/")
    examine(page, "keys")
    go("keys/create/")
    examine(page, "key-create")
    page.get_by_label("Make one for me").check()
    page.get_by_label("Name", exact=True).fill("second key")
    page.get_by_role("button", name="Add key").click()
    expect(page.get_by_text("shown this once")).to_be_visible()
    examine(page, "key-made")
