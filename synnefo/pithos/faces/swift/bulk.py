"""Many objects in one request: deleted by a list of names, unpacked from an archive; segments with manifests.

Each object is a change of its own; what became of it is told in a report.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import IO, Literal, cast
from urllib.parse import quote, unquote_to_bytes

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Fault, ItemNotFound, RequestTooLarge
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import keep
from synnefo.pithos.faces import body
from synnefo.pithos.faces.attributes import OBJECT_META, shaped
from synnefo.pithos.faces.swift import kit, quotas, reports, slo, stacks, versions
from synnefo.pithos.faces.swift.reports import Report, status_of
from synnefo.pithos.namespace import access, containers, numbers, objects
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.names import Path
from synnefo.pithos.namespace.objects import Check
from synnefo.pithos.upkeep.expiry import delete_over

MOST_DELETES = 10_000
MOST_CONTAINERS = 10_000
MOST_ERRORS = 1_000
MOST_NAME = 8 * 1024
KINDS: dict[str, Literal["r|", "r|gz", "r|bz2"]] = {"tar": "r|", "tar.gz": "r|gz", "tar.bz2": "r|bz2"}
_PIECE = 1 << 20


def delete_one(caller: Caller, path: Path, check: Check = objects.no_check) -> HttpResponse:
    """Remove what is there, as its container's settings have it. Raises ItemNotFound."""
    container = access.object(caller, path, Right.DELETE)
    if numbers.OPTION in container.options:
        return versions.delete(caller, path, check)
    try:
        if not stacks.deleted(caller, container, path, check):
            objects.delete(caller, path, check=check)
    except ItemNotFound:
        delete_over(container, path.name)  # so that the container can be emptied
        raise
    return kit.empty(204)


def delete(request: HttpRequest, account: str) -> HttpResponseBase:
    """POST or DELETE ``?bulk-delete``: objects and containers, a line each."""
    caller = kit.caller(request)
    access.account(caller)
    body.length_of(request, too_long=RequestTooLarge)

    def work(report: Report) -> Iterator[None]:
        report.numbers = {"Number Deleted": 0, "Number Not Found": 0}
        for count, line in enumerate(_lines(request)):
            if count >= MOST_DELETES:
                raise RequestTooLarge(f"Maximum Bulk Deletes: {MOST_DELETES} per request")
            _delete_named(caller, account, line, report)
            yield
        _close(report)

    return reports.streamed(request, "delete", work)


def delete_large(request: HttpRequest, caller: Caller, path: Path) -> HttpResponseBase:
    """DELETE ``?multipart-manifest=delete``: an object and the segments that its manifest names."""
    version = objects.get(caller, path)
    if kit.is_true(request.GET.get("async", "")):
        return _delete_all_or_nothing(caller, path, version)

    def work(report: Report) -> Iterator[None]:
        report.numbers = {"Number Deleted": 0, "Number Not Found": 0}
        if not slo.is_one(version.attributes):
            report.errors.append((quote(f"/{path.container}/{path.name}"), "Not an SLO manifest"))
        else:
            for place in [*_segments(caller, path.account, version), path]:
                _delete_path(caller, place, report)
                yield
        _close(report)

    return reports.streamed(request, "delete", work)


def extract(request: HttpRequest, account: str, container: str = "", name: str = "") -> HttpResponseBase:
    """PUT ``?extract-archive=tar.gz``: the files of an archive become objects."""
    caller, kind = kit.caller(request), kit.parameter(request, "extract-archive")
    if kind not in KINDS:
        raise BadRequest(f"Unsupported archive format: {kind}")
    access.account(caller)
    body.length_of(request, too_long=RequestTooLarge)

    def work(report: Report) -> Iterator[None]:
        report.numbers = {"Number Files Created": 0}
        try:
            with tarfile.open(None, KINDS[kind], cast("IO[bytes]", _Reader(request))) as archive:
                for entry in archive:
                    if entry.isfile():
                        parts = container, name, entry.name.removeprefix("./")
                        where = "/".join(part for part in parts if part)
                        _unpack(caller, account, where, archive, entry, report)
                        yield
        except (tarfile.TarError, EOFError, OSError) as error:
            raise BadRequest(f"Invalid Tar File: {error}") from None
        _close(report, created="Number Files Created")

    return reports.streamed(request, "extract", work)


def _unpack(
    caller: Caller, account: str, where: str, archive: tarfile.TarFile, entry: tarfile.TarInfo, report: Report
) -> None:
    container, _, name = where.lstrip("/").partition("/")
    path = Path(account, container, name)
    try:
        if not container or not name:
            return
        source = archive.extractfile(entry)
        assert source is not None  # noqa: S101 - it is a file
        _make_container(caller, account, container)
        seen = objects.look(caller, path, objects.no_check)
        quotas.check(seen.container, seen.version, entry.size)
        if entry.size > settings.PITHOS_MAX_UPLOAD_BYTES:
            raise RequestTooLarge("Your request is too large.")
        content = keep(blocks(), iter(lambda: source.read(_PIECE), b""), settings.PITHOS_BACKEND_BLOCK_SIZE)
        stacks.put_by(caller, seen.container, path, seen.version)
        kind, attributes = _described(entry)
        objects.write(caller, path, content, content_type=kind, attributes=attributes, seen=seen)
        report.numbers["Number Files Created"] += 1
    except Fault as fault:
        _note(report, where, status_of(fault))


def _described(entry: tarfile.TarInfo) -> tuple[str, dict[str, str]]:
    """The type and metadata that an archive's extended attributes say."""
    kind, found = kit.OCTETS, dict[str, str]()
    for key, value in entry.pax_headers.items():
        name = key.removeprefix("SCHILY.xattr.").removeprefix("LIBARCHIVE.xattr.")
        if name == "user.mime_type":
            kind = value
        elif name.startswith("user.meta."):
            found[OBJECT_META + shaped(name.removeprefix("user.meta."))] = value
    return kind, found


def _make_container(caller: Caller, account: str, name: str) -> None:
    try:
        access.container(caller, account, name, Right.WRITE)
    except ItemNotFound:
        containers.put(caller, account, name, attributes={}, policy={})


def _delete_named(caller: Caller, account: str, line: bytes, report: Report) -> None:
    try:
        text = unquote_to_bytes(line).decode()
    except UnicodeDecodeError:
        return _note(report, quote(line), "412 Precondition Failed")
    if len(line) > MOST_NAME or "\x00" in text:
        return _note(report, text, "400 Bad Request")
    container, slash, name = text.lstrip("/").partition("/")
    if slash and name:
        return _delete_path(caller, Path(account, container, name), report)
    try:
        containers.delete(caller, account, container)
        report.numbers["Number Deleted"] += 1
    except ItemNotFound:
        report.numbers["Number Not Found"] += 1
    except Fault as fault:
        _note(report, f"/{container}", status_of(fault))


def _delete_path(caller: Caller, path: Path, report: Report) -> None:
    try:
        delete_one(caller, path)
        report.numbers["Number Deleted"] += 1
    except ItemNotFound:
        report.numbers["Number Not Found"] += 1
    except Fault as fault:
        _note(report, f"/{path.container}/{path.name}", status_of(fault))


def _delete_all_or_nothing(caller: Caller, path: Path, version: Version) -> HttpResponse:
    """All segments are in one container and may be deleted; else nothing is."""
    if not slo.is_one(version.attributes):
        raise BadRequest("Not an SLO manifest")
    segments = slo.segments_of(version)
    if any(segment.get("sub_slo") for segment in segments):
        raise Conflict("Nested large objects cannot be deleted asynchronously.")
    places = slo.paths(path.account, segments)
    if len({place.container for place in places}) > 1:
        raise Conflict("All segments must be in one container to be deleted asynchronously.")
    access.check(caller, *places, path, right=Right.DELETE)
    report = Report({"Number Deleted": 0, "Number Not Found": 0})
    for place in places:
        _delete_path(caller, place, report)
    return delete_one(caller, path)


def _segments(caller: Caller, account: str, version: Version, depth: int = slo.MOST_DEPTH) -> list[Path]:
    """All that a manifest names, those of manifests in it before these."""
    found: list[Path] = []
    segments = slo.segments_of(version)
    there = slo.standing(caller, slo.paths(account, segments))
    for place in slo.paths(account, segments):
        inner = there.get(place)
        if inner is not None and slo.is_one(inner.attributes) and depth:
            found += _segments(caller, account, inner, depth - 1)
        found.append(place)
    return list(dict.fromkeys(found))


def _close(report: Report, created: str = "") -> None:
    """What is said of the whole."""
    if report.errors:
        report.status = "400 Bad Request"
        if all(status.startswith("401") for _, status in report.errors):
            report.status = "401 Unauthorized"
    elif created and not report.numbers[created]:
        report.status, report.body = "400 Bad Request", "Invalid Tar File: No Valid Files"
    elif not created and not any(report.numbers.values()):
        report.status, report.body = "400 Bad Request", "Invalid bulk delete."


def _note(report: Report, name: str, status: str) -> None:
    report.errors.append((quote(name), status))
    if len(report.errors) >= MOST_ERRORS:
        raise BadRequest("There are too many errors.")


def _lines(request: HttpRequest) -> Iterator[bytes]:
    rest = b""
    for piece in body.pieces(request, too_long=RequestTooLarge):
        *whole, rest = (rest + piece).split(b"\n")
        if len(rest) > MOST_NAME:
            raise BadRequest("Invalid File Name")
        yield from (line.strip() for line in whole if line.strip())
    if rest.strip():
        yield rest.strip()


class _Reader(io.RawIOBase):
    """The body of a request as a file that is read once."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__()
        self._pieces: Iterator[bytes] = iter(body.pieces(request, too_long=RequestTooLarge))
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        found = [self._rest]
        length = len(self._rest)
        while size < 0 or length < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            found.append(piece)
            length += len(piece)
        whole = b"".join(found)
        self._rest = whole[size:] if size >= 0 else b""
        return whole[:size] if size >= 0 else whole
