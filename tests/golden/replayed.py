"""Recorded calls sent to a cloud that was taken over from the recorded databases, in order and at their time.

All is sent and compared by the tool itself.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import io
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import time_machine
from django.core.management import call_command

from tests.golden import recordings

#: What happens here between two calls: the one before and the next.
Meanwhile = Callable[[recordings.Call | None, recordings.Call], None]


def chosen(service: str, *groups: str) -> list[recordings.Call]:
    return [
        call for call in recordings.calls()
        if call["group"] in groups and call["request"]["path"].startswith(f"/{service}/")
    ]  # fmt: skip


def at(call: recordings.Call) -> datetime.datetime:
    dates = [value for name, value in call["response"]["headers"] if name == "Date"]
    return datetime.datetime.fromtimestamp(recordings.tool().epoch(dates[0]), tz=datetime.UTC)


@contextlib.contextmanager
def imported(moment: datetime.datetime, *options: str) -> Iterator[None]:
    """The old databases that the options of ``legacy-import`` name are here, and it is then."""
    with time_machine.travel(moment):
        call_command("legacy-import", *options, stdout=io.StringIO(), stderr=io.StringIO())
        yield


class Replayed:
    """Calls sent in their order and compared."""

    def __init__(
        self,
        url: str,
        calls: list[recordings.Call],
        allowed: Path,
        bodies: str = "",
        maps: Sequence[str] = (),
        meanwhile: Meanwhile | None = None,
    ) -> None:
        options = {
            "base": url, "allow": str(allowed), "bodies": bodies, "map": maps,
            "timeout": 60, "pace": 0, "retry": 0,
        }  # fmt: skip
        replay = recordings.tool().Replay(argparse.Namespace(**options))
        building = any(call["group"].startswith("build-") for call in calls)
        for call in recordings.calls():  # ids of the recorded databases must stay as they are
            if call["group"] == "fixture-read" and not building:
                about = recordings.tool().collection(call)
                replay.ids.walk((call["response"]["body"] or {}).get("json"), about, "", True)
        self.outcomes: Counter[str] = Counter()
        self.faults: list[str] = []
        #: Calls that were answered otherwise, deliberately or not.
        self.different: set[int] = set()
        self._translated: Callable[[str], str] = lambda text: replay.ids.translate(text)
        if meanwhile is not None:
            replay.send = _with(meanwhile, replay.send)
        replay.run(calls, self._note)
        self.unused = [rule["reason"] for rule, _, used in replay.allowed.rules if not used]

    def _note(self, call: recordings.Call, outcome: str, found: list[tuple[Any, ...]], answer: Any) -> None:
        self.outcomes[outcome] += 1
        if not recordings.is_same_xml(call, answer, self._translated):
            self.faults.append(f"{call['seq']} {recordings.name_of(call)}: other XML")
        for place, expected, got, reason in found:
            self.different.add(call["seq"])
            if reason is None:
                self.faults.append(
                    f"{call['seq']} {recordings.name_of(call)} {place}: {expected!r}, not {got!r}"
                )


def _with(meanwhile: Meanwhile, send: Callable[..., Any]) -> Callable[..., Any]:
    before: list[recordings.Call | None] = [None]

    def sent(call: recordings.Call, body: bytes) -> Any:
        meanwhile(before[0], call)
        before[0] = call
        return send(call, body)

    return sent


def rules_of(allowed: Path) -> list[dict[str, Any]]:
    """Deliberate differences, each of which names one call, one place, and a reason that is documented."""
    documented = (allowed.parents[2] / "docs/compatibility.md").read_text(encoding="utf-8")
    rules: list[dict[str, Any]] = tomllib.loads(allowed.read_text(encoding="utf-8")).get("difference", [])
    for rule in rules:
        assert not set("*+?[(|") & set(re.sub(r"\\.", "", rule["request"])), rule
        assert "*" not in rule.get("json", "") + rule.get("header", ""), rule
        assert rule["reason"] in documented.replace("\n", " "), rule
    return rules
