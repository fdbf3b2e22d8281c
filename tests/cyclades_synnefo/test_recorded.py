"""What Synnefo 0.21 was heard to answer, as far as it needs none of the data of then: refusals and versions.

The recordings and the tool that replays them stand beside the project; without them this is left out.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synnefo.cyclades.flavors.models import Flavor
from tests.conftest import People, Person

SHARED = Path(__file__).resolve().parents[3] / "shared"
TOOL, RECORDED = SHARED / "tools/golden_replay.py", SHARED / "golden/cyclades.jsonl"
#: The nouns that this facade serves.
SERVED = re.compile(
    r"/cyclades/(compute/?$|network/?$|image/?$|compute/v2\.0/($|servers|flavors|images|os-|extensions)"
    r"|network/v2\.0/.|image/v1\.0/images)"
)
#: What is not offered (tags, volumes), and what is about things of then.
LEFT_OUT = re.compile(
    r"/tags|/stats|/password|/members|/os-volume_attachments|/floatingips/detail"
    r"|images/4d009397|servers/1$|servers/\d+/metadata"
)
#: Bodies that are refused for what was there then.
DATA = re.compile(r"f1ce47b8")
ALLOWED = r"""
[[difference]]
request = ".* /cyclades/.*"
header = "last-modified"
reason = "what is made for the moment was not modified at any"

[[difference]]
request = "GET /cyclades/compute/v2\\.0/"
json = "$.version.*"
reason = "documents that are gone, and XML, which is served for faults only"

[[difference]]
request = "GET /cyclades/.*(images/bad|os-keypairs/none)"
json = "$.*.message"
reason = "says what is wrong"

[[difference]]
request = "POST /cyclades/compute/v2\\.0/servers"
json = "$.badRequest.message"
reason = "says what is wrong"

[[difference]]
request = "GET /cyclades/compute/v2\\.0/servers"
json = "$.fault"
reason = "a bad token is unauthorized, not the fault of another service in its words"

[[difference]]
request = "GET /cyclades/compute/v2\\.0/servers"
json = "$.unauthorized"
reason = "a bad token is unauthorized, not the fault of another service in its words"
"""


def chosen() -> Iterator[dict[str, Any]]:
    """Calls that are refused whatever there is, and those for versions."""
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        call = json.loads(line)
        method, path = call["request"]["method"], call["request"]["path"]
        if not SERVED.search(path) or LEFT_OUT.search(path):
            continue
        refused = call["response"]["status"] >= 400
        if call["group"] == "fixture-read":
            about_versions = path.endswith("/extensions") or not re.search(r"/v\d.*/.", path)
            if refused or about_versions:
                yield call
        elif refused and method == "POST" and path.endswith(("/servers", "/networks")):
            text = json.dumps(call["request"]["body"])
            if not DATA.search(text):
                yield call


@pytest.mark.skipif(not TOOL.exists(), reason="by design: the recordings are not beside this clone")
def test_refusals_and_versions_are_as_ever(
    cloud: People, new_person: Callable[..., Person], live_server: Any, tmp_path: Path
) -> None:
    Flavor.objects.get_or_create(pk=1, defaults={"cpu": 8, "ram": 8, "disk": 8})  # as the recordings name it
    calls = list(chosen())
    assert len(calls) > 24
    recording, allowed = tmp_path / "calls.jsonl", tmp_path / "allowed.toml"
    recording.write_text("".join(json.dumps(call) + "\n" for call in calls), encoding="utf-8")
    allowed.write_text(ALLOWED, encoding="utf-8")
    tokens = {
        value: None for call in calls for name, value in call["request"]["headers"]
        if name.lower() == "x-auth-token" and value != "bad"
    }  # fmt: skip
    people = (cloud.alice, cloud.bob, cloud.admin, new_person("carol"))
    maps = [f"--map={old}={person.token}" for old, person in zip(tokens, people, strict=True)]
    command = [
        sys.executable,
        str(TOOL),
        "--base",
        live_server.url,
        "--allow",
        str(allowed),
        "--retry=0",
        "--pace=0",
        *maps,
    ]
    done = subprocess.run(
        [*command, "--json", str(recording)], capture_output=True, text=True, timeout=120, check=False
    )
    report = json.loads(done.stdout)
    others = [found for found in report["differences"] if not found.get("allowed")]
    assert (done.returncode, others) == (0, []), json.dumps(others, indent=1)
    assert report["unused"] == []
