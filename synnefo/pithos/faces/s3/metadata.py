"""What is said of an object besides its content: ``x-amz-meta-...`` and headers that come back as they were.

They are the same attributes that other faces call ``X-Object-Meta-...``. Text that is not ASCII is told as
RFC 2047 has it, and understood so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.header import Header, decode_header, make_header
from urllib.parse import quote

from django.http.response import HttpResponseBase

from synnefo.pithos.faces.attributes import OBJECT_META, shaped
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked, text_of

OCTETS = "binary/octet-stream"
STANDARD = "STANDARD"
_META = "HTTP_X_AMZ_META_"
#: Of names and values together.
_MOST_BYTES = 2048
_KEPT = ("Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires")
_NOT_SENT = re.compile(r"[^\x20-\x7e]+")
#: What would be promised and not kept.
_REFUSED = (
    "x-amz-website-redirect-location",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-write-offset-bytes",
)


def given(asked: Asked) -> dict[str, str]:
    """All attributes of a request. Raises S3Error for too much of them."""
    found, size = {}, 0
    for key, raw in asked.request.META.items():
        if key.startswith(_META) and len(key) > len(_META):
            name, value = key[len(_META) :], _decoded(text_of(raw))
            size += len(name) + len(value.encode())
            found[OBJECT_META + shaped(name)] = value
    if size > _MOST_BYTES:
        raise S3Error("MetadataTooLarge", Size=str(size), MaxSizeAllowed=str(_MOST_BYTES))
    for name in _KEPT:
        if value := asked.header(name):
            found[name] = value
    if "Content-Encoding" in found:
        codings = [one.strip() for one in found["Content-Encoding"].split(",")]
        found["Content-Encoding"] = ",".join(one for one in codings if one and one != "aws-chunked")
    return found


def refuse_promises(asked: Asked) -> None:
    """Raises S3Error for headers that wish what is not here."""
    for name in _REFUSED:
        if asked.header(name):
            raise S3Error("NotImplemented", Header=name)
    if asked.header("x-amz-storage-class") not in ("", STANDARD):
        raise S3Error("InvalidStorageClass", StorageClassRequested=asked.header("x-amz-storage-class"))


def put(response: HttpResponseBase, attributes: Mapping[str, str]) -> None:
    for name, value in attributes.items():
        if name.startswith(OBJECT_META):
            response[f"x-amz-meta-{quote(name[len(OBJECT_META) :]).lower()}"] = _encoded(value)
        elif name in _KEPT:
            response[name] = sendable(value)


def sendable(text: str) -> str:
    """What is no printable ASCII is percent-encoded: not every server lets it through as it is."""
    return _NOT_SENT.sub(lambda found: quote(found[0]), text)


def _encoded(text: str) -> str:
    return text if not _NOT_SENT.search(text) else Header(text, "utf-8", maxlinelen=10_000).encode()


def _decoded(text: str) -> str:
    if not ("=?" in text and "?=" in text):
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, UnicodeError, LookupError, ValueError):
        return text
