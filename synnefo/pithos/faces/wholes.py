"""Objects that stand for other objects: what is sent for them, by whichever face they are read.

A face that makes such objects says here, when the application starts, how to tell and how to read them.
Those that name a prefix (``X-Object-Manifest``) are known to all.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol

from django.conf import settings

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.pithos.faces import conditions, streams
from synnefo.pithos.faces.joined import Joined, Piece
from synnefo.pithos.namespace import manifests
from synnefo.pithos.namespace.manifests import MANIFEST, Part
from synnefo.pithos.namespace.models import Attributes, Version


class Listed(Protocol):
    """A version, or what lists tell of one."""

    @property
    def size_bytes(self) -> int: ...

    @property
    def attributes(self) -> Attributes: ...


@dataclasses.dataclass(frozen=True)
class Kind:
    """``joined`` gives what the caller may read of it, for an account, and raises faults."""

    is_one: Callable[[Attributes], bool]
    joined: Callable[[Caller, str, Version], Joined]
    etag: Callable[[Attributes], str]
    size: Callable[[Attributes], int]


_KINDS: list[Kind] = []


def register(kind: Kind) -> None:
    _KINDS.append(kind)


def kind_of(version: Listed) -> Kind | None:
    """How to read a version that stands for others; None for all that are what they hold."""
    return next((kind for kind in _KINDS if kind.is_one(version.attributes)), None)


def size_of(version: Listed) -> int:
    """How long it is for who reads it, as far as that is known without looking at others."""
    kind = kind_of(version)
    return version.size_bytes if kind is None else kind.size(version.attributes)


def require_available(version: Version) -> None:
    """Raises Forbidden for a snapshot that is not made yet, BadRequest for one that failed."""
    if version.available < 0:
        raise BadRequest("The object is broken: its content was never made.")
    if not version.available or not version.is_written:
        raise Forbidden("The object is not available yet.")


def etag_of(version: Version) -> str:
    """The same of its ETag."""
    kind = kind_of(version)
    return conditions.etag(version) if kind is None else kind.etag(version.attributes)


def read_by(
    caller: Caller, account: str, version: Version, *, strict: bool = False
) -> tuple[streams.Sendable, str]:
    """What is sent for a version, and its ETag. With ``strict`` raises BadRequest for a senseless manifest.

    Raises Conflict for a large object of which a part is not what it was.
    """
    if (kind := kind_of(version)) is not None:
        return kind.joined(caller, account, version), kind.etag(version.attributes)
    if manifest := version.own_attributes.get(MANIFEST, ""):
        try:
            parts = manifests.parts(caller, account, manifest)
        except BadRequest:
            if strict:
                raise
        else:
            joined = Joined([Piece(part.version, 0, part.size_bytes) for part in parts])
            return joined, _etag_of(version, parts)
    return version.content, conditions.etag(version)


def _etag_of(version: Version, parts: Sequence[Part]) -> str:
    if not settings.PITHOS_UPDATE_MD5:
        return version.hash
    tags = "".join(part.md5 or part.hash for part in parts)
    return hashlib.md5(tags.encode(), usedforsecurity=False).hexdigest()
