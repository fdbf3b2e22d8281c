"""Parts as they are listed: of uploads that go on, and of what objects were made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpResponse
from django.utils.http import http_date

from synnefo.common.accounts import accounts
from synnefo.pithos.faces.s3 import checksums, conditions, kit, listing, versions
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.faces.s3.metadata import STANDARD
from synnefo.pithos.uploads import facts, rules
from synnefo.pithos.uploads import listing as kept
from synnefo.pithos.uploads.models import Upload
from synnefo.pithos.uploads.rules import MOST_PARTS

_MOST_LISTED = 1000
_ATTRIBUTES = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")


def of_upload(asked: Asked) -> HttpResponse:
    """The parts of an upload that goes on."""
    upload = rules.find(asked.caller, asked.path, asked.query["uploadId"])
    marker = kit.number(asked, "part-number-marker", 0, MOST_PARTS)
    limit = kit.number(asked, "max-parts", _MOST_LISTED, _MOST_LISTED)
    page, more = kept.parts(upload, marker, limit)
    person = _people([upload.initiator, asked.account])
    told: dict[str, Any] = {
        "Bucket": asked.bucket, "Key": asked.key, "UploadId": upload.uuid,
        "Initiator": person(upload.initiator), "Owner": person(asked.account),
        "StorageClass": STANDARD, "PartNumberMarker": marker,
        "NextPartNumberMarker": page[-1].number if page else 0, "MaxParts": limit, "IsTruncated": more,
        "ChecksumAlgorithm": upload.checksum_algorithm or None, "ChecksumType": upload.checksum_type or None,
        "Part": [
            {
                "PartNumber": part.number, "LastModified": part.modified, "ETag": f'"{part.checksum}"',
                "Size": part.size_bytes, **{f"Checksum{name}": text for name, text in part.checksums.items()},
            }
            for part in page
        ],
    }  # fmt: skip
    return kit.answer("ListPartsResult", told)


def uploads(asked: Asked) -> HttpResponse:
    """The uploads of a bucket that go on."""
    wanted = kept.Wanted(
        prefix=asked.query.get("prefix", ""),
        delimiter=asked.query.get("delimiter", ""),
        marker=asked.query.get("key-marker", ""),
        upload_marker=asked.query.get("upload-id-marker", ""),
        limit=kit.number(asked, "max-uploads", _MOST_LISTED, _MOST_LISTED),
    )
    page, more = kept.uploads(asked.caller, asked.account, asked.bucket, wanted)
    last = page[-1] if page and more else None

    person = _people([asked.account, *(one.upload.initiator for one in page if one.upload)])

    def coded(text: str) -> str:
        return listing.coded(asked, text)

    told: dict[str, Any] = {
        "Bucket": asked.bucket, "KeyMarker": coded(wanted.marker), "UploadIdMarker": wanted.upload_marker,
        "NextKeyMarker": coded(last.name) if last else None,
        "NextUploadIdMarker": last.upload.uuid if last and last.upload else None,
        "Prefix": coded(wanted.prefix), "Delimiter": coded(wanted.delimiter) or None,
        "EncodingType": asked.query.get("encoding-type"), "MaxUploads": wanted.limit, "IsTruncated": more,
        "Upload": [
            {
                "Key": coded(one.name), "UploadId": one.upload.uuid, "StorageClass": STANDARD,
                "Initiator": person(one.upload.initiator), "Owner": person(asked.account),
                "Initiated": one.upload.created,
                "ChecksumAlgorithm": one.upload.checksum_algorithm or None,
                "ChecksumType": one.upload.checksum_type or None,
            }
            for one in page if one.upload
        ],
        "CommonPrefixes": [{"Prefix": coded(one.name)} for one in page if not one.upload],
    }  # fmt: skip
    return kit.answer("ListMultipartUploadsResult", told)


def attributes(asked: Asked) -> HttpResponse:
    """GetObjectAttributes: what is known of an object without its content."""
    wanted = {name.strip() for name in asked.header("x-amz-object-attributes").split(",")} - {""}
    if not wanted or not wanted <= set(_ATTRIBUTES):
        raise S3Error("InvalidArgument", "Invalid attribute name specified.")
    version = versions.found(asked)
    conditions.check_read(asked, version)
    known = facts.of(version)
    made_of = rules.of_version(version) if "ObjectParts" in wanted else None
    told: dict[str, Any] = {
        "ETag": conditions.etag(version),
        "Checksum": checksums.elements(known) or None,
        "ObjectParts": _manifest(asked, made_of) if made_of else None,
        "StorageClass": STANDARD,
        "ObjectSize": version.size_bytes,
    }
    response = kit.answer(
        "GetObjectAttributesResponse", {name: told[name] for name in _ATTRIBUTES if name in wanted}
    )
    response["Last-Modified"] = http_date(version.modified.timestamp())
    versions.stamp(response, version, version.object.container)
    return response


def _manifest(asked: Asked, upload: Upload) -> dict[str, Any]:
    marker = _number(asked, "x-amz-part-number-marker", 0)
    limit = min(_number(asked, "x-amz-max-parts", _MOST_LISTED), _MOST_LISTED)
    found = {"PartsCount": len(upload.manifest)}
    if not upload.checksum_algorithm:  # S3 tells of single parts only where they have checksums
        return found
    name = f"Checksum{upload.checksum_algorithm}"
    behind = [part for part in upload.manifest if part[0] > marker]
    page = behind[:limit]
    return {
        **found, "PartNumberMarker": marker, "NextPartNumberMarker": page[-1][0] if page else 0,
        "MaxParts": limit, "IsTruncated": len(behind) > limit,
        "Part": [{"PartNumber": number, "Size": size, name: text or None} for number, size, text in page],
    }  # fmt: skip


def _people(ids: Sequence[str]) -> Callable[[str], dict[str, str]]:
    """How each of them is told of."""
    names = accounts().names(set(ids))
    return lambda one: {"ID": one, "DisplayName": names.get(one, one)}


def _number(asked: Asked, header: str, usual: int) -> int:
    text = asked.header(header)
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise S3Error("InvalidArgument", ArgumentName=header, ArgumentValue=text)
    return int(text)
