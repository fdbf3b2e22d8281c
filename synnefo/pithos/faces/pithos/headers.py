"""Metadata and policies in headers: ``X-Object-Meta-Foo: bar`` and its like, in and out."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from synnefo.common.faults import BadRequest
from synnefo.pithos.faces.attributes import OBJECT_META, shaped

MOST = 90
MAX_NAME = 128
MAX_VALUE = 256

_KEPT = '/=,:@; "'
#: Headers of an object that are kept as they come, beside its metadata.
_PLAIN = {
    "HTTP_CONTENT_ENCODING": "Content-Encoding",
    "HTTP_CONTENT_DISPOSITION": "Content-Disposition",
    "HTTP_X_OBJECT_MANIFEST": "X-Object-Manifest",
}


def header(request: HttpRequest, name: str) -> str | None:
    """A header's value, percent-decoded; None if it was not sent. Raises BadRequest."""
    value = request.META.get("HTTP_" + name.upper().replace("-", "_"))
    return None if value is None else _decoded(value)


def prefixed(request: HttpRequest, prefix: str, longest: int = MAX_VALUE) -> dict[str, str]:
    """What follows the prefix, as ``Foo-Bar``, and its value; a lone ``~`` stands for an empty one.

    Raises BadRequest for too many, or for too long ones.
    """
    start = "HTTP_" + prefix.upper().replace("-", "_")
    given = {name[len(start) :]: value for name, value in request.META.items() if name.startswith(start)}
    if len(given) > MOST:
        raise BadRequest("Too many headers.")
    found = {}
    for name, value in given.items():
        key, text = shaped(_decoded(name)), _decoded(value).replace("~", "")
        if len(prefix) + len(key) > MAX_NAME:
            raise BadRequest("Header name too large.")
        if len(text) > longest:
            raise BadRequest("Header value too large.")
        if key:
            found[key] = text
    return found


def object_attributes(request: HttpRequest) -> dict[str, str]:
    """All that a request says about an object and that is kept with it."""
    found = {OBJECT_META + key: value for key, value in prefixed(request, OBJECT_META).items()}
    for name, key in _PLAIN.items():
        if name in request.META:
            found[key] = _decoded(request.META[name])
            if len(found[key]) > MAX_VALUE:
                raise BadRequest("Header value too large.")
    return found


def policy(request: HttpRequest) -> dict[str, str]:
    return {key.lower(): value for key, value in prefixed(request, "X-Container-Policy-").items()}


def put_prefixed(response: HttpResponseBase, prefix: str, items: Mapping[str, str]) -> None:
    for key, value in items.items():
        response[prefix + quote(key)] = encoded(value)


def encoded(value: str) -> str:
    return quote(value, safe=_KEPT)


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise BadRequest("Bad character in headers.") from None
