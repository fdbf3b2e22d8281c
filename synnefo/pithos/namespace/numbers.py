"""Which versions of a container have a number that clients may name, and which are just what was there.

Where clients switch the keeping of history on and off (S3 calls that enabled and suspended), versions that
came while it was on keep their numbers and stay, whatever happens later. Of the others a path has one at
most, which the next of them replaces. The container's options remember from which number to which it was on.
"""

from __future__ import annotations

from django.db.models import Max

from synnefo.pithos.namespace.models import Container, Version

#: The option: ``[[first, last], [first, None]]``. Without it the policy for history says all.
OPTION = "numbered"

_ON = Container.Versioning.AUTO
_Spans = list[tuple[int, int | None]]


def has_number(container: Container, version: int) -> bool:
    """Whether a version came while history was switched on; never where nobody has ever switched it."""
    spans: _Spans = container.options.get(OPTION, ())
    return any(first <= version and (last is None or version <= last) for first, last in spans)


def is_numbered(container: Container, version: int, *, is_past: bool) -> bool:
    """Whether clients name a version by its number, one of the past or what is there now."""
    if OPTION in container.options:
        return has_number(container, version)
    return is_past or container.versioning == _ON


def was_switched(container: Container) -> bool:
    """Whether it keeps history, or has ever been told to."""
    return container.versioning == _ON or OPTION in container.options


def follow(container: Container, versioning: str) -> None:
    """Set the policy of a locked container; where it was ever switched, versions are told apart."""
    if OPTION in container.options and versioning != container.versioning:
        switch(container, versioning)
    container.versioning = versioning


def switch(container: Container, versioning: str) -> None:
    """Set the policy of a locked container, and remember from which version on."""
    newest = Version.objects.aggregate(newest=Max("pk"))["newest"] or 0
    was_on, is_on = container.versioning == _ON, versioning == _ON
    spans: _Spans = [(first, last) for first, last in container.options.get(OPTION, ())]
    if not spans and was_on:
        spans = [(0, None)]
    if is_on and not was_on:
        spans.append((newest + 1, None))
    if not is_on and spans and spans[-1][1] is None:
        spans[-1] = (spans[-1][0], newest)
    container.options[OPTION], container.versioning = spans, versioning
