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
#: action: (from which status, its arguments, what it is after that)
DEEDS: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "os-start": (("SHUTOFF",), {}, "ACTIVE"),
    "os-stop": (("ACTIVE",), {}, "SHUTOFF"),
    "reboot": (("ACTIVE", "PAUSED"), {"type": "HARD"}, "ACTIVE"),
    "pause": (("ACTIVE",), {}, "PAUSED"),
    "unpause": (("PAUSED",), {}, "ACTIVE"),
    "suspend": (("ACTIVE",), {}, "SUSPENDED"),
    "resume": (("SUSPENDED",), {}, "ACTIVE"),
    "shelve": (("ACTIVE", "SHUTOFF", "PAUSED"), {}, "SHELVED_OFFLOADED"),
    "unshelve": (("SHELVED_OFFLOADED",), {}, "ACTIVE"),
    "rescue": (("ACTIVE", "SHUTOFF"), {}, "RESCUE"),
    "unrescue": (("RESCUE",), {}, "ACTIVE"),
    "confirmResize": (("VERIFY_RESIZE",), {}, ""),
    "revertResize": (("VERIFY_RESIZE",), {}, ""),
    "resize": (("ACTIVE", "SHUTOFF"), {}, "VERIFY_RESIZE"),
    "rebuild": (("ACTIVE", "SHUTOFF"), {}, ""),
}
_ON = {"ACTIVE", "PAUSED", "RESCUE"}
_OFF = {"SHUTOFF", "SUSPENDED", "SHELVED_OFFLOADED"}


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
        states, arguments, after = DEEDS[name]
        if name == "resize":
            before_resize = status if status in states else before_resize
            arguments = {"flavorRef": api.id_of("flavor", FLAVOR if larger else "larger")}
        elif name == "rebuild":
            arguments = {"imageRef": api.id_of("image", IMAGE)}
        if status not in states:
            with pytest.raises(Refused) as refused:
                api.act(uuid, name, **arguments)
            assert refused.value.status == 409, f"{name} of {status}: {refused.value}"
            continue
        api.act(uuid, name, **arguments)
        found = api.idle(uuid)
        expected = after or (before_resize if name in ("confirmResize", "revertResize") else status)
        assert found["status"] == expected, f"{name} of {status}: {found['status']} {found.get('fault')}"
        larger = not larger if name == "confirmResize" else larger
        status = expected
        if status in _ON | _OFF:
            number = 1 if status in _ON else 0
            wait_until(f"{number} machines after {name}", lambda n=number: len(cloud.qemus()) == n, 30)
