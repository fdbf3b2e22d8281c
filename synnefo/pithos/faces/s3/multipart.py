"""Uploads in parts: begun, filled, completed, given up. ``parts`` lists them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import Content, keep, read
from synnefo.pithos.checksums import ALGORITHMS, Watched
from synnefo.pithos.faces.s3 import (
    access,
    checksums,
    conditions,
    copying,
    kit,
    metadata,
    objects,
    tagging,
    versions,
    xml,
)
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.grants import Grant
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.faces.s3.patience import patiently
from synnefo.pithos.namespace import numbered, tags
from synnefo.pithos.namespace.models import PITHOS, S3, TAGS, Version
from synnefo.pithos.uploads import facts, rules
from synnefo.pithos.uploads.joining import cut_out
from synnefo.pithos.uploads.models import Upload
from synnefo.pithos.uploads.rules import MOST_PARTS

_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{1,18})", re.ASCII)
_GRANT = "grant-"
#: What is joined before clients begin to wonder, whatever has to be read for it.
_LONG_BYTES = 1024**3


def begin(asked: Asked) -> HttpResponse:
    metadata.refuse_promises(asked)
    algorithm = checksums.algorithm(asked)
    kind = checksums.upload_type(asked, algorithm)
    attributes = {
        PITHOS: metadata.given(asked),
        TAGS: tags.attributes(tagging.in_header(asked)),
        S3: _kept(access.granted(asked)),
    }
    upload = rules.begin(
        asked.caller, asked.path, content_type=objects.type_of(asked), attributes=attributes,
        checksum_algorithm=algorithm, checksum_type=kind,
    )  # fmt: skip
    told = {"Bucket": asked.bucket, "Key": asked.key, "UploadId": upload.uuid}
    response = kit.answer("InitiateMultipartUploadResult", told)
    if algorithm:
        response["x-amz-checksum-algorithm"], response["x-amz-checksum-type"] = algorithm, kind
    return response


def put(asked: Asked) -> HttpResponse:
    """A part, out of the body or out of another object."""
    if asked.header("x-amz-copy-source"):
        return _copy(asked)
    number, upload = _number(asked), _upload(asked)
    incoming, payload = checksums.incoming(asked), asked.payload()
    _require_algorithm(upload, incoming.algorithm)
    rules.check_room(asked.caller, upload, payload.size_bytes or 0)
    watched = incoming.watch(payload, upload.checksum_algorithm)
    content = keep(blocks(), watched, settings.PITHOS_BACKEND_BLOCK_SIZE, inline_bytes=0)
    kit.check_md5(asked, content.md5)
    values = incoming.verified(payload.trailers)
    rules.put_part(upload, number, content, values)
    response = kit.empty()
    response["ETag"] = f'"{content.md5}"'
    for name, value in checksums.headers(values).items():
        response[name] = value
    return response


def _copy(asked: Asked) -> HttpResponse:
    number, upload = _number(asked), _upload(asked)
    source = copying.source_of(asked)
    start, stop = _span(asked, source)
    rules.check_room(asked.caller, upload, stop - start)
    store, block_size = blocks(), settings.PITHOS_BACKEND_BLOCK_SIZE
    piece = cut_out(store, source.content, start, stop, block_size)
    watched = Watched(
        read(store, piece, block_size, 0, piece.size_bytes), filter(None, [upload.checksum_algorithm])
    )
    md5 = hashlib.md5(usedforsecurity=False)
    for data in watched:
        md5.update(data)
    content = Content(piece.packed, piece.size_bytes, md5.hexdigest())
    part = rules.put_part(upload, number, content, watched.values())
    told = {"LastModified": part.modified, "ETag": f'"{part.checksum}"', **_elements(part.checksums)}
    response = kit.answer("CopyPartResult", told)
    response["x-amz-copy-source-version-id"] = versions.id_of(source, source.object.container)
    return response


def complete(asked: Asked) -> HttpResponseBase:
    """Joined at once, or while the client is told to wait."""
    is_long = rules.waiting_bytes(asked.query["uploadId"]) > _LONG_BYTES
    return patiently(asked, _complete) if is_long else _complete(asked)


def _complete(asked: Asked) -> HttpResponse:
    wanted = rules.Wanted(_parts(asked.body()), *_whole(asked))
    upload = rules.complete(
        asked.caller, asked.path, asked.query["uploadId"], wanted, check=conditions.of_write(asked),
        wish=lambda begun: access.wish(asked, _granted(begun)),
    )  # fmt: skip
    version = Version.objects.select_related("object__container").filter(pk=upload.version or 0).first()
    told = {
        "Location": asked.request.build_absolute_uri(), "Bucket": asked.bucket, "Key": asked.key,
        "ETag": f'"{upload.etag}"', **(checksums.elements(facts.of(version)) if version else {}),
    }  # fmt: skip
    response = kit.answer("CompleteMultipartUploadResult", told)
    if version is not None:
        numbered.forget_replaced(version.object.container, asked.key)
        versions.stamp(response, version, version.object.container)
    return response


def abort(asked: Asked) -> HttpResponse:
    rules.abort(asked.caller, asked.path, asked.query["uploadId"])
    return kit.empty(204)


def _upload(asked: Asked) -> Upload:
    return rules.find(asked.caller, asked.path, asked.query["uploadId"])


def _number(asked: Asked) -> int:
    text = asked.query.get("partNumber", "")
    if text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST_PARTS:
        return int(text)
    about = {"ArgumentName": "partNumber", "ArgumentValue": text}
    message = f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive"
    raise S3Error("InvalidArgument", message, **about)


def _require_algorithm(upload: Upload, given: str) -> None:
    wanted = upload.checksum_algorithm
    if wanted and given not in ("", wanted):
        raise S3Error(
            "InvalidRequest",
            f"Checksum Type mismatch occurred, expected checksum Type: {wanted.lower()}, "
            f"actual checksum Type: {given.lower()}",
        )


def _span(asked: Asked, source: Version) -> tuple[int, int]:
    """The bytes of the source that are to be copied. Raises S3Error."""
    text = asked.header("x-amz-copy-source-range")
    if not text:
        return 0, source.size_bytes
    match = _RANGE.fullmatch(text)
    if match is None or int(match[2]) < int(match[1]):
        message = "The x-amz-copy-source-range value must be of the form bytes=first-last"
        raise S3Error("InvalidArgument", message, ArgumentName="x-amz-copy-source-range", ArgumentValue=text)
    if int(match[2]) >= source.size_bytes:
        message = f"Range specified is not valid for source object of size: {source.size_bytes}"
        raise S3Error("InvalidRange", message)
    return int(match[1]), int(match[2]) + 1


def _parts(body: bytes) -> list[rules.Asked]:
    """Raises S3Error (MalformedXML)."""
    found = [_part(one) for one in xml.parse(body, "CompleteMultipartUpload")]
    if not 1 <= len(found) <= MOST_PARTS:
        raise S3Error("MalformedXML")
    return found


def _part(element: Element) -> rules.Asked:
    number = xml.text(element, "PartNumber")
    if element.tag != "Part" or not (number.isascii() and number.isdigit() and len(number) < 10):
        raise S3Error("MalformedXML")
    values = {name: text for name in ALGORITHMS if (text := xml.text(element, f"Checksum{name}"))}
    return rules.Asked(int(number), xml.text(element, "ETag"), values)


def _whole(asked: Asked) -> tuple[str, int | None]:
    """The checksum and the length that the whole must have, if they are said. Raises S3Error."""
    text = asked.header("x-amz-mp-object-size")
    if text and not (text.isascii() and text.isdigit() and len(text) < 19):
        raise S3Error("InvalidRequest", "Value for x-amz-mp-object-size header is invalid.")
    return checksums.of_complete(asked), int(text) if text else None


def _kept(granted: Sequence[Grant] | None) -> dict[str, str]:
    """Grants as attributes of an upload: the object that they are about is yet to come."""
    if granted is None:
        return {}
    found = {f"{_GRANT}{number}": f"{one.who} {one.permission}" for number, one in enumerate(granted)}
    return {"acl": "given", **found}


def _granted(upload: Upload) -> Sequence[Grant] | None:
    """What who began it has granted."""
    kept = upload.attributes.get(S3, {})
    if "acl" not in kept:
        return None
    return [Grant(*text.split(" ", 1)) for name, text in kept.items() if name.startswith(_GRANT)]


def _elements(values: Mapping[str, str]) -> dict[str, str]:
    return {f"Checksum{name}": value for name, value in values.items()}
