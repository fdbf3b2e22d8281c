"""Versions of objects and their ids: the one that is asked for, and switching versioning of a bucket."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from synnefo.common.faults import ItemNotFound
from synnefo.pithos.faces.s3 import kit, xml
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.namespace import access, numbered, numbers
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import Container, Version

#: The id of versions that have no number.
NULL = "null"


def get_versioning(asked: Asked) -> HttpResponse:
    container = access.container(asked.caller, asked.account, asked.bucket, Right.LIST)
    if not numbers.was_switched(container):
        return kit.answer("VersioningConfiguration", {})
    is_on = container.versioning == Container.Versioning.AUTO
    return kit.answer("VersioningConfiguration", {"Status": "Enabled" if is_on else "Suspended"})


def put_versioning(asked: Asked) -> HttpResponse:
    root = xml.parse(asked.body(), "VersioningConfiguration")
    status = xml.text(root, "Status")
    if status not in ("Enabled", "Suspended"):
        raise S3Error("IllegalVersioningConfigurationException")
    if xml.text(root, "MfaDelete") == "Enabled" or asked.header("x-amz-mfa"):
        raise S3Error("NotImplemented")
    numbered.switch(asked.caller, asked.account, asked.bucket, on=status == "Enabled")
    return kit.empty()


def number_of(text: str) -> int | None:
    """The version that an id means; None for that without a number. Raises S3Error."""
    if text == NULL:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        about = {"ArgumentName": "versionId", "ArgumentValue": text}
        raise S3Error("InvalidArgument", "Invalid version id specified", **about)
    return int(text)


def found(asked: Asked) -> Version:
    """What is asked for, which may be read. Raises S3Error (NoSuchKey, NoSuchVersion, MethodNotAllowed)."""
    if not asked.version:
        version = numbered.current(asked.caller, asked.path)
        if version is not None:
            return version
        raise _nothing(asked)
    container = access.object(asked.caller, asked.path, Right.READ)
    version = numbered.find(container, asked.key, number_of(asked.version))
    if version.state == Version.State.TOMBSTONE:
        headers = {"x-amz-delete-marker": "true", "Allow": "DELETE", **told(version, container)}
        raise S3Error("MethodNotAllowed", headers=headers, Method=asked.method, ResourceType="DeleteMarker")
    return version


def id_of(version: Version, container: Container | None = None) -> str:
    """``container`` is the version's, where that is at hand."""
    return str(version.pk) if numbered.is_numbered(container or version.object.container, version) else NULL


def stamp(response: HttpResponseBase, version: Version, container: Container | None = None) -> None:
    """Say which version it is, in buckets where that means something."""
    for name, value in told(version, container or version.object.container).items():
        response[name] = value


def told(version: Version, container: Container) -> dict[str, str]:
    return {"x-amz-version-id": id_of(version, container)} if numbers.was_switched(container) else {}


def _nothing(asked: Asked) -> S3Error:
    """Why there is nothing now: it was deleted, or never there. Raises Forbidden, ItemNotFound."""
    container = access.object(asked.caller, asked.path, Right.READ)
    latest = numbered.of_path(container, asked.key).first()
    if latest is None or not numbers.was_switched(container):
        raise ItemNotFound("Object does not exist")
    return S3Error(
        "NoSuchKey", Key=asked.key, headers={"x-amz-delete-marker": "true", **told(latest, container)}
    )
