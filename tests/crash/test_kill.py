"""SIGKILL and SIGSTOP of real dispatchers around the steps of real operations on real QEMU.

All of them run with ``SYNNEFO_CRASH=all`` (``make crash``); otherwise a sample that changes every day.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
from collections.abc import Callable

import pytest

from synnefo.cyclades.operations import networks, servers
from tests.cloud import wait_until
from tests.crash.victim import LEASE_S, Victim

SAMPLE = 5


def _create(victim: Victim, server: str) -> str:
    return victim.create()


def _stop(victim: Victim, server: str) -> str:
    victim.act(server, {"os-stop": None})
    return server


def _start(victim: Victim, server: str) -> str:
    victim.act(server, {"os-start": None})
    return server


def _reboot(victim: Victim, server: str) -> str:
    victim.act(server, {"reboot": {"type": "HARD"}})
    return server


def _delete(victim: Victim, server: str) -> str:
    victim.delete(server)
    return server


#: kind -> (state before, action, state after); "" is no server.
STORIES: dict[type, tuple[str, Callable[[Victim, str], str], str]] = {
    servers.CreateServer: ("", _create, "ACTIVE"),
    servers.StopServer: ("ACTIVE", _stop, "SHUTOFF"),
    servers.StartServer: ("SHUTOFF", _start, "ACTIVE"),
    servers.RebootServer: ("ACTIVE", _reboot, "ACTIVE"),
    servers.DeleteServer: ("ACTIVE", _delete, ""),
    networks.ApplyNetwork: ("ACTIVE", _delete, ""),
}
POINTS = [(procedure, step.name) for procedure in STORIES for step in procedure.steps]  # type: ignore[attr-defined]


def todays(points: list[tuple[type, str]]) -> list[tuple[type, str]]:
    if os.environ.get("SYNNEFO_CRASH") == "all":
        return points
    day = datetime.date.today().toordinal()
    return [points[(day * SAMPLE + place) % len(points)] for place in range(SAMPLE)]


@pytest.fixture
def nobody(victim: Victim) -> Victim:
    """The victim with no server and nothing under way."""
    victim.wait_until_idle()
    for (uuid,) in victim.rows("select uuid from cyclades_server where not deleted"):
        victim.delete(uuid)
    victim.wait_until_idle()
    return victim


def prepared(victim: Victim, state: str) -> str:
    if not state:
        return ""
    server = victim.create()
    victim.wait_for_status(server, "ACTIVE")
    if state == "SHUTOFF":
        victim.act(server, {"os-stop": None})
        victim.wait_for_status(server, "SHUTOFF")
    return server


@pytest.mark.parametrize(
    ("procedure", "step"), todays(POINTS), ids=lambda value: getattr(value, "kind", value)
)
def test_sigkill_of_the_dispatcher_at_a_step_loses_nothing(
    nobody: Victim, procedure: type, step: str
) -> None:
    victim = nobody
    before, act, after = STORIES[procedure]
    server = prepared(victim, before)
    victim.wait_until_idle()
    first = victim.dispatcher()
    with victim.kill_at(procedure.kind, step, timeout_s=10) as killer:  # type: ignore[attr-defined]
        server = act(victim, server)
    if killer.killed:
        wait_until("another dispatcher", lambda: victim.dispatcher() not in (0, first), 40)
    victim.wait_until_idle()
    if after:
        victim.wait_for_status(server, after)
    assert len(victim.cloud.qemus()) == (1 if after == "ACTIVE" else 0)
    victim.check_books()


@pytest.mark.parametrize("moment", ["make", "wait"])
def test_a_dispatcher_stopped_past_its_lease_and_continued_does_no_harm(nobody: Victim, moment: str) -> None:
    """Another one takes over, at once or (where the sleeper holds a lock of a file) when it is continued."""
    victim = nobody
    sleeper = victim.dispatcher()
    server = victim.create()
    here = f"select 1 from engine_operation where kind = 'server.create' and step = '{moment}'"
    wait_until("work", lambda: victim.rows(here), 10, every_s=0.005)
    victim.stop_outside_a_transaction(sleeper)
    try:
        with victim.second_dispatcher():
            with contextlib.suppress(AssertionError):
                victim.wait_until_idle(LEASE_S + 20)
            before = victim.cloud.qemus()
            os.kill(sleeper, signal.SIGCONT)
            victim.wait_until_idle()
            victim.wait_for_status(server, "ACTIVE")
            assert len(victim.cloud.qemus()) == 1
            assert set(before) <= set(victim.cloud.qemus())
            victim.check_books()
            victim.delete(server)
            victim.wait_until_idle()
            assert victim.cloud.qemus() == []
            victim.check_books()
    finally:
        os.kill(sleeper, signal.SIGCONT)
