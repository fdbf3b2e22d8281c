"""Changing objects: PUT, POST, COPY and DELETE of ``v1/AUTH_<uuid>/<container>/<object>``.

Content is stored block by block as it comes in, before anything is named; no transaction waits for it.
"""

from __future__ import annotations

import mimetypes
from urllib.parse import quote, unquote_to_bytes

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import (
    BadRequest,
    Forbidden,
    NotImplementedFault,
    PreconditionFailed,
    RequestTooLarge,
    UnprocessableEntity,
)
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import keep
from synnefo.pithos.faces import body, conditions
from synnefo.pithos.faces.swift import kit, metadata, unsupported
from synnefo.pithos.faces.swift.objects import etag
from synnefo.pithos.namespace import objects
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.objects import Overrides, Path, Source

_TRUE = ("true", "1", "yes", "on", "t", "y")


def put(request: HttpRequest, account: str, container: str, name: str) -> HttpResponse:
    """PUT: content, or a copy."""
    caller, path = kit.caller(request), Path(account, container, name)
    unsupported.in_object(request)
    if "HTTP_X_COPY_FROM" in request.META:
        return _copy_here(request, caller, path)
    attributes, kind = metadata.of_object(request), _type(request, name)
    body.length_of(request, too_long=RequestTooLarge)
    check = conditions.check(request)
    seen = objects.look(caller, path, check)
    pieces = body.pieces(request, too_long=RequestTooLarge)
    content = keep(blocks(), pieces, settings.PITHOS_BACKEND_BLOCK_SIZE)
    _check_tag(request, content.md5)
    made = objects.write(
        caller, path, content, content_type=kind, attributes=attributes, check=check, seen=seen
    )
    return _made(made)


def post(request: HttpRequest, account: str, container: str, name: str) -> HttpResponse:
    """POST: metadata, in place of all that there was."""
    caller, path = kit.caller(request), Path(account, container, name)
    unsupported.in_object(request)
    objects.set_attributes(
        caller, path, metadata.of_object(request), merge=False, content_type=_given_type(request),
        check=conditions.check(request),
    )  # fmt: skip
    return kit.empty(202)


def copy(request: HttpRequest, account: str, container: str, name: str) -> HttpResponse:
    """COPY: to ``Destination``."""
    caller, origin = kit.caller(request), Path(account, container, name)
    unsupported.in_object(request)
    target = _location(request, account, "Destination")
    seen = _source(request, caller, origin)
    made = objects.copy(
        caller, Source(origin), target, _overrides(request), check_source=conditions.check(request)
    )
    return _copied(origin, seen, made)


def delete(request: HttpRequest, account: str, container: str, name: str) -> HttpResponse:
    """DELETE: the object goes into history."""
    caller = kit.caller(request)
    objects.delete(caller, Path(account, container, name), check=conditions.check(request))
    return kit.empty(204)


def _copy_here(request: HttpRequest, caller: Caller, target: Path) -> HttpResponse:
    origin = _location(request, target.account, "X-Copy-From")
    if body.has_body(request):
        raise BadRequest("Copy requests require a zero byte body")
    seen = _source(request, caller, origin)
    made = objects.copy(caller, Source(origin), target, _overrides(request), check=conditions.check(request))
    return _copied(origin, seen, made)


def _source(request: HttpRequest, caller: Caller, origin: Path) -> Version:
    """What is to be copied. Raises UnprocessableEntity if it is not what the request says."""
    if "HTTP_RANGE" in request.META:
        raise NotImplementedFault("Only whole objects are copied.")
    seen = objects.get(caller, origin)
    _check_tag(request, etag(seen))
    return seen


def _overrides(request: HttpRequest) -> Overrides:
    fresh = request.META.get("HTTP_X_FRESH_METADATA", "").lower() in _TRUE
    return Overrides(metadata.of_object(request), _given_type(request), fresh)


def _copied(origin: Path, seen: Version, made: Version) -> HttpResponse:
    response = _made(made)
    metadata.put_object(response, made.own_attributes)
    response["X-Copied-From"] = quote(f"{origin.container}/{origin.name}")
    response["X-Copied-From-Account"] = kit.PREFIX + origin.account
    response["X-Copied-From-Last-Modified"] = kit.last_modified(seen.modified)
    return response


def _made(version: Version) -> HttpResponse:
    response = kit.empty(201)
    response["ETag"] = etag(version)
    response["Last-Modified"] = kit.last_modified(version.modified)
    return response


def _check_tag(request: HttpRequest, md5: str) -> None:
    expected = request.META.get("HTTP_ETAG", "").strip().strip('"').lower()
    if expected and expected != md5:
        raise UnprocessableEntity("The content does not have the ETag that the request says.")


def _given_type(request: HttpRequest) -> str:
    return kit.text_of(request.META.get("CONTENT_TYPE") or "")


def _type(request: HttpRequest, name: str) -> str:
    """What is said, else what the name's ending means."""
    detect = request.META.get("HTTP_X_DETECT_CONTENT_TYPE", "").lower() in _TRUE
    said = "" if detect else _given_type(request)
    return said or mimetypes.guess_type(name)[0] or kit.OCTETS


def _location(request: HttpRequest, account: str, header: str) -> Path:
    """Where a header points to: ``<container>/<object>``, percent-encoded. Raises PreconditionFailed."""
    key = header.upper().replace("-", "_")
    try:
        text = unquote_to_bytes(kit.text_of(request.META.get(f"HTTP_{key}", ""))).decode()
    except UnicodeDecodeError:
        raise PreconditionFailed("Invalid UTF8 or contains NULL") from None
    container, _, name = text.removeprefix("/").partition("/")
    if not container or not name or "\x00" in text:
        raise PreconditionFailed(f"{header} header must be of the form <container name>/<object name>")
    other = request.META.get(f"HTTP_{key}_ACCOUNT", "")
    if other and not other.startswith(kit.PREFIX):
        raise Forbidden("Access was denied to this resource.")
    return Path(other.removeprefix(kit.PREFIX) or account, container, name)
