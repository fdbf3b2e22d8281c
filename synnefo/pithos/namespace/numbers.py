"""Which versions of a container have a number that clients may name, and which are just what was there.

Where clients switch the keeping of history on and off (S3 calls that enabled and suspended), versions that
came while it was on keep their numbers and stay, whatever happens later. Of the others a path has one at
most, which the next of them replaces. The container's options remember from which number to which it was on.
"""

from __future__ import annotations

from synnefo.pithos.namespace.models import Container

#: The option: ``[[first, last], [first, None]]``. Without it the policy for history says all.
OPTION = "numbered"

_Spans = list[tuple[int, int | None]]


def has_number(container: Container, version: int) -> bool:
    """Whether a version came while history was switched on; never where nobody has ever switched it."""
    spans: _Spans = container.options.get(OPTION, ())
    return any(first <= version and (last is None or version <= last) for first, last in spans)


def is_numbered(container: Container, version: int, *, is_past: bool) -> bool:
    """Whether clients name a version by its number, one of the past or what is there now."""
    if OPTION in container.options:
        return has_number(container, version)
    return is_past or container.versioning == Container.Versioning.AUTO


def was_switched(container: Container) -> bool:
    """Whether it keeps history, or has ever been told to."""
    return container.versioning == Container.Versioning.AUTO or OPTION in container.options


def switched(container: Container, *, on: bool, newest: int) -> _Spans:
    """The option, with history switched on or off behind the ``newest`` version that there is."""
    is_on = container.versioning == Container.Versioning.AUTO
    spans: _Spans = [(first, last) for first, last in container.options.get(OPTION, ())]
    if not spans and is_on:
        spans = [(0, None)]
    if on and not is_on:
        spans.append((newest + 1, None))
    if not on and spans and spans[-1][1] is None:
        spans[-1] = (spans[-1][0], newest)
    return spans
