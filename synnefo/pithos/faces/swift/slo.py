"""Static large objects: a manifest, kept as an object's content, names the objects it is made of.

What clients send is checked here and kept in the form that Swift keeps it in; who reads the object reads its
segments, each of which must still be what it was. Segments may be manifests in turn.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Fault, RequestTooLarge
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import read
from synnefo.pithos.faces import body, ranges
from synnefo.pithos.faces.joined import Joined, Piece
from synnefo.pithos.faces.ranges import Span
from synnefo.pithos.faces.swift import kit, links, listing
from synnefo.pithos.faces.swift.following import Elsewhere, etag, followed
from synnefo.pithos.namespace import access
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import SWIFT, Attributes, Version
from synnefo.pithos.namespace.names import Path

MOST_SEGMENTS = 1000
MOST_BYTES = 8 * 1024 * 1024
MOST_DEPTH = 10
#: Of all manifests within one another together.
_MOST_PIECES = 50_000
_BATCH = 500
_KEYS = {"path": {"path", "etag", "size_bytes", "range"}, "data": {"data"}}

#: A segment as clients write it.
Segment = dict[str, Any]
#: The versions that stand under paths now, as far as the caller may read them.
Found = Mapping[Path, Version]
Problem = tuple[str, str]


class Refused(BadRequest):
    """Segments are not what the manifest says: pairs of a name and why."""

    def __init__(self, message: str = "Errors:\n", problems: Sequence[Problem] = ()) -> None:
        super().__init__(message + "".join(f"{name}, {why}\n" for name, why in problems))
        self.problems = problems


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """As it is kept: its text, the ETag and length of the whole."""

    text: bytes
    etag: str
    size_bytes: int

    def kept(self) -> dict[str, str]:
        return {"slo": self.etag, "slo-bytes": str(self.size_bytes)}


def is_one(attributes: Attributes) -> bool:
    return "slo" in attributes.get(SWIFT, {})


def etag_of(attributes: Attributes) -> str:
    return attributes[SWIFT]["slo"]


def size_of(attributes: Attributes) -> int:
    return int(attributes[SWIFT]["slo-bytes"])


def segments_of(version: Version) -> list[Segment]:
    """The segments as they are kept."""
    size = settings.PITHOS_BACKEND_BLOCK_SIZE
    found: list[Segment] = json.loads(b"".join(read(blocks(), version.content, size, 0, version.size_bytes)))
    return found


def raw(version: Version) -> bytes:
    """The manifest as a client would send it to make the object again."""
    return json.dumps([_as_sent(segment) for segment in segments_of(version)]).encode()


def joined(caller: Caller, account: str, version: Version) -> Joined:
    """The content. Raises Conflict if a segment is gone, is another one by now, or may not be read."""
    return Joined(_pieces(caller, account, version, MOST_DEPTH))


def part_of(request: HttpRequest, version: Version) -> tuple[Span | None, int]:
    """Where the segment that a request asks for by its number lies in the whole, and how many there are.

    None if there are fewer. Raises BadRequest.
    """
    text = request.GET["part-number"]
    if not (text.isascii() and text.isdigit() and int(text[:18]) > 0):
        raise BadRequest("Part number must be an integer greater than 0")
    if "HTTP_RANGE" in request.META:
        raise BadRequest("Range requests are not supported with part number queries")
    number, lengths = int(text[:18]), [_length(segment) for segment in segments_of(version)]
    if number > len(lengths):
        return None, len(lengths)
    start = sum(lengths[: number - 1])
    return (start, start + lengths[number - 1]), len(lengths)


def paths(account: str, segments: Sequence[Segment]) -> list[Path]:
    """Where the segments of a manifest are, each once."""
    return list(dict.fromkeys(_path(account, one["name"]) for one in segments if "name" in one))


def wanted(request: HttpRequest, path: Path) -> list[Segment]:
    """The segments that a client names. Raises BadRequest, RequestTooLarge."""
    length = body.length_of(request, too_long=RequestTooLarge)
    if length is not None and length > MOST_BYTES:
        raise RequestTooLarge(f"Manifest File > {MOST_BYTES} bytes")
    text = body.whole(request, MOST_BYTES)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest("Manifest must be valid JSON.\n") from None
    if not isinstance(found, list):
        raise BadRequest("Manifest must be a list.\n")
    errors = [f"Index {at}: {why}\n" for at, one in enumerate(found) if (why := _wrong(one, at, found, path))]
    if found and not errors and all("data" in one for one in found):
        errors.append("Inline data segments require at least one object-backed segment.\n")
    if errors:
        raise BadRequest("".join(errors))
    if sum("path" in one for one in found) > MOST_SEGMENTS:
        raise RequestTooLarge(f"Number of object-backed segments must be <= {MOST_SEGMENTS}")
    return found


def made(caller: Caller, account: str, segments: Sequence[Segment]) -> Manifest:
    """A manifest of what is there now. Raises Refused."""
    there, refused = _looked_up(caller, [_path(account, one["path"]) for one in segments if "path" in one])
    problems: list[Problem] = []
    kept, digest, size_bytes = [], hashlib.md5(usedforsecurity=False), 0
    for at, segment in enumerate(segments):
        if "data" in segment:
            data = base64.b64decode(segment["data"])
            one: Segment = {"data": base64.b64encode(data).decode()}
            mark = hashlib.md5(data, usedforsecurity=False).hexdigest()
        else:
            path = _path(account, segment["path"])
            is_last = at == len(segments) - 1
            one, wrong = _checked(segment, there.get(path), is_last, refused.get(path, "404 Not Found"))
            problems += [(quote(segment["path"]), why) for why in wrong]
            mark = f"{one.get('hash')}:{one['range']};" if "range" in one else str(one.get("hash"))
        kept.append(one)
        size_bytes += _length(one)
        digest.update(mark.encode())
    if problems:
        raise Refused(problems=problems)
    return Manifest(json.dumps(kept).encode(), digest.hexdigest(), size_bytes)


def check_again(caller: Caller, account: str, version: Version) -> None:
    """Whether a manifest holds where it is copied to. Raises Refused."""
    made(caller, account, json.loads(raw(version)))


def standing(caller: Caller, wanted: Sequence[Path]) -> Found:
    """What is under some paths now, found by a few queries for each container."""
    return _looked_up(caller, wanted)[0]


def _looked_up(caller: Caller, wanted: Sequence[Path]) -> tuple[dict[Path, Version], dict[Path, str]]:
    """The same, and why what cannot be read is refused."""
    found: dict[Path, Version] = {}
    refused: dict[Path, str] = {}
    by_place: dict[tuple[str, str], list[str]] = {}
    for path in dict.fromkeys(wanted):
        by_place.setdefault((path.account, path.container), []).append(path.name)
    for (account, name), names in by_place.items():
        try:
            container = access.container(caller, account, name, Right.READ)
        except Fault as fault:
            refused |= {Path(account, name, one): f"{fault.status} {fault.title}" for one in names}
            continue
        rows = Version.objects.filter(object__container=container, state=Version.State.CURRENT)
        for start in range(0, len(names), _BATCH):
            batch = rows.filter(object__name__in=names[start : start + _BATCH])
            for version in batch.select_related("object", "map"):
                path = Path(account, name, version.object.name)
                if (there := _followed(caller, path, version)) is not None:
                    found[path] = there
    return found, refused


def _followed(caller: Caller, path: Path, version: Version) -> Version | None:
    """What is there to be read, where a segment is a link."""
    if version.is_over:
        return None
    if links.of(version.attributes, path.account) is None:
        return version
    try:
        return followed(caller, path, version)[1]
    except (Fault, Elsewhere):
        return None


def _pieces(caller: Caller, account: str, version: Version, depth: int) -> list[Piece]:
    if not depth:
        raise Conflict(kit.CONFLICT)
    segments, found = segments_of(version), list[Piece]()
    there = standing(caller, paths(account, segments))
    for segment in segments:
        if "data" in segment:
            data = base64.b64decode(segment["data"])
            found.append(Piece(0, 0, len(data), data))
            continue
        one = there.get(_path(account, segment["name"]))
        if one is None or (_etag(one), _size(one)) != (segment["hash"], segment["bytes"]):
            raise Conflict(f"The segment {segment['name']} is not what it was.")
        start, stop = _span(segment)
        if is_one(one.attributes):
            inner = Joined(_pieces(caller, account, one, depth - 1))
            found += inner.between(start, stop)
        elif stop > start:
            found.append(Piece(one.pk, start, stop))
        if len(found) > _MOST_PIECES:
            raise Conflict("The large object has too many segments.")
    return found


def _wrong(segment: Any, at: int, all_of_them: Sequence[Any], path: Path) -> str:
    """What is wrong with a segment as a client wrote it; empty if nothing is."""
    if not isinstance(segment, dict):
        return "not a JSON object"
    kind = next((key for key in _KEYS if key in segment), None)
    if kind is None:
        return "expected keys to include one of b'path' or b'data'"
    if extra := sorted(segment.keys() - _KEYS[kind]):
        return f"extraneous keys {', '.join(json.dumps(key) for key in extra)}"
    if kind == "data":
        return _wrong_data(segment["data"])
    is_last = at == len(all_of_them) - 1
    return next(filter(None, _wrong_path(segment, is_last, path)), "")


def _wrong_data(text: Any) -> str:
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        data = None
    if data is None:
        return "data must be valid base64"
    return "" if data else "too small; each segment must be at least 1 byte."


def _wrong_path(segment: Segment, is_last: bool, path: Path) -> Iterator[str]:
    text, size = segment["path"], segment.get("size_bytes")
    if not isinstance(text, str):
        yield '"path" must be a string'
    elif "/" not in text.strip("/"):
        yield "path does not refer to an object. Path must be of the form /container/object."
    if not isinstance(segment.get("etag"), str | None):
        yield '"etag" must be a string or null (if provided)'
    if size is not None:
        try:
            size = segment["size_bytes"] = int(size)
        except (TypeError, ValueError, OverflowError):
            yield "invalid size_bytes"
        if size < 1 and not is_last:
            yield "too small; each segment must be at least 1 byte."
    if _path(path.account, text) == path:
        yield "manifest must not include itself as a segment"
    if segment.get("range"):
        yield _wrong_range(str(segment["range"]), size)


def _wrong_range(text: str, size: int | None) -> str:
    if "," in text:
        return "multiple ranges (only one allowed)"
    try:
        if ranges.satisfiable(f"bytes={text}", 2**62) is None:
            return "invalid range"
        if size is not None:
            ranges.satisfiable(f"bytes={text}", size)
    except Fault:
        return "unsatisfiable range"
    return ""


def _checked(
    segment: Segment, version: Version | None, is_last: bool, absent: str
) -> tuple[Segment, list[str]]:
    """A segment as it is kept, and what is wrong with it."""
    name = "/" + segment["path"].lstrip("/")
    if version is None:
        return {"name": name, "bytes": 0}, [absent]
    wrong, size, tag = list[str](), _size(version), _etag(version)
    kept: Segment = {
        "name": name,
        "bytes": size,
        "hash": tag,
        "content_type": version.content_type,
        "last_modified": listing.moment(version.modified),
    }
    if segment.get("range"):
        try:
            (start, stop), *_ = ranges.satisfiable(f"bytes={segment['range']}", size) or [(0, size)]
            if (start, stop) != (0, size):
                kept["range"] = f"{start}-{stop - 1}"
        except Fault:
            wrong.append("Unsatisfiable Range")
    if is_one(version.attributes):
        kept["sub_slo"] = True
    if _length(kept) < 1 and not is_last:
        wrong.append("Too small; each segment must be at least 1 byte.")
    if segment.get("size_bytes") not in (None, size):
        wrong.append("Size Mismatch")
    if segment.get("etag") not in (None, tag):
        wrong.append("Etag Mismatch")
    return kept, wrong


def _as_sent(segment: Segment) -> Segment:
    if "data" in segment:
        return segment
    names = {"name": "path", "bytes": "size_bytes", "hash": "etag", "range": "range"}
    return {sent: segment[kept] for kept, sent in names.items() if kept in segment}


def _span(segment: Segment) -> tuple[int, int]:
    if "range" not in segment:
        return 0, int(segment["bytes"])
    first, last = segment["range"].split("-")
    return int(first), int(last) + 1


def _length(segment: Segment) -> int:
    if "data" in segment:
        return len(base64.b64decode(segment["data"]))
    start, stop = _span(segment)
    return stop - start


def _etag(version: Version) -> str:
    return etag_of(version.attributes) if is_one(version.attributes) else etag(version)


def _size(version: Version) -> int:
    return size_of(version.attributes) if is_one(version.attributes) else version.size_bytes


def _path(account: str, text: str) -> Path:
    container, _, name = text.lstrip("/").partition("/")
    return Path(account, container, name)
