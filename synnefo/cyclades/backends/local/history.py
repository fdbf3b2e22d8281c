"""What instances have used, kept for a while: one small file an instance, of a size that never changes.

Owns the file's form: two rings of samples, fine and coarse. A sample's place follows from its time alone, so
there is nothing to keep in order: a writer puts one line, several writers put the same one, a reader drops
what is of an earlier round. Why it is no RRD says ``docs/decisions``.
"""

from __future__ import annotations

import datetime
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from synnefo.cyclades.backends.base import Sample

_LINE = struct.Struct("<dd5q")  # time, CPU seconds, MiB, bytes received, sent, read, written


@dataclass(frozen=True)
class Ring:
    """``lines`` samples, one for each ``period_s``, beginning at ``offset`` in the file."""

    period_s: int
    lines: int
    offset: int

    @property
    def span_s(self) -> int:
        return self.period_s * self.lines

    def place(self, at_s: float) -> int:
        return self.offset + int(at_s // self.period_s) % self.lines * _LINE.size


FINE = Ring(30, 2 * 1440, 0)  # a day
COARSE = Ring(1800, 48 * 62, FINE.lines * _LINE.size)  # two months
_RINGS = (COARSE, FINE)


def is_due(file: Path, at: datetime.datetime) -> bool:
    """Whether there is no sample yet of the period that ``at`` lies in."""
    at_s = at.timestamp()
    return not any(int(line[0] // FINE.period_s) == int(at_s // FINE.period_s) for line in _at(file, at_s))


def put(file: Path, sample: Sample) -> None:
    """Keep a sample."""
    numbers = (sample.ram_mib, sample.rx_bytes, sample.tx_bytes, sample.read_bytes, sample.written_bytes)
    at_s = sample.at.timestamp()
    line = _LINE.pack(at_s, sample.cpu_s, *numbers)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        for ring in _RINGS:
            os.pwrite(handle, line, ring.place(at_s))
    finally:
        os.close(handle)


def since(file: Path, start: datetime.datetime, now: datetime.datetime) -> list[Sample]:
    """What was kept since then, oldest first: coarse where the fine ring does not reach back any more."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return []
    now_s, start_s = now.timestamp(), start.timestamp()
    fine_from_s = now_s - FINE.span_s + FINE.period_s
    found = {
        line[0]: line
        for ring, from_s, to_s in ((COARSE, start_s, fine_from_s), (FINE, max(start_s, fine_from_s), now_s))
        for line in _lines(content, ring)
        if from_s <= line[0] <= to_s
    }
    return [_sample(found[at_s]) for at_s in sorted(found)]


def _lines(content: bytes, ring: Ring) -> Iterator[tuple[float, ...]]:
    part = content[ring.offset : ring.offset + ring.lines * _LINE.size]
    whole = part[: len(part) - len(part) % _LINE.size]
    yield from _LINE.iter_unpack(whole)


def _at(file: Path, at_s: float) -> list[tuple[float, ...]]:
    try:
        with file.open("rb") as stream:
            stream.seek(FINE.place(at_s))
            line = stream.read(_LINE.size)
    except FileNotFoundError:
        return []
    return [_LINE.unpack(line)] if len(line) == _LINE.size else []


def _sample(line: tuple[float, ...]) -> Sample:
    at = datetime.datetime.fromtimestamp(line[0], datetime.UTC)
    return Sample(at, line[1], *(int(number) for number in line[2:]))
