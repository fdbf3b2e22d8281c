"""What Cyclades 0.21 was heard to answer is answered still, on those machines, taken over from its database.

The clock stands where it stood then; an engine in memory stands where its clusters were.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.base import Node
from synnefo.cyclades.backends.memory import MemoryBackend
from synnefo.cyclades.backends.models import Backend
from synnefo.pithos.blocks import base
from tests.conftest import work_off
from tests.golden import recordings, replayed
from tests.legacy import old

pytestmark = pytest.mark.skipif(
    not (recordings.here() and old.recorded()), reason="by design: the recordings are not beside this clone"
)
ALLOWED = Path(__file__).parent / "machines.toml"
#: Of the recorded calls; of these and those of test_replay together, at most one in twenty may be answered
#: otherwise.
REPLAYED = 337
MOST_DIFFERENT = 16
#: What clusters were called when the calls were recorded; they were renamed in the dump.
NAMES = {1: "127.0.0.1", 2: "localhost"}
#: How many instances each of their nodes had. The nodes were alike.
NODES = {1: (2, 2), 2: (2, 1)}
#: What of a request is left out, because it is refused here, which is documented: a server without a name, an
#: address that is none of the network's, a file whose content is not base64. They count as different.
REFUSED = {2022: ("name",), 2026: ("personality",), 2114: ("fixed_ips",)}


@pytest.fixture(autouse=True)
def as_it_was(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.PITHOS_BACKEND_BLOCK_PATH = str(tmp_path / "new")
    settings.CYCLADES_SERVERS_FQDN = "snf-%(id)s.vm.example.org"
    settings.CYCLADES_VM_MAX_METADATA = 10
    settings.CYCLADES_USERS_PUBLISH_IMAGES = True
    settings.CYCLADES_PORT_FORWARDING = {22: lambda ip, number, *_: ("gate.example.org", 61000 + number)}
    settings.CYCLADES_STATS_URL = "http://stats.example.synnefo.org/stats/v1.0"
    settings.CYCLADES_STATS_SECRET_KEY = "secret_key"
    base.blocks.cache_clear()
    yield
    registry.forget_all()
    base.blocks.cache_clear()


def chosen() -> list[recordings.Call]:
    """All about machines, and what their client asked others meanwhile."""
    calls = replayed.chosen("cyclades", "fixture-read", "after-cyclades")
    calls += replayed.chosen("astakos", "after-pithos", "after-cyclades")
    return [as_played(call) for call in sorted(calls, key=lambda call: int(call["seq"]))]


def as_played(call: recordings.Call) -> recordings.Call:
    """The call without what is refused here: what came of it later would be otherwise, too."""
    asked = call["request"]
    if call["seq"] not in REFUSED:
        return call
    body = json.loads(json.dumps(asked["body"]["json"]))
    for part in body.values():
        for name in REFUSED[call["seq"]]:
            part.pop(name, None)
        if "flavorRef" in part:
            part["name"] = "unnamed"
    return {**call, "request": {**asked, "body": {"json": body}}}


def test_recorded_calls_are_answered_as_ever(
    old_server: old.Server, live_server: Any, tmp_path: Path
) -> None:
    calls = chosen()
    begun = next(call for call in calls if recordings.tool().is_ordered(call))
    url = old_server.recorded()
    databases = (
        "--astakos-db", url, "--cyclades-db", url, "--secret-encryption-key", "legacy-encryption-key",
        "--pithos-db", old_server.recorded_objects(),
        "--pithos-blocks", str(old.unpack_store(tmp_path / "store")),
    )  # fmt: skip
    with replayed.imported(replayed.at(begun), *databases):
        _start_clusters()
        found = replayed.Replayed(live_server.url, calls, ALLOWED, meanwhile=_done_by_then)
    assert found.faults == [], "\n".join(found.faults)
    assert found.unused == []
    assert found.outcomes.total() == REPLAYED
    assert found.outcomes["skipped"] == 0
    assert len(found.different | REFUSED.keys()) <= MOST_DIFFERENT


def test_whatever_may_differ_is_named_by_itself_and_documented() -> None:
    recorded = {recordings.name_of(call) for call in chosen()}
    for rule in replayed.rules_of(ALLOWED):
        assert any(re.fullmatch(rule["request"], name) for name in recorded), rule


def _start_clusters() -> None:
    """The operator has looked, and lets clusters be talked to."""
    for number, name in NAMES.items():
        row = Backend.objects.get(pk=number)
        row.name, row.offline = name, False
        row.nodes = [
            dataclasses.asdict(Node(f"node{place}.{name}", 32, 64_000, 60_000, 1_000_000, 900_000, instances))
            for place, instances in enumerate(NODES[number], 1)
        ]
        row.save()
        registry.put(row, MemoryBackend())


def _done_by_then(before: recordings.Call | None, call: recordings.Call) -> None:
    """Jobs took 0.6 s: what was asked for is done unless the next call came in the same second."""
    if before is None or replayed.at(before) != replayed.at(call):
        work_off()
