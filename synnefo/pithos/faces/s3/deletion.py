"""Removing objects and versions: one by DELETE, many by one request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from django.http import HttpResponse

from synnefo.common.faults import Fault, ItemNotFound
from synnefo.pithos.faces.s3 import checksums, conditions, kit, places, versions, xml
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.namespace import access, numbered
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.objects import Check, no_check

_MOST = 1000


class _One(NamedTuple):
    key: str
    version: str
    etag: str


def delete(asked: Asked) -> HttpResponse:
    """DELETE: what is there goes (and is kept where versions are), or one version goes for good."""
    response = kit.empty(204)
    for name, value in removed(asked, asked.key, asked.version, conditions.of_write(asked)).items():
        response[name] = value
    return response


def removed(asked: Asked, key: str, version: str, check: Check = no_check) -> dict[str, str]:
    """Remove a key, or one version of it; returns what S3 says of it in headers. Raises S3Error, faults."""
    path = asked.path.beside(key)
    if version:
        try:
            gone = numbered.remove(asked.caller, path, versions.number_of(version))
        except ItemNotFound:  # a version that is not there may be removed
            access.object(asked.caller, path, Right.DELETE)
            return {"x-amz-version-id": version}
        marker = {"x-amz-delete-marker": "true"} if gone.state == Version.State.TOMBSTONE else {}
        return {"x-amz-version-id": version, **marker}
    container = access.object(asked.caller, path, Right.DELETE)
    (marker_of,) = numbered.delete(asked.caller, container, [key], check)
    if marker_of is None:
        return {}
    return {"x-amz-delete-marker": "true", "x-amz-version-id": versions.id_of(marker_of, container)}


def delete_many(asked: Asked) -> HttpResponse:
    """POST ?delete: up to a thousand; what goes wrong with one is said of that one."""
    wanted, quiet = _wanted(_body(asked))
    container = access.container(asked.caller, asked.account, asked.bucket, Right.DELETE)
    simple = list(dict.fromkeys(one.key for one in wanted if _is_simple(one)))
    markers = dict(zip(simple, numbered.delete(asked.caller, container, simple), strict=True))
    outcomes = []
    for one in wanted:
        if _is_simple(one):
            marker = markers[one.key]
            outcomes.append(_deleted(one, versions.id_of(marker, container) if marker else ""))
        else:
            outcomes.append(_tried(asked, one))
    deleted = [content for name, content in outcomes if name == "Deleted" and not quiet]
    failed = [content for name, content in outcomes if name == "Error"]
    return kit.answer("DeleteResult", {"Deleted": deleted, "Error": failed})


def _tried(asked: Asked, one: _One) -> tuple[str, dict[str, str]]:
    """Remove one by itself; returns what is said of it."""
    try:
        said = removed(asked, one.key, one.version, _matching(one))
    except (S3Error, Fault) as error:
        known = kit.refusal(asked, error)
        return "Error", {**_about(one), "Code": known.code, "Message": known.message}
    return _deleted(one, said["x-amz-version-id"] if "x-amz-delete-marker" in said else "")


def _deleted(one: _One, marker: str) -> tuple[str, dict[str, str]]:
    """``marker`` is the id of the delete marker that was left, or removed."""
    told = {"DeleteMarker": "true", "DeleteMarkerVersionId": marker} if marker else {}
    return "Deleted", {**_about(one), **told}


def _about(one: _One) -> dict[str, str]:
    return {"Key": one.key, **({"VersionId": one.version} if one.version else {})}


def _is_simple(one: _One) -> bool:
    return not (one.version or one.etag) and 0 < len(one.key.encode()) <= places.MOST_KEY_BYTES


def _matching(one: _One) -> Check:
    if len(one.key.encode()) > places.MOST_KEY_BYTES:
        raise S3Error("KeyTooLongError")

    def holds(version: Version | None) -> None:
        if version is None:
            raise ItemNotFound("Object does not exist")
        if one.etag not in ("*", conditions.etag(version)):
            raise S3Error("PreconditionFailed")

    return holds if one.etag else no_check


def _body(asked: Asked) -> bytes:
    """Raises S3Error if nothing says what the body must be."""
    incoming = checksums.incoming(asked)
    if not incoming.algorithm and not asked.header("content-md5"):
        message = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
        raise S3Error("InvalidRequest", message)
    return asked.body(watch=incoming)


def _wanted(body: bytes) -> tuple[Sequence[_One], bool]:
    root = xml.parse(body, "Delete")
    found = [_one(element) for element in root if element.tag == "Object"]
    if not 1 <= len(found) <= _MOST:
        raise S3Error("MalformedXML")
    return found, xml.text(root, "Quiet") == "true"


def _one(element: Element) -> _One:
    key = element.findtext("Key") or ""
    if not key:
        raise S3Error("MalformedXML")
    return _One(key, xml.text(element, "VersionId"), xml.text(element, "ETag").strip('"'))
