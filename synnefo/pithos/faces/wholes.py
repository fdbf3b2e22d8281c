"""Objects of one face that stand for other objects: who reads one by another face gets those, too.

The face that makes them says here, when the application starts, how to tell and how to read them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from synnefo.common.caller import Caller
from synnefo.pithos.faces.joined import Joined
from synnefo.pithos.namespace.models import Attributes, Version


@dataclasses.dataclass(frozen=True)
class Kind:
    """``joined`` gives what the caller may read of it, for an account, and raises faults."""

    is_one: Callable[[Attributes], bool]
    joined: Callable[[Caller, str, Version], Joined]
    etag: Callable[[Version], str]


_KINDS: list[Kind] = []


def register(kind: Kind) -> None:
    _KINDS.append(kind)


def kind_of(version: Version) -> Kind | None:
    """How to read a version that stands for others; None for all that are what they hold."""
    return next((kind for kind in _KINDS if kind.is_one(version.attributes)), None)
