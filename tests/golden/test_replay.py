"""What Synnefo 0.21 was heard to answer is answered still: recorded calls, replayed in their order."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import work_off
from tests.golden import recordings, world
from tests.golden.left_out import BY_NAME, is_under_way, reason

pytestmark = pytest.mark.skipif(
    not recordings.here(), reason="by design: the recordings are not beside this clone"
)
#: Of the recorded calls.
REPLAYED = 326
ALLOWED = Path(__file__).parent / "allowed.toml"


def flavors() -> list[dict[str, Any]]:
    [call] = [call for call in recordings.calls() if call["seq"] == 1058]
    found: list[dict[str, Any]] = call["response"]["body"]["json"]["flavors"]
    return found


@pytest.fixture
def bodies(tmp_path: Path) -> Path:
    directory = tmp_path / "bodies"
    directory.mkdir()
    recordings.bodies_into(directory)
    return directory


def test_recorded_calls_are_answered_as_ever(
    standard: None, engine_room: Any, live_server: Any, bodies: Path, settings: Any
) -> None:
    settings.CYCLADES_SERVERS_FQDN = "snf-%(id)s.vm.example.org"
    settings.CYCLADES_VM_MAX_METADATA = 10
    settings.CYCLADES_USERS_PUBLISH_IMAGES = True
    made = world.build(flavors())
    player = recordings.Player(live_server.url, made.maps, ALLOWED, bodies)
    chosen = [call for call in recordings.calls() if reason(call) is None]

    def meanwhile(call: recordings.Call) -> None:
        if not is_under_way(call):
            work_off()
        world.change_before(made, call["seq"])

    outcomes = list(player.play(chosen, meanwhile))
    others = [str(outcome) for outcome in outcomes if outcome.faults]
    assert others == [], "\n".join(others)
    assert player.unused == [], "\n".join(player.unused)
    assert len(outcomes) == REPLAYED


def test_whatever_is_left_out_is_left_out_for_a_reason_that_is_needed() -> None:
    whys = Counter(map(reason, recordings.calls()))
    assert whys.pop(None) == REPLAYED
    assert set(whys) == {why for _, why in BY_NAME}
