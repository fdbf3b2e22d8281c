"""Nova's diagnostics: what an engine measured last."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from synnefo.cyclades.backends.base import BackendUnavailable, Sample
from tests.cyclades_api.conftest import Api


def test_a_running_server_tells_what_it_used(
    alice: Api, server: str, engine_room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, now = f"compute/v2.1/servers/{server}/diagnostics", timezone.now()
    assert alice.json("GET", path) == {"memory": 256 * 1024}
    kept = [Sample(now - datetime.timedelta(minutes=age), 9.5 - age, 100, 1, 2, 3, 4) for age in (2, 1)]
    monkeypatch.setattr(engine_room, "samples", lambda name, since: kept)
    assert alice.json("GET", path) == {
        "cpu0_time": 8_500_000_000, "memory": 256 * 1024, "memory-rss": 100 * 1024,
        "vnet0_rx": 1, "vnet0_tx": 2, "vda_read": 3, "vda_write": 4,
    }  # fmt: skip


def test_a_stopped_server_uses_nothing(alice: Api, server: str, settle: Callable[[], None]) -> None:
    alice.json("POST", f"compute/v2.1/servers/{server}/action", {"os-stop": None})
    settle()
    said = alice.json("GET", f"compute/v2.1/servers/{server}/diagnostics", status=409)
    assert "vm_state stopped" in next(iter(said.values()))["message"]


def test_an_engine_that_is_away_is_said(
    alice: Api, server: str, engine_room: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(name: str, since: datetime.datetime) -> list[Sample]:
        raise BackendUnavailable("no answer")

    monkeypatch.setattr(engine_room, "samples", away)
    alice.json("GET", f"compute/v2.1/servers/{server}/diagnostics", status=503)
