"""Graphs as SVG: numbers to places on a drawing of a fixed size. Knows no server and no database.

A gap longer than what lies between neighbours as a rule is shown as a gap. What a line is made of stands in
words and in a table beside it.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import statistics
from collections.abc import Sequence

#: The drawing, and the room of the lines in it: left, right, top, bottom.
WIDTH, HEIGHT = 440, 176
LEFT, RIGHT, TOP, BOTTOM = 60, 428, 12, 144
_GAP = 3.5

Point = tuple[datetime.datetime, float]


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of a graph: ``paths`` are what SVG draws, one for each part without a gap."""

    name: str
    css: str
    paths: list[str]
    last: str
    most: str


@dataclasses.dataclass(frozen=True)
class Tick:
    """A place on an axis and what stands at it."""

    place: float
    words: str
    anchor: str = "middle"


@dataclasses.dataclass(frozen=True)
class Chart:
    key: str
    title: str
    lines: list[Line]
    heights: list[Tick]
    times: list[Tick]

    @property
    def description(self) -> str:
        """What the graph shows, in one sentence a line."""
        return " ".join(f"{line.name}: {line.last} now, {line.most} at most." for line in self.lines)


@dataclasses.dataclass(frozen=True)
class Span:
    """The time that a graph covers; ``form`` is how its moments are written."""

    start: datetime.datetime
    end: datetime.datetime
    form: str


def chart(
    key: str, title: str, span: Span, series: Sequence[tuple[str, Sequence[Point]]], *, unit: str,
    top: float | None = None,
) -> Chart:  # fmt: skip
    """A graph of one or two lines. ``unit`` is "%", "bytes" or "bytes/s"; ``top`` where its scale ends."""
    highest = max((value for _, points in series for _, value in points), default=0.0)
    scale = top if top is not None else _round(highest, unit)
    lines = [
        Line(
            name, f"series-{number}", _paths(points, span, scale),
            amount(points[-1][1] if points else 0.0, unit),
            amount(max((value for _, value in points), default=0.0), unit),
        )
        for number, (name, points) in enumerate(series, 1)
    ]  # fmt: skip
    heights = [Tick(_y(scale * part, scale), amount(scale * part, unit), "end") for part in (0.0, 0.5, 1.0)]
    return Chart(key, title, lines, heights, _times(span))


def amount(value: float, unit: str) -> str:
    """A number in people's units: ``12 %``, ``1.5 MB``, ``340 KB/s``."""
    if unit == "%":
        return f"{value:.0f} %"
    end = unit.removeprefix("bytes")
    for size, word in ((2**30, "GB"), (2**20, "MB"), (2**10, "KB")):
        if value >= size:
            shown = value / size
            return (
                f"{shown:.0f} {word}{end}"
                if shown >= 10
                else f"{shown:.1f}".removesuffix(".0") + f" {word}{end}"
            )
    return f"{value:.0f} B{end}"


def _round(highest: float, unit: str) -> float:
    """Where a scale ends: the next round number above."""
    if unit == "%":
        return 100.0
    scale = 1024.0
    while scale < highest:
        scale *= 2
    return scale


def _paths(points: Sequence[Point], span: Span, scale: float) -> list[str]:
    found: list[list[str]] = []
    longest_s = _GAP * _usual_s(points)
    before: datetime.datetime | None = None
    for at, value in points:
        place = f"{_x(at, span):.1f},{_y(value, scale):.1f}"
        if before is None or (at - before).total_seconds() > longest_s:
            found.append([])
        found[-1].append(place)
        before = at
    return ["M" + " L".join(part if len(part) > 1 else part * 2) for part in found]


def _usual_s(points: Sequence[Point]) -> float:
    gaps = [(then[0] - first[0]).total_seconds() for first, then in itertools.pairwise(points)]
    return statistics.median(gaps) if gaps else 0.0


def _x(at: datetime.datetime, span: Span) -> float:
    share = (at - span.start) / (span.end - span.start)
    return LEFT + (RIGHT - LEFT) * min(1.0, max(0.0, share))


def _y(value: float, scale: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * min(1.0, value / scale)


def _times(span: Span) -> list[Tick]:
    found = []
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        at = span.start + (span.end - span.start) * share
        found.append(Tick(LEFT + (RIGHT - LEFT) * share, at.strftime(span.form), anchor))
    return found
