"""What Synnefo 0.21 was heard to answer is answered still: recorded calls, replayed in their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.servers.basehttp import WSGIRequestHandler

from tests.conftest import work_off
from tests.golden import recordings, world
from tests.golden.left_out import as_played, reason

pytestmark = pytest.mark.skipif(
    not recordings.here(), reason="by design: the recordings are not beside this clone"
)
ALLOWED = Path(__file__).parent / "allowed.toml"


def flavors() -> list[dict[str, Any]]:
    [call] = [call for call in recordings.calls() if call["seq"] == 1058]
    found: list[dict[str, Any]] = call["response"]["body"]["json"]["flavors"]
    return found


@pytest.fixture(autouse=True)
def no_invented_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's server gives requests without a Content-Type one; servers in real life do not."""
    environ_of = WSGIRequestHandler.get_environ

    def get_environ(handler: WSGIRequestHandler) -> dict[str, Any]:
        environ = environ_of(handler)
        if handler.headers.get("Content-Type") is None:
            environ["CONTENT_TYPE"] = ""
        return environ

    monkeypatch.setattr(WSGIRequestHandler, "get_environ", get_environ)


@pytest.fixture
def bodies(tmp_path: Path) -> Path:
    directory = tmp_path / "bodies"
    directory.mkdir()
    recordings.bodies_into(directory)
    return directory


def test_recorded_calls_are_answered_as_ever(
    standard: None, engine_room: Any, live_server: Any, bodies: Path
) -> None:
    made = world.build(flavors())
    player = recordings.Player(live_server.url, made.maps, ALLOWED, bodies)
    owner_of = {row[1]: row[0] for row in world.PEOPLE}
    token_of = {uuid: token for token, uuid in owner_of.items()}
    chosen = [as_played(call, token_of) for call in recordings.calls() if reason(call, owner_of) is None]

    def meanwhile(call: recordings.Call) -> None:
        work_off()
        world.change_at(made, call["seq"])

    outcomes = list(player.play(chosen, meanwhile))
    others = [str(outcome) for outcome in outcomes if outcome.faults]
    assert others == [], "\n".join(others)
    assert player.unused == []
    assert len(outcomes) > 780
