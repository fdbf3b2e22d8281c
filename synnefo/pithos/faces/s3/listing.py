"""Lists of a bucket's objects and versions, page by page, rolled up at a delimiter."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse

from synnefo.common.accounts import accounts
from synnefo.common.faults import ItemNotFound
from synnefo.pithos.faces import wholes
from synnefo.pithos.faces.s3 import conditions, kit, metadata, versions
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.namespace import containers, numbered, past
from synnefo.pithos.namespace.listing import Entry, Listed, Rolled, Wanted, entries
from synnefo.pithos.namespace.models import Container
from synnefo.pithos.uploads import facts

MOST = 1000


def objects(asked: Asked) -> HttpResponse:
    """GET: the objects, in either version of the operation."""
    return _second(asked) if "list-type" in asked.query else _first(asked)


def _first(asked: Asked) -> HttpResponse:
    found, more, most = _page(asked, asked.query.get("marker", ""))
    told = {
        **_shared(asked, most, more), "Marker": coded(asked, asked.query.get("marker", "")),
        "NextMarker": coded(asked, found[-1].name) if more and asked.query.get("delimiter") else None,
        **_contents(asked, found, with_owner=True),
    }  # fmt: skip
    return kit.answer("ListBucketResult", told)


def _second(asked: Asked) -> HttpResponse:
    if asked.query["list-type"] != "2":
        raise S3Error("InvalidArgument", ArgumentName="list-type", ArgumentValue=asked.query["list-type"])
    token, after = asked.query.get("continuation-token"), asked.query.get("start-after", "")
    if token == "":
        raise S3Error("InvalidArgument", "The continuation token provided is incorrect")
    found, more, most = _page(asked, read_token(token) if token else after)
    told = {
        **_shared(asked, most, more), "KeyCount": len(found), "ContinuationToken": token,
        "NextContinuationToken": token_of(found[-1].name) if more else None,
        "StartAfter": coded(asked, after) if after else None,
        **_contents(asked, found, with_owner=asked.query.get("fetch-owner") == "true"),
    }  # fmt: skip
    return kit.answer("ListBucketResult", told)


def owner_of(account: str) -> dict[str, str]:
    return {"ID": account, "DisplayName": accounts().names([account]).get(account, account)}


def token_of(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def read_token(text: str) -> str:
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise S3Error("InvalidArgument", "The continuation token provided is incorrect") from None


def _page(asked: Asked, marker: str) -> tuple[list[Entry], bool, int]:
    """A page, whether there is more behind it, and how much it was to be."""
    check_encoding(asked)
    most = kit.number(asked, "max-keys", MOST, MOST)
    container = containers.get(asked.caller, asked.account, asked.bucket)
    prefix, delimiter = asked.query.get("prefix", ""), asked.query.get("delimiter", "")
    wanted = Wanted(
        prefix=prefix, delimiter=delimiter, marker=marker, limit=most + 1 if most else 0, folds=True
    )
    found = entries(container, wanted)
    return found[:most], len(found) > most, most


def _shared(asked: Asked, most: int, more: bool) -> dict[str, Any]:
    delimiter = asked.query.get("delimiter", "")
    return {
        "Name": asked.bucket, "Prefix": coded(asked, asked.query.get("prefix", "")), "MaxKeys": most,
        "Delimiter": coded(asked, delimiter) if delimiter else None,
        "EncodingType": asked.query.get("encoding-type"), "IsTruncated": more,
    }  # fmt: skip


def _contents(asked: Asked, found: Iterable[Entry], *, with_owner: bool) -> dict[str, list[Any]]:
    owner = owner_of(asked.account) if with_owner else None
    objects = [_object(asked, one, owner) for one in found if not isinstance(one, Rolled)]
    prefixes = [{"Prefix": coded(asked, one.name)} for one in found if isinstance(one, Rolled)]
    return {"Contents": objects, "CommonPrefixes": prefixes}


def _object(asked: Asked, version: Listed, owner: Mapping[str, str] | None) -> dict[str, Any]:
    known = facts.of(version)
    return {
        "Key": coded(asked, version.name), "LastModified": _moment(version),
        "ETag": f'"{conditions.etag(version)}"', "ChecksumAlgorithm": known.get("algorithm"),
        "ChecksumType": known.get("type"), "Size": wholes.size_of(version), "StorageClass": metadata.STANDARD,
        "Owner": owner,
    }  # fmt: skip


def _moment(version: Listed) -> str:
    """As ``xml.moment`` says it: milliseconds."""
    return f"{version.moment[:23]}Z"


def all_versions(asked: Asked) -> HttpResponse:
    """GET ?versions"""
    check_encoding(asked)
    most = kit.number(asked, "max-keys", MOST, MOST)
    container = containers.get(asked.caller, asked.account, asked.bucket)
    key, marker = asked.query.get("key-marker", ""), asked.query.get("version-id-marker", "")
    if marker and not key:
        message = "A version-id marker cannot be specified without a key marker."
        raise S3Error("InvalidArgument", message, ArgumentName="version-id-marker", ArgumentValue=marker)
    wanted = past.Wanted(
        asked.query.get("prefix", ""), asked.query.get("delimiter", ""), key,
        _marker(container, key, marker) if marker else None, most + 1 if most else 0,
    )  # fmt: skip
    found = past.entries(container, wanted)
    page, more, owner = found[:most], len(found) > most, owner_of(asked.account)
    last = page[-1] if more else None
    told = {
        **_shared(asked, most, more), "KeyMarker": coded(asked, key), "VersionIdMarker": marker,
        "NextKeyMarker": coded(asked, last.name) if last else None,
        "NextVersionIdMarker": _id(last) if last and last.version is not None else None,
        "": [_version(asked, one, one.version, owner) for one in page if one.version is not None],
        "CommonPrefixes": [{"Prefix": coded(asked, one.name)} for one in page if one.version is None],
    }  # fmt: skip
    return kit.answer("ListVersionsResult", told)


def _version(
    asked: Asked, entry: past.Entry, version: Listed, owner: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    told = {"VersionId": _id(entry), "IsLatest": entry.is_youngest}
    if not entry.is_tombstone:
        return "Version", {**_object(asked, version, owner), **told}
    name = coded(asked, entry.name)
    return "DeleteMarker", {"Key": name, "LastModified": _moment(version), "Owner": owner, **told}


def _id(entry: past.Entry) -> str:
    return versions.NULL if entry.number is None else str(entry.number)


def _marker(container: Container, key: str, text: str) -> int:
    """The version behind which a page begins."""
    number = versions.number_of(text)
    try:
        return number if number is not None else numbered.find(container, key, None).pk
    except ItemNotFound:  # all versions of the name come then
        return 2**63 - 1


def check_encoding(asked: Asked) -> None:
    kind = asked.query.get("encoding-type", "")
    if kind not in ("", "url"):
        about = {"ArgumentName": "encoding-type", "ArgumentValue": kind}
        raise S3Error("InvalidArgument", "Invalid Encoding Method specified in Request", **about)


def coded(asked: Asked, text: str) -> str:
    return quote(text) if asked.query.get("encoding-type") == "url" else text
