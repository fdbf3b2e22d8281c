"""Downloads by link, for browsers: ``get/<link>``, where the link itself is the permission.

A link is signed, short-lived, and names one version of one object (or files to be packed into an archive) and
who asks; that he may still read them is checked when it is used. What comes is never shown as a page of this
cloud: always an attachment, and in a sandbox.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, Fault, Forbidden
from synnefo.common.http.context import client_address
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import Content, read
from synnefo.pithos.faces import streams
from synnefo.pithos.faces.pithos import content
from synnefo.pithos.namespace import browsing, containers, objects
from synnefo.pithos.namespace.models import Container, Version
from synnefo.pithos.namespace.objects import Path

ROUTE = "get/"
_SALT = "pithos.view"
_LIFETIME_S = 600
_LONGEST = 6000
_MOST_FILES = 10_000


def link_to_file(caller: Caller, path: Path, version: Version) -> str:
    """What follows the address of the object store in the address of a download."""
    return _signed(caller, path.account, path.container, {"name": path.name, "version": version.pk})


def link_to_archive(caller: Caller, account: str, container: str, folder: str, names: Iterable[str]) -> str:
    """The same for files and folders as one archive, named as seen from a folder. Raises BadRequest."""
    picked = [name.removeprefix(folder) for name in names]
    return _signed(caller, account, container, {"under": folder, "picked": picked})


@require_safe
def get(request: HttpRequest, link: str) -> HttpResponseBase:
    """The file or the archive; a refusal in plain words."""
    try:
        meant = _meant(link)
        caller = _caller(request, meant)
        response = _archive(caller, meant) if "picked" in meant else _file(request, caller, meant)
    except Fault as fault:
        response = HttpResponse(f"{fault.message}\n", status=fault.status, content_type="text/plain")
    response["Content-Security-Policy"] = streams.STRANGER
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _signed(caller: Caller, account: str, container: str, what: dict[str, Any]) -> str:
    meant = {"user": caller.user, "project": caller.project, "account": account, "container": container}
    link: str = signing.dumps({**meant, **what}, salt=_SALT, compress=True)
    if len(link) > _LONGEST:
        raise BadRequest("These are too many names for one download. Tick fewer, or the folder they are in.")
    return ROUTE + link


def _meant(link: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = signing.loads(link, salt=_SALT, max_age=_LIFETIME_S)
    except signing.BadSignature:
        raise Forbidden("This link is no longer good. Start the download again in the console.") from None
    return found


def _caller(request: HttpRequest, meant: dict[str, Any]) -> Caller:
    """Who was given the link, as he is now. Raises Unauthorized, Forbidden."""
    identity = accounts().identity_of_user(meant["user"])
    if meant["project"] not in identity.projects:
        raise Forbidden("You are no member of this project any more.")
    about = {"request_id": getattr(request, "id", ""), "address": client_address(request)}
    return identity.caller(Scope.PROJECT, **about).in_project(meant["project"])


def _file(request: HttpRequest, caller: Caller, meant: dict[str, Any]) -> HttpResponseBase:
    path = Path(meant["account"], meant["container"], meant["name"])
    version = objects.get(caller, path, meant["version"])
    shown = content.shown(caller, path.account, path.name, version)
    response = content.sent(request, shown)
    content.describe(response, shown)
    response["Accept-Ranges"] = "bytes"
    response["Content-Disposition"] = _attachment(path.name)
    return response


def _archive(caller: Caller, meant: dict[str, Any]) -> HttpResponseBase:
    container = containers.get(caller, meant["account"], meant["container"])
    folder: str = meant["under"]
    versions = list(_picked(caller, container, meant, folder))  # so that slow clients hold no connection
    title = folder.rstrip("/").rpartition("/")[2] or container.name
    response = StreamingHttpResponse(_packed(versions, folder), content_type="application/zip")
    response["Content-Disposition"] = _attachment(f"{title}.zip")
    return response


def _picked(caller: Caller, container: Container, meant: dict[str, Any], folder: str) -> Iterator[Version]:
    """The files in question. Raises BadRequest if these are too many, ItemNotFound."""
    found = 0
    for name in meant["picked"]:
        if name.endswith("/"):
            versions: Iterable[Version] = browsing.files_below(container, folder + name)
        else:
            versions = [objects.get(caller, Path(meant["account"], container.name, folder + name))]
        for version in versions:
            found += 1
            if found > _MOST_FILES:
                raise BadRequest(
                    f"One archive holds at most {_MOST_FILES} files. Download fewer folders at once."
                )
            yield version


def _packed(versions: Iterable[Version], folder: str) -> Iterator[bytes]:
    """A ZIP archive, not compressed, as a stream: memory holds one piece of one file."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for version in versions:
            if browsing.is_folder(version):
                continue
            moment = max(version.modified.timetuple()[:6], (1980, 1, 1, 0, 0, 0))
            about = zipfile.ZipInfo(_harmless(version.object.name.removeprefix(folder)), moment)
            with archive.open(about, "w", force_zip64=True) as entry:
                for piece in _pieces(version.content):
                    entry.write(piece)
                    yield sink.taken()
    yield sink.taken()


def _harmless(name: str) -> str:
    """Archives that are unpacked must stay where they are: no way up, no roots."""
    parts = [part if part not in (".", "..") else "_" for part in name.replace("\\", "/").split("/") if part]
    return "/".join(parts) or "_"


class _Sink(io.RawIOBase):
    """Takes what is written until somebody takes it from here."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._waiting += data
        return len(data)

    def taken(self) -> bytes:
        found = bytes(self._waiting)
        self._waiting.clear()
        return found


def _pieces(content: Content) -> Iterator[bytes]:
    return read(blocks(), content, settings.PITHOS_BACKEND_BLOCK_SIZE, 0, content.size_bytes)


def _attachment(name: str) -> str:
    leaf = name.rstrip("/").rpartition("/")[2] or "download"
    return content_disposition_header(True, leaf) or "attachment"
