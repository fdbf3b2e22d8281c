"""What Pithos 0.21 was heard to answer is answered still, on those objects, taken over from its database.

The clock stands where it stood then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synnefo.pithos.blocks import base
from synnefo.pithos.upkeep import checksums
from tests.golden import recordings, replayed, world
from tests.legacy import old

pytestmark = pytest.mark.skipif(
    not (recordings.here() and old.recorded()), reason="by design: the recordings are not beside this clone"
)
#: The old system left holes out of MD5; what it said, and what is right.
MAPS = [f"{old}={new}" for old, new in world.CHECKSUMS.items()]
ALLOWED = Path(__file__).parent / "objects.toml"
GROUPS = ("fixture-read", "after-pithos")
#: Of the recorded calls; at most one in twenty of them may be answered otherwise.
REPLAYED = 390
MOST_DIFFERENT = 19


@pytest.fixture(autouse=True)
def kept(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.PITHOS_BACKEND_BLOCK_PATH = str(tmp_path / "new")
    base.blocks.cache_clear()
    yield
    base.blocks.cache_clear()


@pytest.fixture
def bodies(tmp_path: Path) -> Path:
    directory = tmp_path / "bodies"
    directory.mkdir()
    recordings.bodies_into(directory)
    return directory


def test_recorded_calls_are_answered_as_ever(
    old_server: old.Server, live_server: Any, bodies: Path, tmp_path: Path
) -> None:
    calls = replayed.chosen("pithos", *GROUPS)
    begun = next(call for call in calls if recordings.tool().is_ordered(call))
    databases = (
        "--astakos-db", old_server.recorded(), "--pithos-db", old_server.recorded_objects(),
        "--pithos-blocks", str(old.unpack_store(tmp_path / "store")),
    )  # fmt: skip
    with replayed.imported(replayed.at(begun), *databases):
        checksums.take_missing()
        found = replayed.Replayed(live_server.url, calls, ALLOWED, str(bodies), MAPS)
    assert found.faults == [], "\n".join(found.faults)
    assert found.outcomes.total() == REPLAYED
    assert found.outcomes["skipped"] == 0
    assert found.outcomes["allowed"] <= MOST_DIFFERENT


def test_whatever_may_differ_is_named_by_itself_and_documented() -> None:
    recorded = {recordings.name_of(call) for call in replayed.chosen("pithos", *GROUPS)}
    for rule in replayed.rules_of(ALLOWED):
        assert any(re.fullmatch(rule["request"], name) for name in recorded), rule
