"""``Range`` of what is read and ``Content-Range`` of what is written. Stops are behind the last byte."""

from __future__ import annotations

import dataclasses
import re

from synnefo.common.faults import RangeNotSatisfiable

Span = tuple[int, int]

_MOST = 100
_ONE = re.compile(r"(\d{0,18})-(\d{0,18})", re.ASCII)
_WRITTEN = re.compile(r"bytes (?:(\*)|(\d{1,18})-(\d{0,18}))/(\*|\d{1,18})", re.ASCII)


def asked(header: str, size_bytes: int) -> list[Span] | None:
    """The parts that a Range header asks for, in its order; None if it says nothing sensible.

    What goes beyond the end is cut there. Raises RangeNotSatisfiable if a part begins behind it.
    """
    unit, equals, text = header.partition("=")
    parts = [part.strip() for part in text.split(",")]
    matches = [_ONE.fullmatch(part) for part in parts]
    if unit.strip() != "bytes" or not equals or len(parts) > _MOST:
        return None
    spans = []
    for match in matches:
        if match is None or match.group(0) == "-":
            return None
        span = _span(match.group(1), match.group(2), size_bytes)
        if span is None:
            return None
        spans.append(span)
    return spans


def satisfiable(header: str, size_bytes: int) -> list[Span] | None:
    """The same as Swift has it: parts that begin behind the end are left out, while any other is left.

    Raises RangeNotSatisfiable if none is.
    """
    unit, equals, text = "".join(header.lower().split()).partition("=")
    matches = [_ONE.fullmatch(part) for part in text.split(",")]
    if unit != "bytes" or not equals or size_bytes == 0:
        return None
    spans = []
    for match in matches:
        if match is None or match[0] == "-" or (match[1] and match[2] and int(match[2]) < int(match[1])):
            return None
        if (int(match[1]) < size_bytes) if match[1] else int(match[2]):
            spans.append(_span(match[1], match[2], size_bytes))
    found = [span for span in spans if span is not None]
    if not found or len(found) > _MOST:
        raise RangeNotSatisfiable("The Range requested is not available.")
    return found


def _span(first: str, last: str, size_bytes: int) -> Span | None:
    if not first:
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start, stop = int(first), min(int(last) + 1, size_bytes) if last else size_bytes
        if last and int(last) < start:
            return None
    if start >= stop:
        raise RangeNotSatisfiable("Requested range exceeds object limits")
    return start, stop


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """Where a body belongs; without a start at the end. ``length`` is None if it is not said."""

    start: int | None
    length: int | None
    total: int | None

    def offset(self, size_bytes: int) -> int:
        """The place in an object of this size. Raises RangeNotSatisfiable."""
        start = size_bytes if self.start is None else self.start
        if start > size_bytes:
            raise RangeNotSatisfiable("Supplied offset is beyond object limits")
        if self.total is not None and (self.total != size_bytes or start + (self.length or 0) > size_bytes):
            raise RangeNotSatisfiable("Supplied range will change provided object limits")
        return start


def written(header: str) -> Written:
    """Raises RangeNotSatisfiable if the header makes no sense."""
    match = _WRITTEN.fullmatch(header.strip())
    if match is None:
        raise RangeNotSatisfiable("Invalid Content-Range header")
    total = None if match.group(4) == "*" else int(match.group(4))
    if match.group(1):
        return Written(None, None, total)
    start, last = int(match.group(2)), match.group(3)
    stop = int(last) + 1 if last else None
    if stop is not None and start >= stop:
        raise RangeNotSatisfiable("Invalid Content-Range header")
    if total is not None and (start >= total or (stop is not None and stop > total)):
        raise RangeNotSatisfiable("Invalid Content-Range header")
    return Written(start, None if stop is None else stop - start, total)
