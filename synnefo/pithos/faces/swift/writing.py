"""Changing objects: PUT, POST and DELETE of ``v1/AUTH_<uuid>/<container>/<object>``.

Content is stored block by block as it comes in, before anything is named; no transaction waits for it.
"""

from __future__ import annotations

import dataclasses
import mimetypes

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound, NotAllowed, RequestTooLarge, UnprocessableEntity
from synnefo.common.http.rendering import swift as rendered
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import EMPTY, Content, keep
from synnefo.pithos.faces import body, conditions
from synnefo.pithos.faces.swift import (
    bulk,
    copying,
    expiry,
    forms,
    kit,
    links,
    metadata,
    quotas,
    reports,
    slo,
    stacks,
    unsupported,
    versions,
)
from synnefo.pithos.faces.swift.following import Elsewhere, LinkBroken, etag, followed
from synnefo.pithos.faces.swift.links import Link
from synnefo.pithos.namespace import numbered, numbers, objects
from synnefo.pithos.namespace.models import SWIFT, Version
from synnefo.pithos.namespace.names import Path
from synnefo.pithos.namespace.objects import Check, Seen

_LINK = "application/symlink"


def put(request: HttpRequest, account: str, container: str, name: str) -> HttpResponseBase:
    """PUT: content, a copy, a link, the manifest of a large object, or a version that is brought back."""
    caller, path = kit.caller(request), Path(account, container, name)
    unsupported.in_object(request)
    if "extract-archive" in request.GET:
        return bulk.extract(request, account, container, name)
    if "version-id" in request.GET:
        return _restored(request, caller, path)
    large = request.GET.get("multipart-manifest") == "put"
    if "HTTP_X_COPY_FROM" in request.META:
        if large:
            raise NotAllowed("Multipart Manifest PUTs cannot be COPY requests")
        return copying.here(request, caller, path)
    if large:
        return _put_large(request, caller, path)
    link = links.asked(request, path)
    if link is not None:
        return _put_link(request, caller, path, link)
    return _put_content(request, caller, path)


def post(request: HttpRequest, account: str, container: str, name: str) -> HttpResponse:
    """POST: metadata, in place of all that there was."""
    if forms.is_one(request):
        return forms.post(request, account, container, name)
    caller, path = kit.caller(request), Path(account, container, name)
    unsupported.in_object(request)
    if "HTTP_X_SYMLINK_TARGET" in request.META:
        raise BadRequest("A PUT request is required to set a symlink target")
    attributes, until = metadata.of_object(request), expiry.asked(request)
    check, kind = check_of(request), kit.given_type(request)
    seen = objects.look(caller, path, check)
    if numbers.OPTION in seen.container.options:
        made = objects.describe(caller, path, attributes, content_type=kind, expires=until, check=check)
    else:
        made = objects.set_attributes(
            caller, path, attributes, merge=False, content_type=kind, check=check, expires=until
        )
    link = links.of(made.attributes, account)
    return kit.empty(202) if link is None else _elsewhere(link)


def delete(request: HttpRequest, account: str, container: str, name: str) -> HttpResponseBase:
    """DELETE: the object goes into history; with ``multipart-manifest`` its segments, too."""
    if "bulk-delete" in request.GET:
        return bulk.delete(request, account)
    caller, path = kit.caller(request), Path(account, container, name)
    if request.GET.get("multipart-manifest") == "delete":
        return bulk.delete_large(request, caller, path)
    if "version-id" in request.GET and not versions.is_plain(caller, path, request):
        return versions.remove(caller, path, kit.parameter(request, "version-id"))
    return bulk.delete_one(caller, path, expiry.check_end(request, check_of(request)))


def check_of(request: HttpRequest) -> Check:
    """The conditions of a request; what is over is not there. Raises BadRequest."""
    if request.method == "PUT" and request.META.get("HTTP_IF_NONE_MATCH", "*").strip() != "*":
        raise BadRequest("If-None-Match only supports *")
    holds = conditions.check(request)
    return lambda version: holds(None if version is not None and version.is_over else version)


def write(
    request: HttpRequest, caller: Caller, path: Path, seen: Seen, content: Content, *, kind: str,
    attributes: dict[str, str], check: Check, kept: dict[str, str] | None = None,
) -> Version:  # fmt: skip
    """Put content under a path, as its container's settings have it. Raises as ``objects.write`` does."""
    quotas.check(seen.container, seen.version, content.size_bytes)
    stacks.put_by(caller, seen.container, path, seen.version)
    made = objects.write(
        caller, path, content, content_type=kind, attributes=attributes, check=check, seen=seen,
        more={SWIFT: kept or {}}, expires=expiry.asked(request),
    )  # fmt: skip
    numbered.forget_replaced(seen.container, path.name)
    return made


def _put_content(request: HttpRequest, caller: Caller, path: Path) -> HttpResponse:
    attributes, kind = metadata.of_object(request), type_of(request, path.name)
    expiry.asked(request)
    check = check_of(request)
    length = body.length_of(request, too_long=RequestTooLarge)
    seen = objects.look(caller, path, check)
    quotas.check(seen.container, seen.version, length)
    pieces = body.pieces(request, too_long=RequestTooLarge)
    content = keep(blocks(), pieces, settings.PITHOS_BACKEND_BLOCK_SIZE)
    check_tag(request, content.md5)
    made = write(request, caller, path, seen, content, kind=kind, attributes=attributes, check=check)
    return told(seen, made)


def _put_link(request: HttpRequest, caller: Caller, path: Path, link: Link) -> HttpResponse:
    if any(True for _ in body.pieces(request, too_long=RequestTooLarge)):
        raise BadRequest("Symlink requests require a zero byte body")
    check, kind = check_of(request), kit.given_type(request)
    seen = objects.look(caller, path, check)
    if link.etag:
        try:
            target = _target_of(caller, link)
        except LinkBroken as broken:
            response = rendered(broken)
            response["Content-Location"] = broken.location
            return response
        kind, size = kind or target.content_type, str(target.size_bytes)
        if slo.is_one(target.attributes):
            size, large = str(slo.size_of(target.attributes)), slo.etag_of(target.attributes)
            link = dataclasses.replace(link, slo_etag=large)
        link = dataclasses.replace(link, size_bytes=size)
    made = write(
        request, caller, path, seen, EMPTY, kind=kind or _LINK, attributes=metadata.of_object(request),
        check=check, kept=link.kept(),
    )  # fmt: skip
    return told(seen, made)


def _target_of(caller: Caller, link: Link) -> Version:
    """What a static link leads to. Raises Forbidden, LinkBroken if it is not what the link says."""
    try:
        _, target, location = followed(caller, link.target, static_only=True)
    except Elsewhere as elsewhere:
        raise LinkBroken("X-Symlink-Target does not exist", elsewhere.location) from None
    except ItemNotFound:
        raise LinkBroken("X-Symlink-Target does not exist", link.location) from None
    further = links.of(target.attributes, link.target.account)
    if link.etag != (further.etag if further is not None and further.etag else etag(target)):
        words = f"Object Etag {etag(target)!r} does not match X-Symlink-Target-Etag header {link.etag!r}"
        raise LinkBroken(words, location or link.location)
    return target


def _put_large(request: HttpRequest, caller: Caller, path: Path) -> HttpResponseBase:
    attributes, kind, check = metadata.of_object(request), type_of(request, path.name), check_of(request)
    expiry.asked(request)
    segments = slo.wanted(request, path)
    seen = objects.look(caller, path, check)

    def store() -> HttpResponse:
        manifest = slo.made(caller, path.account, segments)
        check_tag(request, manifest.etag)
        content = keep(blocks(), [manifest.text], settings.PITHOS_BACKEND_BLOCK_SIZE)
        made = write(
            request, caller, path, seen, content, kind=kind, attributes=attributes, check=check,
            kept=manifest.kept(),
        )  # fmt: skip
        response = told(seen, made)
        response["ETag"] = f'"{manifest.etag}"'
        return response

    if kit.is_true(request.GET.get("heartbeat", "")):
        return reports.beating(request, store)
    try:
        return store()
    except slo.Refused as refused:
        return reports.refused(request, refused)


def _restored(request: HttpRequest, caller: Caller, path: Path) -> HttpResponse:
    if body.has_body(request):
        raise BadRequest("PUT version-id requests require a zero byte body")
    text = kit.parameter(request, "version-id")
    made = versions.restore(caller, path, text)
    response = kit.empty(201)
    response["ETag"] = etag(made)
    response["X-Object-Version-Id"] = str(made.pk)
    return response


def told(seen: Seen, made: Version) -> HttpResponse:
    """201, with what clients want to know of a version that was just made."""
    response = kit.empty(201)
    describe(response, made)
    versions.tell(response, seen.container, made)
    return response


def describe(headers: kit.Headers, made: Version) -> None:
    headers["ETag"] = etag(made)
    headers["Last-Modified"] = kit.last_modified(made.modified)


def check_tag(request: HttpRequest, md5: str) -> None:
    expected = request.META.get("HTTP_ETAG", "").strip().strip('"').lower()
    if expected and expected != md5:
        raise UnprocessableEntity("The content does not have the ETag that the request says.")


def _elsewhere(link: Link) -> HttpResponse:
    words = "The requested POST was applied to a symlink. POST directly to the target to apply it there."
    response = HttpResponse(words, status=307, content_type="text/plain")
    response["Location"] = link.location
    if link.etag:
        response["X-Symlink-Target-Etag"] = link.etag
    return response


def type_of(request: HttpRequest, name: str) -> str:
    """What is said, else what the name's ending means."""
    detect = kit.is_true(request.META.get("HTTP_X_DETECT_CONTENT_TYPE", ""))
    said = "" if detect else kit.given_type(request)
    return said or mimetypes.guess_type(name)[0] or kit.OCTETS
