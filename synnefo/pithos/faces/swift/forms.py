"""Uploads by forms that the account has signed: ``POST v1/AUTH_<uuid>/<container>[/<prefix>]``.

The fields say where browsers go then, how many files of which size, until when; they stand before the files.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.core.exceptions import BadRequest as DjangoBadRequest
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from synnefo.common.faults import BadRequest, Fault, RequestTooLarge, Unauthorized
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import keep
from synnefo.pithos.faces import body
from synnefo.pithos.faces.swift import expiry, kit, quotas, stacks, tempurl
from synnefo.pithos.namespace import objects
from synnefo.pithos.namespace.names import Path

_KIND = "multipart/form-data"


def is_one(request: HttpRequest) -> bool:
    return (request.META.get("CONTENT_TYPE") or "").startswith(_KIND)


def post(request: HttpRequest, account: str, container: str, name: str = "") -> HttpResponse:
    """POST: each file of the form becomes an object. Raises Unauthorized, BadRequest, RequestTooLarge."""
    body.length_of(request, too_long=RequestTooLarge)
    gate = _Gate(request, account, container, name)
    try:
        _, files = gate.parser.parse()
    except (MultiPartParserError, DjangoBadRequest, OSError):
        raise BadRequest("invalid form") from None
    if not gate.count:
        raise BadRequest("no files to process")
    try:
        _keep(request, files, gate, Path(account, container, name))
    except Fault as fault:
        if gate.fields.get("redirect"):
            return _redirected(gate.fields["redirect"], f"{fault.status} {fault.title}", fault.message)
        raise
    if gate.fields.get("redirect"):
        return _redirected(gate.fields["redirect"], "201 Created", "")
    return kit.empty(201)


class _Gate(FileUploadHandler):
    """Lets the files of a form in when the fields before them are signed, and no more than these allow."""

    def __init__(self, request: HttpRequest, account: str, container: str, name: str) -> None:
        super().__init__(request)
        self.fields: dict[str, str] = {}
        self.count = 0
        self._place = account, container, name
        self._most_bytes = 0
        handlers = [self, TemporaryFileUploadHandler(request)]
        self.parser = MultiPartParser(request.META, request, handlers, request.encoding or "utf-8")

    def new_file(self, *arguments: Any, **more: Any) -> None:
        super().new_file(*arguments, **more)
        if not self.count:
            given = self.parser._post.items()  # type: ignore[attr-defined]
            self.fields = {name: str(text) for name, text in given}
            self._let_in()
        self.count += 1
        if self.count > _number(self.fields.get("max_file_count", "")):
            raise BadRequest("max file count exceeded")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        if start + len(raw_data) > self._most_bytes:
            raise RequestTooLarge("max_file_size exceeded")
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The next handler has it."""

    def _let_in(self) -> None:
        """Whether the account's key has signed the fields. Raises Unauthorized, BadRequest."""
        fields, (account, container, name) = self.fields, self._place
        ends = fields.get("expires", "")
        if tempurl.moment(ends) < timezone.now().timestamp():
            raise Unauthorized("FormPost: Form Expired")
        self._most_bytes = min(_number(fields.get("max_file_size", "")), settings.PITHOS_MAX_UPLOAD_BYTES)
        names = ("redirect", "max_file_size", "max_file_count", "expires")
        rest = "\n".join(fields.get(one, "") for one in names)
        place = (
            f"{kit.PREFIX}{account}/{container}/" if not name else f"{kit.PREFIX}{account}/{container}/{name}"
        )
        request = self.request
        assert request is not None  # noqa: S101 - it was given
        signed = [f"{where}\n{rest}" for where in (*tempurl.places(request, place), *_bare(request, place))]
        try:
            only = tempurl.check(account, container, signed, fields.get("signature", ""))
        except tempurl.Invalid:
            raise Unauthorized("FormPost: Invalid Signature") from None
        tempurl.act(request, account, only)


def _bare(request: HttpRequest, place: str) -> list[str]:
    """The same without the slash at its end, as some clients sign a container."""
    return [one.rstrip("/") for one in tempurl.places(request, place) if one.endswith("/")]


def _keep(request: HttpRequest, files: MultiValueDict[str, UploadedFile], gate: _Gate, folder: Path) -> None:
    caller = kit.caller(request)
    for field in sorted(files):
        for file in files.getlist(field):
            path = folder.beside(folder.name + (file.name or ""))
            seen = objects.look(caller, path, objects.no_check)
            quotas.check(seen.container, seen.version, file.size)
            content = keep(blocks(), file.chunks(), settings.PITHOS_BACKEND_BLOCK_SIZE)
            stacks.put_by(caller, seen.container, path, seen.version)
            objects.write(
                caller, path, content, content_type=file.content_type or kit.OCTETS, attributes={}, seen=seen,
                expires=expiry.of_form(gate.fields),
            )  # fmt: skip


def _redirected(target: str, status: str, message: str) -> HttpResponse:
    """303 to a page that is told what became of it. Raises BadRequest for what is no address of a page."""
    if urlsplit(target).scheme not in ("http", "https"):
        raise BadRequest("The redirect is no address of a page.")
    mark = "&" if "?" in target else "?"
    response = kit.empty(303)
    response["Location"] = f"{target}{mark}status={quote(status.split()[0])}&message={quote(message)}"
    return response


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest("FormPost: max_file_size and max_file_count are numbers")
    return int(text)
