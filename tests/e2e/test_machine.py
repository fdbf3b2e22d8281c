"""What the machine does to the cloud: many guests at once, a reboot, callers from another machine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.cloud import BIN, Cloud, run, wait_until
from tests.e2e.test_story import FLAVOR, IMAGE, fixed_address, give_address, make_network

DOZEN = 12

#: Says what a screen says first, through the console proxy, from wherever it runs.
GREETING = """
import asyncio, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1], subprotocols=["binary"], proxy=None) as screen:
        print((await asyncio.wait_for(screen.recv(), 20))[:4].decode())
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def lan(cloud: Cloud) -> Iterator[str]:
    make_network(cloud, "herd-lan")
    yield "herd-lan"
    cloud.openstack("network", "delete", "herd-lan")


@pytest.fixture(scope="module")
def herd(cloud: Cloud, lan: str) -> dict[str, str]:
    """A dozen servers that were asked for at once: ids by name."""
    names = [f"herd-{number}" for number in range(DOZEN)]
    return {
        name: _request(cloud, "POST", "servers", _wish(cloud, name, lan))["server"]["id"] for name in names
    }


@pytest.fixture(scope="module")
def pair(cloud: Cloud, herd: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The two that are left of them, which run."""
    on, off, *others = herd
    _delete(cloud, [herd[name] for name in others])
    yield on, off
    _delete(cloud, [herd[on], herd[off]])
    assert cloud.qemus() == []


def test_a_dozen_servers_at_once_all_run(cloud: Cloud, herd: dict[str, str]) -> None:
    def states() -> list[str]:
        return [row["status"] for row in _herd(cloud)]

    wait_until(
        "all of them", lambda: states().count("ACTIVE") == DOZEN or "ERROR" in states(), 300, every_s=1
    )
    assert states() == ["ACTIVE"] * DOZEN
    assert len(cloud.qemus()) == DOZEN


def test_after_a_reboot_of_the_host_what_ran_runs_again(
    cloud: Cloud, lan: str, pair: tuple[str, str]
) -> None:
    on, off = pair
    address = give_address(cloud, on)
    cloud.wait_for_ssh(address, 300)
    wait_until("the other booted", lambda: "ready" in cloud.openstack("console", "log", "show", off), 120)
    cloud.openstack("server", "stop", off)
    cloud.wait_for_status(off, "SHUTOFF", 120)
    _reboot_host(cloud)
    cloud.up()
    cloud.wait_for_status(on, "ACTIVE", 60)
    cloud.wait_for_ssh(address)
    assert fixed_address(cloud, on, lan) in cloud.ssh(address, "ip -4 addr")
    cloud.wait_for_status(off, "SHUTOFF")
    assert len(cloud.qemus()) == 1
    cloud.openstack("floating", "ip", "delete", address)


def test_another_machine_uses_the_cloud_and_its_consoles(cloud: Cloud, pair: tuple[str, str]) -> None:
    cloud.interrupt()
    cloud.settings["SYNNEFO_LISTEN"] = f"0.0.0.0:{cloud.port}"
    try:
        cloud.up()
        login = {**cloud.login(), "OS_AUTH_URL": f"http://203.0.113.1:{cloud.port}/astakos/identity/v3"}
        ask = ("console", "url", "show", pair[0], "-f", "json")
        shown = _from_the_world(cloud, str(BIN / "openstack"), *ask, **login)
        page = urlsplit(json.loads(shown)["url"])
        assert page.hostname == "203.0.113.1"
        ticket = parse_qs(page.fragment)["ticket"][0]
        socket = f"ws://203.0.113.1:{cloud.port + 1}/vnc?ticket={ticket}"
        assert _from_the_world(cloud, sys.executable, "-c", GREETING, socket).strip() == "RFB"
        with pytest.raises(AssertionError, match="4401"):
            _from_the_world(cloud, sys.executable, "-c", GREETING, socket)
    finally:
        cloud.interrupt()
        del cloud.settings["SYNNEFO_LISTEN"]
        cloud.up()


def _herd(cloud: Cloud) -> list[dict]:
    found: list[dict] = _request(cloud, "GET", "servers/detail?name=herd-")["servers"]
    return found


def _delete(cloud: Cloud, uuids: list[str]) -> None:
    for uuid in uuids:
        _request(cloud, "DELETE", f"servers/{uuid}")
    wait_until("they are gone", lambda: not {row["id"] for row in _herd(cloud)} & {*uuids}, 120)


def _request(cloud: Cloud, method: str, path: str, body: object = None) -> dict:
    command = ["curl", "-sf", "-m", "60", "-X", method, "-H", f"X-Auth-Token: {_token(cloud)}"]
    if body is not None:
        command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    text = run(*cloud.machine.inside(*command, f"{cloud.url}/cyclades/openstack/compute/v2.1/{path}"))
    found: dict = json.loads(text) if text else {}
    return found


_tokens: dict[str, str] = {}


def _token(cloud: Cloud) -> str:
    if cloud.url not in _tokens:
        _tokens[cloud.url] = cloud.openstack("token", "issue")["id"]
    return _tokens[cloud.url]


def _wish(cloud: Cloud, name: str, network: str) -> dict:
    return {
        "server": {
            "name": name,
            "imageRef": _id_of(cloud, "image", IMAGE),
            "flavorRef": _id_of(cloud, "flavor", FLAVOR),
            "key_name": "me",
            "networks": [{"uuid": _id_of(cloud, "network", network)}],
        }
    }


_ids: dict[tuple[str, str], str] = {}


def _id_of(cloud: Cloud, noun: str, name: str) -> str:
    if (noun, name) not in _ids:
        _ids[noun, name] = cloud.openstack(noun, "show", name)["id"]
    return _ids[noun, name]


def _from_the_world(cloud: Cloud, *command: str, **variables: str) -> str:
    inside = ["nsenter", f"--net=/run/netns/{cloud.machine.world}", "--", *command]
    environment = {**cloud.environment(), **variables}
    done = subprocess.run(inside, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _reboot_host(cloud: Cloud) -> None:
    """Everything of the cloud ends at once, nothing of it stays on the host, the host has another boot id."""
    assert cloud.process is not None
    for pid in (cloud.process.pid, *cloud.qemus()):
        _kill(pid)
    cloud.process.wait(30)
    wait_until("no process of it", lambda: not cloud.pid_of("synnefo.webproject") and not cloud.qemus(), 30)
    tag = cloud.tag
    for pid in run("sh", "-c", f"pgrep -f synnefo-{tag} || true").split():
        _kill(int(pid))
    for line in run("ip", "netns").splitlines():
        if line.startswith(f"syn-{tag}-"):
            run("ip", "netns", "delete", line.split()[0])
    run("sh", "-c", f"ip -n {cloud.machine.name} link delete syn{tag} || true")
    run(
        "sh", "-c", f"nsenter --net=/run/netns/{cloud.machine.name} nft delete table ip synnefo_{tag} || true"
    )
    for path in (cloud.data / "instances").glob("*/boot.json"):
        facts = json.loads(path.read_text())
        path.write_text(json.dumps({**facts, "host": "of the boot before"}))
