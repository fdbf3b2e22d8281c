"""``X-Object-Meta-Foo: bar`` and its like, in and out. Values are plain text in UTF-8."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote_to_bytes

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from synnefo.common.faults import BadRequest
from synnefo.pithos.faces.attributes import OBJECT_META, shaped
from synnefo.pithos.faces.swift import kit
from synnefo.pithos.namespace.manifests import MANIFEST

MAX_NAME = 128
MAX_VALUE = 256
MAX_OVERALL = 4096

#: Headers of an object that come back with it as they were given: they mean something to who reads it alone.
_KEPT = {
    f"HTTP_{name.upper().replace('-', '_')}": name
    for name in (
        "Cache-Control",
        "Content-Disposition",
        "Content-Encoding",
        "Content-Language",
        "Expires",
        "X-Robots-Tag",
    )
}
_NOT_SENT = re.compile(r"[\x00-\x1f\x7f]+")


def given(request: HttpRequest, kind: str) -> dict[str, str]:
    """Metadata of an ``Account``, ``Container`` or ``Object``; an empty value asks for its removal.

    Raises BadRequest for too much of it.
    """
    wanted = _prefixed(request, f"X-{kind}-Meta-")
    _check(wanted)
    return {**dict.fromkeys(_prefixed(request, f"X-Remove-{kind}-Meta-"), ""), **wanted}


def check_together(old: Mapping[str, str], new: Mapping[str, str]) -> None:
    """Whether what is there and what comes to it is not too much. Raises BadRequest."""
    _check({name: value for name, value in {**old, **new}.items() if value})


def of_object(request: HttpRequest) -> dict[str, str]:
    """All that a request says about an object and that is kept with it. Raises BadRequest."""
    found = {OBJECT_META + name: value for name, value in given(request, "Object").items()}
    # Objects have metadata without a value, too, which is no wish to remove it; headers lose the space.
    found |= dict.fromkeys(
        (OBJECT_META + name for name, value in _prefixed(request, "X-Object-Meta-").items() if not value), " "
    )
    for key, name in _KEPT.items():
        if key in request.META:
            found[name] = kit.text_of(request.META[key])
    if manifest := request.META.get("HTTP_X_OBJECT_MANIFEST", ""):
        found[MANIFEST] = _manifest(manifest)
    return found


def _manifest(text: str) -> str:
    """``<container>/<prefix>`` of a dynamic large object. Raises BadRequest."""
    try:
        found = unquote_to_bytes(kit.text_of(text)).decode()
    except UnicodeDecodeError:
        raise BadRequest("X-Object-Manifest must be UTF-8") from None
    container, _, prefix = found.partition("/")
    if not container or not prefix or any(mark in text for mark in "?&") or prefix.startswith("/"):
        raise BadRequest("X-Object-Manifest must be in the format container/prefix")
    return found


def put(response: HttpResponseBase, kind: str, attributes: Mapping[str, str]) -> None:
    for name, value in attributes.items():
        response[f"X-{kind}-Meta-{quote(name)}"] = sendable(value)


def put_object(response: kit.Headers, attributes: Mapping[str, str]) -> None:
    for name, value in attributes.items():
        if name.startswith(OBJECT_META) or name in _KEPT.values():
            response[quote(name)] = sendable(value)


def sendable(text: str) -> str:
    """As headers carry it: UTF-8 byte by byte; what would end a line is percent-encoded."""
    return _NOT_SENT.sub(lambda found: quote(found[0]), text).encode().decode("latin-1")


def _prefixed(request: HttpRequest, prefix: str) -> dict[str, str]:
    start = "HTTP_" + prefix.upper().replace("-", "_")
    return {
        shaped(name[len(start) :]): kit.text_of(value)
        for name, value in request.META.items()
        if name.startswith(start)
    }


def _check(items: Mapping[str, str]) -> None:
    most: int = settings.PITHOS_RESOURCE_MAX_METADATA
    if len(items) > most:
        raise BadRequest(f"Too many metadata items; max {most}")
    if sum(len(name.encode()) + len(value.encode()) for name, value in items.items()) > MAX_OVERALL:
        raise BadRequest(f"Total metadata too large; max {MAX_OVERALL}")
    for name, value in items.items():
        if not name:
            raise BadRequest("Metadata name cannot be empty")
        if len(name) > MAX_NAME:
            raise BadRequest(f"Metadata name too long: {name}; max {MAX_NAME}")
        if len(value.encode()) > MAX_VALUE:
            raise BadRequest(f"Metadata value longer than {MAX_VALUE}: {name}")
