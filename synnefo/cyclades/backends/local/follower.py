"""Telling what happens to instances, whoever did it.

Owns the comparison of one look with the next. Each look reads what QEMU wrote and whether it lives,
so nothing depends on a connection: instances made by other processes, or by an operator, are seen too.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from synnefo.cyclades.backends.base import BackendError, Event, EventKind, Power
from synnefo.cyclades.backends.local import journal, layout
from synnefo.cyclades.backends.local.journal import View
from synnefo.cyclades.backends.local.layout import Home

#: Time between two looks: what happens is told within a second.
PERIOD_S = 0.4


@dataclass(frozen=True)
class _Seen:
    view: View
    offset: int  # how far the journal of this run was told


_UNKNOWN = _Seen(View("", Power.OFF), 0)


class Follower:
    """One stream of events over the instances under ``root``."""

    def __init__(self, root: Path, tell: Callable[[Event], None]) -> None:
        self._root = root
        self._tell = tell
        self._seen: dict[str, _Seen] | None = None

    def look(self) -> None:
        """Tell what changed since the last look; the first look tells nothing."""
        before = self._seen
        now: dict[str, _Seen] = {}
        for home in layout.homes(self._root):
            last = before.get(home.name) if before else None
            try:
                now[home.name] = self._compare(home, last, silent=before is None)
            except BackendError:  # a damaged record is for its caller to find
                now[home.name] = last or _UNKNOWN
            for log in (home.console, home.journal, home.complaints):
                layout.forget_middle(log, layout.LOG_KEEP_BYTES)
        for name in (before or {}).keys() - now.keys():
            self._say(name, EventKind.REMOVED)
        self._seen = now

    def _compare(self, home: Home, last: _Seen | None, *, silent: bool) -> _Seen:
        view = journal.look(home)
        if not view.settled or not view.boot:
            return last or _UNKNOWN
        if last is None or last.view.boot != view.boot:
            last, new_run = _Seen(View(view.boot, Power.ON), 0), True
        else:
            new_run = False
        news = journal.entries(home, last.offset)
        seen = _Seen(view, news[-1].offset if news else last.offset)
        if silent:
            return seen
        if new_run:
            self._say(home.name, EventKind.RESET if view.because == "reboot" else EventKind.POWERED_ON)
        for entry in news:
            if entry.event == "RESET":
                self._say(home.name, EventKind.RESET, _by(entry), entry.at)
        if view.power is Power.OFF and last.view.power is not Power.OFF and not view.rebooting:
            self._say(home.name, view.ending, view.reason, view.at)
        return seen

    def _say(
        self, name: str, kind: EventKind, message: str = "", at: datetime.datetime | None = None
    ) -> None:
        self._tell(Event(name, kind, at or datetime.datetime.now(datetime.UTC), message))


def _by(entry: journal.Entry) -> str:
    return "by the guest" if entry.data.get("guest") else "by the host"
