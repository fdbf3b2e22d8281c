"""Tags of objects and buckets, as XML and as the header ``x-amz-tagging``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.http import HttpResponse

from synnefo.common.faults import BadRequest
from synnefo.pithos.faces.s3 import kit, versions, xml
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.namespace import options, tags

_OPTION = "tags"


def get_object(asked: Asked) -> HttpResponse:
    version = versions.found(asked)
    response = _answer(tags.of(version))
    versions.stamp(response, version, version.object.container)
    return response


def put_object(asked: Asked) -> HttpResponse:
    return _replaced(asked, parsed(asked.body(), tags.MOST_OF_OBJECT), 200)


def delete_object(asked: Asked) -> HttpResponse:
    return _replaced(asked, {}, 204)


def get_bucket(asked: Asked) -> HttpResponse:
    kept = options.get(asked.caller, asked.account, asked.bucket, _OPTION)
    if not kept:
        raise S3Error("NoSuchTagSet", BucketName=asked.bucket)
    return _answer(kept)


def put_bucket(asked: Asked) -> HttpResponse:
    given = parsed(asked.body(), tags.MOST_OF_CONTAINER)
    options.put(asked.caller, asked.account, asked.bucket, _OPTION, given or None)
    return kit.empty(204)


def delete_bucket(asked: Asked) -> HttpResponse:
    options.put(asked.caller, asked.account, asked.bucket, _OPTION, None)
    return kit.empty(204)


def parsed(body: bytes, most: int) -> dict[str, str]:
    """Raises S3Error (MalformedXML, InvalidTag)."""
    found = xml.parse(body, "Tagging").find("TagSet")
    if found is None or any(one.tag != "Tag" or one.find("Key") is None for one in found):
        raise S3Error("MalformedXML")
    return _checked([(one.findtext("Key") or "", one.findtext("Value") or "") for one in found], most)


def in_header(asked: Asked) -> dict[str, str]:
    """The tags that a new object is to have. Raises S3Error."""
    return of_text(asked.header("x-amz-tagging"))


def of_text(text: str) -> dict[str, str]:
    """``a=1&b=``, percent-encoded. Raises S3Error."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise S3Error("InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8.") from None
    return _checked(pairs, tags.MOST_OF_OBJECT)


def as_text(body: bytes) -> str:
    """What a form has as XML, as the header has it. Raises S3Error."""
    return urlencode(parsed(body, tags.MOST_OF_OBJECT))


def directive(asked: Asked) -> bool:
    """Whether a copy gets the tags of the request, not those of its source. Raises S3Error."""
    text = asked.header("x-amz-tagging-directive") or "COPY"
    if text not in ("COPY", "REPLACE"):
        raise S3Error("InvalidArgument", "Unknown tagging directive.")
    return text == "REPLACE"


def _checked(pairs: list[tuple[str, str]], most: int) -> dict[str, str]:
    given = dict(pairs)
    if len(given) < len(pairs):
        raise S3Error("InvalidTag", "Cannot provide multiple Tags with the same key")
    try:
        tags.check(given, most)
    except BadRequest as fault:
        raise S3Error("InvalidTag" if len(given) <= most else "BadRequest", fault.message) from None
    return given


def _replaced(asked: Asked, given: Mapping[str, str], status: int) -> HttpResponse:
    version = versions.found(asked)
    tags.replace(asked.caller, asked.path, version.pk, given)
    response = kit.empty(status)
    versions.stamp(response, version, version.object.container)
    return response


def _answer(kept: Mapping[str, str]) -> HttpResponse:
    found: list[dict[str, Any]] = [{"Key": key, "Value": value} for key, value in sorted(kept.items())]
    return kit.answer("Tagging", {"TagSet": {"Tag": found}})
