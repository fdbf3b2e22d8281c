"""Reading objects: HEAD and GET of ``v1/<account>/<container>/<object>``."""

from __future__ import annotations

import datetime
from urllib.parse import quote
from xml.etree import ElementTree

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date

from synnefo.common.caller import Caller
from synnefo.common.faults import ItemNotFound
from synnefo.pithos.blocks.hashing import ALGORITHM
from synnefo.pithos.faces import conditions, wholes
from synnefo.pithos.faces.pithos import content, headers, kit, links, sharing
from synnefo.pithos.faces.pithos.content import Shown
from synnefo.pithos.namespace import access, objects
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import EMPTY_HASH, Version, timestamp
from synnefo.pithos.namespace.objects import Path


def head(request: HttpRequest, account: str, container: str, name: str) -> HttpResponse:
    return described(request, kit.caller(request), Path(account, container, name))


def show(request: HttpRequest, account: str, container: str, name: str) -> HttpResponseBase:
    """GET: the content, some of it, its block hashes, or the list of versions."""
    return answer(request, kit.caller(request), Path(account, container, name))


def described(request: HttpRequest, caller: Caller, path: Path) -> HttpResponse:
    """What the object is, without its content, for somebody who is known."""
    version = _version(request, caller, path)
    shown = content.shown(caller, path.account, path.name, version)
    _check(request, shown)
    response = HttpResponse(content_type=shown.content_type)
    _describe(request, response, caller, path, shown)
    response["Content-Length"] = str(shown.content.size_bytes)
    return response


def answer(request: HttpRequest, caller: Caller, path: Path) -> HttpResponseBase:
    """The content, its block hashes or the list of versions, as the request asks."""
    if request.GET.get("version") == "list":
        return _versions(request, caller, path)
    version = _version(request, caller, path)
    if "hashmap" in request.GET:
        shown = Shown(version, path.name, version.content, conditions.etag(version))
        _check(request, shown)
        wholes.require_available(version)
        response: HttpResponseBase = _hashmap(request, shown)
    else:
        shown = content.shown(caller, path.account, path.name, version, strict=True)
        _check(request, shown)
        response = content.sent(request, shown)
    _describe(request, response, caller, path, shown)
    return response


def _version(request: HttpRequest, caller: Caller, path: Path) -> Version:
    asked = request.GET.get("version")
    if asked is None:
        try:
            return objects.get(caller, path)
        except ItemNotFound:  # also where there is no such container
            raise ItemNotFound("Object does not exist") from None
    access.object(caller, path, Right.READ)
    number = kit.number(request, "version")
    if number is None:
        raise ItemNotFound("Version does not exist")
    return objects.get(caller, path, number)


def _check(request: HttpRequest, shown: Shown) -> None:
    conditions.check_read(request, shown.version, shown.etag)
    conditions.check_dates(request, _changed(request, shown.version))


def _changed(request: HttpRequest, version: Version) -> datetime.datetime:
    """When the object changed last, whichever version of it is asked for."""
    if "version" not in request.GET:
        return version.modified
    return Version.objects.filter(object=version.object_id).latest("pk").modified


def _describe(
    request: HttpRequest, response: HttpResponseBase, caller: Caller, path: Path, shown: Shown
) -> None:
    version = shown.version
    content.describe(response, shown)
    kit.stamp(response, _changed(request, version))
    response["X-Object-Hash"] = version.hash
    response["X-Object-UUID"] = version.uuid
    response["X-Object-Version"] = str(version.pk)
    response["X-Object-Version-Timestamp"] = http_date(version.modified.timestamp())
    response["X-Object-Modified-By"] = version.modified_by
    for key, value in version.own_attributes.items():
        if key not in response:
            response[quote(key)] = headers.encoded(value)
    if "version" not in request.GET:
        sharing.describe(response, caller, path, version)
        links.describe(request, response, caller, path, version)


def _versions(request: HttpRequest, caller: Caller, path: Path) -> HttpResponse:
    found = objects.versions(caller, path)
    if kit.serialization(request, "json") != "xml":
        return kit.answer_json({"versions": [[number, timestamp(moment)] for number, moment in found]})
    root = ElementTree.Element("object", name=path.name)
    for number, moment in found:
        ElementTree.SubElement(root, "version", timestamp=timestamp(moment)).text = str(number)
    return kit.answer_xml(root)


def _hashmap(request: HttpRequest, shown: Shown) -> HttpResponse:
    version = shown.version
    hashes = [digest.hex() for digest in version.content.digests] or [EMPTY_HASH]
    about = {
        "block_size": settings.PITHOS_BACKEND_BLOCK_SIZE,
        "block_hash": ALGORITHM,
        "bytes": version.size_bytes,
    }
    if kit.serialization(request, "json") != "xml":
        response = kit.answer_json({**about, "hashes": hashes})
    else:
        texts = {key: str(value) for key, value in about.items()}
        root = ElementTree.Element("object", {"name": shown.name, **texts})
        for text in hashes:
            ElementTree.SubElement(root, "hash").text = text
        response = kit.answer_xml(root)
    response["Content-Type"] = shown.content_type
    return response
