"""Checksums of requests and answers: what a body must be, and what is known of content.

One algorithm a request, in a header or behind the body; MD5 is ``kit``'s affair.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping

from django.conf import settings

from synnefo.pithos import checksums
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import Content, read
from synnefo.pithos.checksums import ALGORITHMS, FULL_OBJECT, Watched
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.uploads import facts

_PREFIX = "x-amz-checksum-"


@dataclasses.dataclass(slots=True)
class Incoming:
    """What is said of a body. ``value`` is empty if it comes behind the body, in a trailer."""

    algorithm: str = ""
    value: str = ""
    _watched: Watched | None = None

    def watch(self, pieces: Iterable[bytes], *also: str) -> Iterable[bytes]:
        """The body on its way, of which other checksums may be taken, too."""
        wanted = {name for name in (self.algorithm, *also) if name}
        if not wanted:
            return pieces
        self._watched = Watched(pieces, wanted)
        return self._watched

    def verified(self, trailers: Mapping[str, str]) -> dict[str, str]:
        """The checksums of the body that has passed, by algorithm. Raises S3Error (BadDigest)."""
        values = self._watched.values() if self._watched else {}
        if self.algorithm:
            said = self.value or _valid(self.algorithm, trailers.get(_header(self.algorithm), ""))
            if said != values[self.algorithm]:
                raise S3Error(
                    "BadDigest", f"The {self.algorithm} you specified did not match the calculated."
                )
        return values


def incoming(asked: Asked) -> Incoming:
    """Raises S3Error (InvalidRequest)."""
    given = {name: text for name in ALGORITHMS if (text := asked.header(_header(name)).strip())}
    trailer = asked.header("x-amz-trailer").strip().lower()
    behind = [name for name in ALGORITHMS if trailer == _header(name)]
    if len(given) + len(behind) > 1:
        raise S3Error("InvalidRequest", "Expecting a single x-amz-checksum- header")
    if trailer.startswith(_PREFIX) and not behind:
        raise S3Error("InvalidRequest", "The value specified in the x-amz-trailer header is not supported")
    for name, text in given.items():
        return Incoming(name, _valid(name, text))
    if behind:
        return Incoming(behind[0])
    if asked.header("x-amz-sdk-checksum-algorithm"):
        raise S3Error(
            "InvalidRequest",
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer "
            "headers were found.",
        )
    return Incoming()


def algorithm(asked: Asked) -> str:
    """The one that copies and uploads in parts are to have, empty if any. Raises S3Error."""
    name = asked.header("x-amz-checksum-algorithm").upper()
    if name and name not in ALGORITHMS:
        raise S3Error("InvalidRequest", "Checksum algorithm provided is unsupported.")
    return name


def upload_type(asked: Asked, name: str) -> str:
    """What checksum an upload in parts is to have with an algorithm. Raises S3Error."""
    wanted = asked.header("x-amz-checksum-type").upper()
    if not name:
        if wanted:
            raise S3Error("InvalidRequest", "The x-amz-checksum-type header needs an algorithm.")
        return ""
    possible = checksums.types_of(name)
    if wanted and wanted not in possible:
        message = f"The {wanted} checksum type cannot be used with the {name.lower()} checksum algorithm."
        raise S3Error("InvalidRequest", message)
    return wanted or possible[0]


def of_complete(asked: Asked) -> str:
    """What the whole of an upload in parts is said to have, empty if nothing is said. Raises S3Error."""
    given = [text for name in ALGORITHMS if (text := asked.header(_header(name)).strip())]
    if len(given) > 1:
        raise S3Error("InvalidRequest", "Expecting a single x-amz-checksum- header")
    return given[0] if given else ""


def of_whole(values: Mapping[str, str]) -> dict[str, str]:
    """What is kept of the checksum of a body that is an object."""
    for name, value in values.items():
        return {"checksum": value, "algorithm": name, "type": FULL_OBJECT}
    return {}


def of_copy(asked: Asked, content: Content) -> dict[str, str]:
    """What is kept of the checksum that a copy is to have; all is read for it. Raises S3Error."""
    name = algorithm(asked)
    if not name:
        return {}
    block_size: int = settings.PITHOS_BACKEND_BLOCK_SIZE
    watched = Watched(read(blocks(), content, block_size, 0, content.size_bytes), [name])
    collections.deque(watched, maxlen=0)
    return of_whole(watched.values())


def headers(values: Mapping[str, str], kind: str = "") -> dict[str, str]:
    """How checksums, by algorithm, are told in an answer."""
    found = {_header(name): value for name, value in values.items()}
    return {**found, "x-amz-checksum-type": kind} if found and kind else found


def shown(asked: Asked, version: Version) -> dict[str, str]:
    """Headers with what is known of all of the content, for who asks for it and gets all."""
    known = facts.of(version)
    is_part = asked.header("range") or "partNumber" in asked.query
    if is_part or "checksum" not in known or asked.header("x-amz-checksum-mode").upper() != "ENABLED":
        return {}
    return headers({known["algorithm"]: known["checksum"]}, known["type"])


def elements(known: Mapping[str, str]) -> dict[str, str]:
    """The same as elements of XML, of facts."""
    if "checksum" not in known:
        return {}
    return {f"Checksum{known['algorithm']}": known["checksum"], "ChecksumType": known["type"]}


def _header(name: str) -> str:
    return _PREFIX + name.lower()


def _valid(name: str, text: str) -> str:
    try:
        checksums.decoded(name, text)
    except ValueError:
        raise S3Error("InvalidRequest", f"Value for {_header(name)} header is invalid.") from None
    return text
