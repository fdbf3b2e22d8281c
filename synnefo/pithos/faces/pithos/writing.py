"""Changing objects: PUT, POST, COPY, MOVE and DELETE of ``v1/<account>/<container>/<object>``.

Content is stored block by block as it comes in, before anything is named; no transaction waits for it.
"""

from __future__ import annotations

import dataclasses
import json

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound, LengthRequired, UnprocessableEntity
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import Content, keep, md5_of, of_digests, read, replaced, shortened
from synnefo.pithos.blocks.hashing import HOLE, block_count, parse_hex
from synnefo.pithos.faces import body, conditions, ranges
from synnefo.pithos.faces.pithos import headers, kit, links, sharing
from synnefo.pithos.namespace import access, attached, known, objects
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.changes import Also
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.objects import ChangedMeanwhileError, Overrides, Path, Source

OCTETS = "application/octet-stream"
_MAX_HASHMAP_BYTES = 32 * 1024 * 1024
_ATTEMPTS = 20
_READ_AT_ONCE_BLOCKS = 16


def put(request: HttpRequest, account: str, container: str, name: str) -> HttpResponse:
    """PUT: content, a hash map of content that is stored, or a copy."""
    caller, path = kit.caller(request), Path(account, container, name)
    also = _wishes(request, caller, path)
    for kind in ("Copy", "Move"):
        source = headers.header(request, f"X-{kind}-From")
        if source is not None:
            return _copied(_copy_here(request, caller, path, source, moving=kind == "Move", also=also))
    if not request.META.get("CONTENT_TYPE"):
        raise LengthRequired("Missing Content-Type header")
    body.length_of(request)
    check = conditions.check(request)
    seen = objects.look(caller, path, check)
    attributes = headers.object_attributes(request)
    if "hashmap" in request.GET:
        content = _from_hashmap(request, caller, path, seen.version)
        if isinstance(content, HttpResponse):
            return content
    else:
        content = keep(blocks(), body.pieces(request), settings.PITHOS_BACKEND_BLOCK_SIZE)
        _check_md5(request, content)
    kind = request.META["CONTENT_TYPE"]
    made = objects.write(
        caller, path, content, content_type=kind, attributes=attributes, check=check, seen=seen, also=also
    )
    return _written(made, 201)


def post(request: HttpRequest, account: str, container: str, name: str) -> HttpResponse:
    """POST: a form, metadata, or content for a part of the object."""
    caller, path = kit.caller(request), Path(account, container, name)
    kind = request.META.get("CONTENT_TYPE", "")
    if kind.startswith("multipart/form-data"):
        return _form(request, caller, path)
    source = headers.header(request, "X-Source-Object")
    # Swift's clients send octets without any where they mean metadata.
    octets = kind == OCTETS and (body.has_body(request) or "HTTP_CONTENT_RANGE" in request.META)
    if octets or source is not None:
        return _change_content(request, caller, path, source)
    return _change_attributes(request, caller, path)


def copy(request: HttpRequest, account: str, container: str, name: str) -> HttpResponse:
    return _to_destination(request, Path(account, container, name), moving=False)


def move(request: HttpRequest, account: str, container: str, name: str) -> HttpResponse:
    return _to_destination(request, Path(account, container, name), moving=True)


def delete(request: HttpRequest, account: str, container: str, name: str) -> HttpResponse:
    """DELETE: the object; with a delimiter all below it, with ``until`` its versions up to then."""
    caller, path, until = kit.caller(request), Path(account, container, name), kit.until(request)
    if until is not None:
        objects.purge(caller, path, until)
    else:
        _delete(caller, path, request.GET.get("delimiter", ""), conditions.check(request))
    return kit.empty(204)


def _delete(caller: Caller, path: Path, delimiter: str, check: objects.Check) -> None:
    """Raises as the rule does; of what was there once it says so."""
    try:
        objects.delete(caller, path, delimiter=delimiter, check=check)
    except ItemNotFound:
        objects.versions(caller, path)
        raise ItemNotFound("Object is deleted.") from None


def _wishes(request: HttpRequest, caller: Caller, path: Path) -> Also:
    """What the request says of sharing and publishing, for the change that it is about.

    Raises BadRequest, Forbidden.
    """
    return attached.together(sharing.wish(request, caller, path), links.wish(request, caller, path))


def _written(version: Version, status: int) -> HttpResponse:
    response = kit.empty(status)
    response["ETag"] = conditions.etag(version)
    response["X-Object-Version"] = str(version.pk)
    return response


def _check_md5(request: HttpRequest, content: Content) -> None:
    expected = request.META.get("HTTP_ETAG", "").strip().strip('"').lower()
    if expected and expected != content.md5:
        raise UnprocessableEntity("Object ETag does not match")


def _from_hashmap(
    request: HttpRequest, caller: Caller, path: Path, there: Version | None
) -> Content | HttpResponse:
    """The content that a hash map names, or the list of the blocks that are missing for the caller."""
    size_bytes, hashes = _parsed_hashmap(request)
    try:
        digests = [parse_hex(text) for text in hashes]
    except ValueError:
        raise BadRequest("Invalid data formatting") from None
    missing = known.missing(caller, digests, there if access.may(caller, path, Right.READ) else None)
    if missing:
        return kit.answer_json([digest.hex() for digest in missing], 409)
    return _with_md5(of_digests(digests, size_bytes))


def _parsed_hashmap(request: HttpRequest) -> tuple[int, list[str]]:
    try:
        given = json.loads(body.whole(request, _MAX_HASHMAP_BYTES))
        size_bytes, hashes = given["bytes"], given["hashes"]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise BadRequest("Invalid data formatting") from None
    texts = isinstance(hashes, list) and all(isinstance(text, str) for text in hashes)
    if type(size_bytes) is not int or not 0 <= size_bytes < 2**62 or not texts:
        raise BadRequest("Invalid data formatting")
    if size_bytes == 0 and hashes == [HOLE.hex()]:
        hashes = []
    if len(hashes) != block_count(size_bytes, settings.PITHOS_BACKEND_BLOCK_SIZE):
        raise BadRequest("The object's size does not match with the object's hashmap length")
    return size_bytes, hashes


def _with_md5(content: Content) -> Content:
    """MD5 of content that nobody has read whole: at once if it is short; long content gets it later."""
    block_size = settings.PITHOS_BACKEND_BLOCK_SIZE
    short = content.size_bytes <= _READ_AT_ONCE_BLOCKS * block_size
    if content.md5 or not (short and settings.PITHOS_UPDATE_MD5):
        return content
    return dataclasses.replace(content, md5=md5_of(blocks(), content, block_size))


def _change_attributes(request: HttpRequest, caller: Caller, path: Path) -> HttpResponse:
    """A new version with other metadata; none if an update brings nothing."""
    attributes, merge = headers.object_attributes(request), "update" in request.GET
    check, response = conditions.check(request), kit.empty(202)
    check(objects.look(caller, path, objects.must_exist).version)
    also = _wishes(request, caller, path)
    if merge and not attributes:
        attached.beside(access.object(caller, path, Right.WRITE), path.name, also)
        return response
    made = objects.set_attributes(caller, path, attributes, merge=merge, check=check, also=also)
    response["X-Object-Version"] = str(made.pk)
    return response


def _form(request: HttpRequest, caller: Caller, path: Path) -> HttpResponse:
    objects.find(caller, path)
    body.length_of(request)
    file = request.FILES.get("X-Object-Data")
    if not isinstance(file, UploadedFile):
        raise BadRequest("Missing X-Object-Data field")
    content = keep(blocks(), file.chunks(), settings.PITHOS_BACKEND_BLOCK_SIZE)
    kind = file.content_type or OCTETS
    made = objects.write(caller, path, content, content_type=kind, attributes={})
    response = HttpResponse(content.md5, status=201, content_type=kit.content_type("text"))
    response["ETag"], response["X-Object-Version"] = conditions.etag(made), str(made.pk)
    return response


def _copy_here(
    request: HttpRequest, caller: Caller, path: Path, source: str, *, moving: bool, also: Also
) -> Version:
    account = headers.header(request, "X-Source-Account") or caller.user
    origin = _location(source, account, "X-Move-From" if moving else "X-Copy-From")
    check, delimiter = conditions.check(request), request.GET.get("delimiter", "")
    more = _overrides(request)
    if moving:
        return objects.move(caller, origin, path, more, delimiter=delimiter, check=check, also=also)
    wanted = Source(origin, _source_version(request))
    return objects.copy(caller, wanted, path, more, delimiter=delimiter, check=check, also=also)


def _to_destination(request: HttpRequest, path: Path, *, moving: bool) -> HttpResponse:
    caller = kit.caller(request)
    text = headers.header(request, "Destination")
    if not text:
        raise BadRequest("Missing Destination header")
    account = headers.header(request, "Destination-Account") or caller.user
    target = _location(text, account, "Destination")
    also = _wishes(request, caller, target)
    check, delimiter = conditions.check(request), request.GET.get("delimiter", "")
    if moving:
        made = objects.move(
            caller, path, target, _overrides(request), delimiter=delimiter, check_source=check, also=also
        )
    else:
        made = objects.copy(
            caller, Source(path, _source_version(request)), target, _overrides(request),
            delimiter=delimiter, check_source=check, also=also,
        )  # fmt: skip
    return _copied(made)


def _copied(version: Version) -> HttpResponse:
    response = kit.empty(201)
    response["X-Object-Version"] = str(version.pk)
    return response


def _overrides(request: HttpRequest) -> Overrides:
    kind = "" if "ignore_content_type" in request.GET else request.META.get("CONTENT_TYPE", "")
    return Overrides(headers.object_attributes(request), kind)


def _location(text: str, account: str, header: str) -> Path:
    """``/<container>/<object>``. Raises BadRequest."""
    start, slash, rest = text.partition("/")
    container, _, name = rest.partition("/")
    if start or not slash or not container or not name:
        raise BadRequest(f"Invalid {header} header")
    return Path(account, container, name)


def _source_version(request: HttpRequest) -> int | None:
    text = headers.header(request, "X-Source-Version")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest("Invalid X-Source-Version header")
    return int(text)


def _change_content(request: HttpRequest, caller: Caller, path: Path, source: str | None) -> HttpResponse:
    """Write a body, or the beginning of another object, over a part of this one."""
    check, also = conditions.check(request), _wishes(request, caller, path)
    check(objects.get(caller, path))
    text = headers.header(request, "Content-Range")
    if text is None:
        raise BadRequest("Missing Content-Range header")
    where = ranges.written(text)
    cut_at = _cut_at(request)
    if source is None:
        length = body.length_of(request)
        if where.length is not None and length is not None and length != where.length:
            raise BadRequest("Content length does not match range length")
        where.offset(objects.get(caller, path).size_bytes)
        patch = keep(blocks(), body.pieces(request), settings.PITHOS_BACKEND_BLOCK_SIZE)
    else:
        patch = _beginning(request, caller, source, where.length)
    if where.length is None:
        where = dataclasses.replace(where, length=patch.size_bytes)
    if where.length != patch.size_bytes:
        raise BadRequest("Content length does not match range length")
    for _ in range(_ATTEMPTS):
        seen = objects.get(caller, path)
        content = _patched(seen.content, patch, where.offset(seen.size_bytes), cut_at)
        try:
            return _written(objects.rewrite(caller, path, seen, content, check, also), 204)
        except ChangedMeanwhileError:
            continue
    raise Conflict("The object is being changed by others all the time; try again.")


def _cut_at(request: HttpRequest) -> int | None:
    text = headers.header(request, "X-Object-Bytes")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadRequest("Invalid X-Object-Bytes header")
    return int(text)


def _beginning(request: HttpRequest, caller: Caller, source: str, length: int | None) -> Content:
    """The first bytes of the object that ``X-Source-Object`` names; all of them without a length."""
    account = headers.header(request, "X-Source-Account") or caller.user
    origin = _location(source, account, "X-Source-Object")
    content = objects.get(caller, origin, _source_version(request)).content
    if length is not None and length > content.size_bytes:
        raise BadRequest("Object length is smaller than range length")
    wanted = content.size_bytes if length is None else length
    return shortened(blocks(), content, wanted, settings.PITHOS_BACKEND_BLOCK_SIZE)


def _patched(old: Content, patch: Content, offset: int, cut_at: int | None) -> Content:
    store, block_size = blocks(), settings.PITHOS_BACKEND_BLOCK_SIZE
    patch_bytes = read(store, patch, block_size, 0, patch.size_bytes)
    content, _ = replaced(store, old, patch_bytes, offset, block_size)
    if cut_at is not None and cut_at < content.size_bytes:
        content = shortened(store, content, cut_at, block_size)
    return _with_md5(content)
