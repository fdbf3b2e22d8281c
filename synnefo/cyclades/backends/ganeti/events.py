"""What happens on a cluster by itself, found by looking at it again and again.

Owns the comparison of two looks. RAPI sends no events, so a change is told when the next look sees it:
soon after a job has ended (the queue is looked at every ``job_poll_s``), otherwise within
``state_poll_s``. What happens and is undone between two looks is not told.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable

from synnefo.cyclades.backends.base import BackendUnavailable, Event, EventKind, InstanceState, Power
from synnefo.cyclades.backends.ganeti import states
from synnefo.cyclades.backends.ganeti.config import GanetiConfig
from synnefo.cyclades.backends.ganeti.jobs import JobIndex
from synnefo.cyclades.backends.ganeti.rapi import Rapi

#: How often ``stop`` is asked while there is nothing to do.
_STOP_POLL_S = 0.1


def follow(
    rapi: Rapi, config: GanetiConfig, on_event: Callable[[Event], None], stop: Callable[[], bool]
) -> None:
    """The contract's ``follow``. While Ganeti does not answer it waits."""
    watcher = Watcher(rapi, config)
    while not stop():
        try:
            events = watcher.look()
        except BackendUnavailable:
            events = []
        for event in events:
            on_event(event)
        wake_up = time.monotonic() + config.job_poll_s
        while time.monotonic() < wake_up and not stop():
            time.sleep(_STOP_POLL_S)


class Watcher:
    """The last picture of the cluster's instances, and what differs in the next one."""

    def __init__(self, rapi: Rapi, config: GanetiConfig) -> None:
        self._rapi, self._prefix, self._state_poll_s = rapi, config.prefix, config.state_poll_s
        self._jobs = JobIndex(rapi)
        self._picture: dict[str, InstanceState] | None = None
        self._looked_at = 0.0
        self._unsettled: set[str] = set()

    def look(self) -> list[Event]:
        """What is different since the last look; nothing the first time.

        Instances that a job is at work on are left as they were: their states in between mean nothing.
        """
        working = self._jobs.refresh() | self._jobs.pending_names()
        due = time.monotonic() >= self._looked_at + self._state_poll_s
        if not (due or working or self._unsettled):
            return []
        now = {instance.name: instance for instance in states.all_with(self._rapi, self._prefix)}
        self._looked_at = time.monotonic()
        self._unsettled = self._jobs.refresh() | self._jobs.pending_names()
        before = now if self._picture is None else self._picture
        settled = (before.keys() | now.keys()) - self._unsettled
        kept = {name: before[name] for name in before.keys() - settled}
        self._picture = kept | {name: now[name] for name in now.keys() & settled}
        events = (_difference(name, before.get(name), now.get(name)) for name in sorted(settled))
        return [event for event in events if event is not None]


def _difference(name: str, before: InstanceState | None, after: InstanceState | None) -> Event | None:
    """The event, if any, that leads from one state of an instance to the other."""
    was = before.power if before else Power.ABSENT
    at = datetime.datetime.now(datetime.UTC)
    if after is None:
        return Event(name, EventKind.REMOVED, at)
    if after.power is Power.ON and was is not Power.ON:
        return Event(name, EventKind.POWERED_ON, at)
    if after.power is Power.OFF and was is Power.ON:
        kind = EventKind.CRASHED if after.reason == states.CRASHED else EventKind.POWERED_OFF
        return Event(name, kind, at, after.reason)
    return None
