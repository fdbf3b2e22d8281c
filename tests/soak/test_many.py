"""Servers that came and went leave nothing: no process, card, namespace, rule, file, address or quota.

``SYNNEFO_SOAK_SERVERS`` is how many there are (200), ``SYNNEFO_SOAK_AT_ONCE`` how many at one time (2).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud import Cloud, run, wait_until
from tests.e2e.test_story import FLAVOR, IMAGE, make_network
from tests.soak.api import Api

SERVERS = int(os.environ.get("SYNNEFO_SOAK_SERVERS", "200"))
AT_ONCE = int(os.environ.get("SYNNEFO_SOAK_AT_ONCE", "2"))
#: Where records of what was done grow, content that is kept for the next server, and the fences of names,
#: which outlive these for a week so that a late call does not bring back what was deleted.
_GROWING = re.compile(r"^(synnefo\.db.*|log/.*|mails/.*|images-cache/.*|pithos/.*|fences/.*)$")


@pytest.fixture(scope="module")
def lan(cloud: Cloud) -> Iterator[str]:
    make_network(cloud, "soak-lan")
    yield "soak-lan"
    cloud.openstack("network", "delete", "soak-lan")


def test_what_came_and_went_leaves_nothing(cloud: Cloud, lan: str) -> None:
    api = Api(cloud)
    come_and_go(api, lan, AT_ONCE)  # what is made once for the first and stays: the network on its engine
    before = inventory(cloud, api)
    for _ in range(0, SERVERS, AT_ONCE):
        come_and_go(api, lan, AT_ONCE)
    after: dict[str, Any] = {}

    def is_as_before() -> bool:
        after.update(inventory(cloud, api))
        return after == before

    with contextlib.suppress(AssertionError):  # what differs after a minute is told below
        wait_until("all is as before", is_as_before, 60, every_s=2)
    assert after == before
    assert cloud.qemus() == []


def come_and_go(api: Api, lan: str, number: int) -> None:
    """Make servers, each with a second disk, rules and a public address; see them run, and end them."""
    wish = {
        "name": "soak", "flavorRef": api.id_of("flavor", FLAVOR),
        "networks": [{"uuid": api.id_of("network", lan)}],
        "block_device_mapping_v2": [
            {"boot_index": 0, "uuid": api.id_of("image", IMAGE), "source_type": "image",
             "destination_type": "local", "delete_on_termination": True},
            {"boot_index": 1, "source_type": "blank", "destination_type": "volume", "volume_size": 1,
             "delete_on_termination": True},
        ],
    }  # fmt: skip
    made, groups, floating = [], [], []
    for _ in range(number):
        groups.append(guarding(api))
        order = {"server": {**wish, "security_groups": [{"name": groups[-1]}]}}
        made.append(api("POST", "compute", "servers", order)["server"]["id"])
    for uuid in made:
        assert api.idle(uuid)["status"] == "ACTIVE"
        floating.append(reached(api, uuid))
    for uuid in made:
        api("DELETE", "compute", f"servers/{uuid}")
    for uuid in made:
        api.gone(uuid)
    for uuid in floating:
        api("DELETE", "network", f"floatingips/{uuid}")
    for uuid in groups:
        api("DELETE", "network", f"security-groups/{uuid}")


def guarding(api: Api) -> str:
    """A new security group with a rule of its own."""
    wish = {"security_group": {"name": "soak"}}
    made: str = api("POST", "network", "security-groups", wish)["security_group"]["id"]
    rule = {
        "security_group_id": made, "direction": "ingress", "protocol": "tcp",
        "remote_ip_prefix": "192.0.2.0/24", "port_range_min": 22, "port_range_max": 22,
    }  # fmt: skip
    api("POST", "network", "security-group-rules", {"security_group_rule": rule})
    return made


def reached(api: Api, server: str) -> str:
    """A new floating IP that leads to a server."""
    port = api("GET", "network", f"ports?device_id={server}")["ports"][0]["id"]
    wish = {"floating_network_id": api.id_of("network", "public"), "port_id": port}
    made: str = api("POST", "network", "floatingips", {"floatingip": wish})["floatingip"]["id"]
    return made


def inventory(cloud: Cloud, api: Api) -> dict[str, Any]:
    """All that servers have of a host and of a cloud."""
    return {
        "qemus": len(cloud.qemus()),
        "processes": len([pid for pid in _processes(cloud) if pid not in cloud.qemus()]),
        "namespaces": sorted(name for name in run("ip", "netns", "list").split() if cloud.tag in name),
        "links": _links(cloud),
        "rules": _rules(cloud),
        "files": _files(cloud.data),
        "quota": _usage(api),
        "ports": len(api("GET", "network", "ports")["ports"]),
        "addresses": {
            row["network_name"]: row["used_ips"]
            for row in api("GET", "network", "network-ip-availabilities")["network_ip_availabilities"]
        },
        "volumes": len(api("GET", "volume", "volumes")["volumes"]),
    }


def _processes(cloud: Cloud) -> list[int]:
    """What runs for this cloud beside its own services."""
    found = run("sh", "-c", f"pgrep -f {cloud.data} || true").split()
    return [int(pid) for pid in found]


def _spaces(cloud: Cloud) -> list[str]:
    return sorted({word for word in run("ip", "netns", "list").split() if cloud.tag in word})


def _links(cloud: Cloud) -> list[str]:
    """Cards in all namespaces of the cloud, by name."""
    rows = []
    for space in [cloud.machine.name, *_spaces(cloud)]:
        shown = run("ip", "-n", space, "-o", "link", "show")
        rows += [f"{space} {line.split(':')[1].strip().partition('@')[0]}" for line in shown.splitlines()]
    return sorted(rows)


def _rules(cloud: Cloud) -> dict[str, int]:
    """Lines of packet filters, by namespace."""
    return {
        space: len(run("ip", "netns", "exec", space, "nft", "list", "ruleset").splitlines())
        for space in [cloud.machine.name, *_spaces(cloud)]
    }


def _files(data: Path) -> list[str]:
    found = [str(path.relative_to(data)) for path in data.rglob("*") if path.is_file() or path.is_socket()]
    return sorted(name for name in found if not _GROWING.search(name))


def _usage(api: Api) -> dict[str, int]:
    limits = api("GET", "compute", "limits")["limits"]["absolute"]
    return {name: value for name, value in limits.items() if name.endswith("Used")}
