"""Reading objects: HEAD and GET of ``v1/<account>/<container>/<object>``."""

from __future__ import annotations

from urllib.parse import quote
from xml.etree import ElementTree

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date

from synnefo.common.caller import Caller
from synnefo.common.faults import ItemNotFound
from synnefo.pithos.blocks.hashing import ALGORITHM
from synnefo.pithos.faces import conditions, ranges, streams
from synnefo.pithos.faces.pithos import headers, kit
from synnefo.pithos.faces.ranges import Span
from synnefo.pithos.namespace import access, objects
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import EMPTY_HASH, Version, timestamp
from synnefo.pithos.namespace.objects import Path


def head(request: HttpRequest, account: str, container: str, name: str) -> HttpResponse:
    path = Path(account, container, name)
    version = _version(request, kit.caller(request), path)
    _check(request, version)
    response = HttpResponse(content_type=type_of(version))
    _describe(response, version)
    response["Content-Length"] = str(version.size_bytes)
    return response


def show(request: HttpRequest, account: str, container: str, name: str) -> HttpResponseBase:
    """GET: the content, some of it, its block hashes, or the list of versions."""
    caller, path = kit.caller(request), Path(account, container, name)
    if request.GET.get("version") == "list":
        return _versions(request, caller, path)
    version = _version(request, caller, path)
    _check(request, version)
    if "hashmap" in request.GET:
        response: HttpResponseBase = _hashmap(request, version, name)
    else:
        response = _content(request, version)
        response["Content-Disposition"] = _disposition(request, version, name)
    _describe(response, version)
    return response


def type_of(version: Version) -> str:
    return version.content_type or "application/octet-stream"


def _version(request: HttpRequest, caller: Caller, path: Path) -> Version:
    asked = request.GET.get("version")
    if asked is None:
        return objects.get(caller, path)
    access.object(caller, path, Right.READ)
    number = kit.number(request, "version")
    if number is None:
        raise ItemNotFound("Version does not exist")
    return objects.get(caller, path, number)


def _check(request: HttpRequest, version: Version) -> None:
    conditions.check_read(request, version, conditions.etag(version))
    conditions.check_dates(request, version.modified)


def _describe(response: HttpResponseBase, version: Version) -> None:
    response["Content-Security-Policy"] = streams.STRANGER
    response["ETag"] = conditions.etag(version)
    response["Available"] = "1"
    response["X-Object-Hash"] = version.hash
    response["X-Object-UUID"] = version.uuid
    response["X-Object-Version"] = str(version.pk)
    response["X-Object-Version-Timestamp"] = http_date(version.modified.timestamp())
    response["X-Object-Modified-By"] = version.modified_by
    for key, value in version.own_attributes.items():
        if key not in response:  # a disposition that was asked for wins
            response[quote(key)] = headers.encoded(value)
    kit.stamp(response, version.modified)


def _disposition(request: HttpRequest, version: Version, name: str) -> str:
    asked = request.GET.get("disposition-type")
    stored = version.own_attributes.get("Content-Disposition", "")
    if stored and asked not in ("inline", "attachment"):
        return headers.encoded(stored)
    kind = asked if asked in ("inline", "attachment") else "inline"
    return f'{kind}; filename="{quote(name, safe="/=,:@; ")}"'


def _versions(request: HttpRequest, caller: Caller, path: Path) -> HttpResponse:
    found = objects.versions(caller, path)
    if kit.serialization(request, "json") != "xml":
        return kit.answer_json({"versions": [[number, timestamp(moment)] for number, moment in found]})
    root = ElementTree.Element("object", name=path.name)
    for number, moment in found:
        ElementTree.SubElement(root, "version", timestamp=timestamp(moment)).text = str(number)
    return kit.answer_xml(root)


def _hashmap(request: HttpRequest, version: Version, name: str) -> HttpResponse:
    hashes = [digest.hex() for digest in version.content.digests] or [EMPTY_HASH]
    about = {
        "block_size": settings.PITHOS_BACKEND_BLOCK_SIZE,
        "block_hash": ALGORITHM,
        "bytes": version.size_bytes,
    }
    if kit.serialization(request, "json") != "xml":
        response = kit.answer_json({**about, "hashes": hashes})
    else:
        root = ElementTree.Element(
            "object", {"name": name, **{key: str(value) for key, value in about.items()}}
        )
        for text in hashes:
            ElementTree.SubElement(root, "hash").text = text
        response = kit.answer_xml(root)
    response["Content-Type"] = type_of(version)
    return response


def _content(request: HttpRequest, version: Version) -> HttpResponseBase:
    content, kind = version.content, type_of(version)
    spans = _spans(request, version)
    if spans is None:
        return streams.whole(content, kind)
    if len(spans) == 1:
        return streams.part(content, spans[0], kind)
    return streams.parts(content, spans, "Content-Transfer-Encoding: binary")


def _spans(request: HttpRequest, version: Version) -> list[Span] | None:
    header, condition = request.META.get("HTTP_RANGE", ""), request.META.get("HTTP_IF_RANGE", "").strip()
    if not header:
        return None
    if condition:
        tags = {conditions.etag(version), version.hash, http_date(version.modified.timestamp())}
        if condition.removeprefix("W/").strip('"') not in tags:
            return None
    return ranges.asked(header, version.size_bytes)
