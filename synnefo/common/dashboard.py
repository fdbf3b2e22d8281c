"""What a service puts on the dashboard: the ``dashboard(caller) -> Part`` of its ``pages`` module."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Step:
    """One of the first steps in an empty project; ``command`` is the same on the command line."""

    title: str
    words: str
    url: str
    button: str
    command: str
    done: bool = False


@dataclasses.dataclass(frozen=True)
class Part:
    """A template with its context. ``steps`` are shown while nothing is there; ``busy`` parts change soon."""

    template: str
    context: Mapping[str, Any]
    steps: tuple[Step, ...] = ()
    empty: bool = False
    busy: bool = False
