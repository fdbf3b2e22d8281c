"""A real machine lives any life: random actions of OpenStack's API, and what its engine has after each.

``SYNNEFO_SOAK_STEPS`` is how many actions there are (60), ``SYNNEFO_SOAK_SEED`` which ones.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud import Cloud, wait_until
from tests.e2e.test_story import FLAVOR, IMAGE
from tests.soak.api import Api, Refused

STEPS = int(os.environ.get("SYNNEFO_SOAK_STEPS", "60"))
SEED = int(os.environ.get("SYNNEFO_SOAK_SEED", "1"))
#: What a server is that is off while another system has its disks; clients see SHUTOFF.
RESCUE_OFF = "RESCUE, off"
#: action: (what it is after it, by what it was before; its arguments). BEFORE: what it was before the resize.
BEFORE = "before"
DEEDS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "os-start": ({"SHUTOFF": "ACTIVE", RESCUE_OFF: "RESCUE"}, {}),
    "os-stop": ({"ACTIVE": "SHUTOFF", "RESCUE": RESCUE_OFF}, {}),
    "reboot": (
        {**dict.fromkeys(("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"), "ACTIVE"), "RESCUE": "RESCUE",
         RESCUE_OFF: "RESCUE"},
        {"type": "HARD"},
    ),
    "pause": ({"ACTIVE": "PAUSED"}, {}),
    "unpause": ({"PAUSED": "ACTIVE"}, {}),
    "suspend": ({"ACTIVE": "SUSPENDED"}, {}),
    "resume": ({"SUSPENDED": "ACTIVE"}, {}),
    "shelve": (dict.fromkeys(("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"), "SHELVED_OFFLOADED"), {}),
    "unshelve": ({"SHELVED_OFFLOADED": "ACTIVE"}, {}),
    "rescue": ({"ACTIVE": "RESCUE", "SHUTOFF": "RESCUE"}, {}),
    "unrescue": ({"RESCUE": "ACTIVE", RESCUE_OFF: "ACTIVE"}, {}),
    "confirmResize": ({"VERIFY_RESIZE": BEFORE}, {}),
    "revertResize": ({"VERIFY_RESIZE": BEFORE}, {}),
    "resize": ({"ACTIVE": "VERIFY_RESIZE", "SHUTOFF": "VERIFY_RESIZE"}, {}),
    "rebuild": ({"ACTIVE": "ACTIVE", "SHUTOFF": "SHUTOFF"}, {}),
}  # fmt: skip
_ON = {"ACTIVE", "PAUSED", "RESCUE"}
_OFF = {"SHUTOFF", "SUSPENDED", "SHELVED_OFFLOADED", RESCUE_OFF}


@pytest.fixture
def server(cloud: Cloud) -> Iterator[tuple[Api, str]]:
    api = Api(cloud)
    cloud.openstack("flavor", "create", "--vcpus", "1", "--ram", "160", "--disk", "1", "larger")
    wish = {
        "name": "life", "flavorRef": api.id_of("flavor", FLAVOR), "imageRef": api.id_of("image", IMAGE),
        "networks": [],
    }  # fmt: skip
    uuid = api("POST", "compute", "servers", {"server": wish})["server"]["id"]
    assert api.idle(uuid)["status"] == "ACTIVE"
    yield api, uuid
    api("DELETE", "compute", f"servers/{uuid}")
    api.gone(uuid)
    cloud.openstack("flavor", "delete", "larger")


def test_a_machine_lives_any_life(cloud: Cloud, server: tuple[Api, str]) -> None:
    api, uuid = server
    chance, status, before_resize, larger = random.Random(SEED), "ACTIVE", "ACTIVE", False
    for _ in range(STEPS):
        name = chance.choice(sorted(DEEDS))
        becomes, arguments = DEEDS[name]
        if name == "resize":
            before_resize = status if status in becomes else before_resize
            arguments = {"flavorRef": api.id_of("flavor", FLAVOR if larger else "larger")}
        elif name == "rebuild":
            arguments = {"imageRef": api.id_of("image", IMAGE)}
        if status not in becomes:
            assert refusal(api, uuid, name, arguments) == 409, f"{name} of {status}"
            continue
        api.act(uuid, name, **arguments)
        found = api.idle(uuid)
        expected = before_resize if becomes[status] == BEFORE else becomes[status]
        shown = "SHUTOFF" if expected == RESCUE_OFF else expected
        assert found["status"] == shown, f"{name} of {status}: {found['status']} {found.get('fault')}"
        larger = not larger if name == "confirmResize" else larger
        status = expected
        if status in _ON | _OFF:
            number = 1 if status in _ON else 0
            wait_until(f"{number} machines after {name}", lambda n=number: len(cloud.qemus()) == n, 30)


def refusal(api: Api, uuid: str, name: str, arguments: dict[str, Any]) -> int:
    """The status with which an action is refused; 0 if it is not."""
    try:
        api.act(uuid, name, **arguments)
    except Refused as refused:
        return refused.status
    return 0
