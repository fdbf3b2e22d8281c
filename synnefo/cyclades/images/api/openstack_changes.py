"""Images in image v2: bringing them in, changing and removing them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound, UnsupportedMediaType
from synnefo.common.http.streams import pieces
from synnefo.common.ids import parse_uuid
from synnefo.cyclades.images import imports, rules
from synnefo.cyclades.images.api.openstack import details_of, found, router
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.openstack import kit

__all__ = ["router"]

_OCTETS = "application/octet-stream"
_READ_ONLY = frozenset({
    "status", "checksum", "os_hash_algo", "os_hash_value", "size", "virtual_size", "created_at",
    "updated_at", "self", "file", "schema", "locations", "direct_url", "first", "next", "stores",
})  # fmt: skip
#: What Glance keeps for itself.
_RESERVED = "os_glance_"
_MOST_CHANGES = 200
Visibility = Literal["public", "private", "shared", "community"]
DiskFormat = Literal["raw", "qcow2", "vmdk", "iso"]
ContainerFormat = Literal["bare", "ovf"]
Owner = Annotated[kit.Text, Field(min_length=1, max_length=36)]
Amount = Annotated[int, Field(ge=0, lt=2**31)]


def _uuid(text: str) -> str:
    found = parse_uuid(text)
    if found is None:
        raise ValueError("not a uuid")
    return found


class NewImage(BaseModel):
    """Keys that are not Glance's own are properties."""

    model_config = ConfigDict(extra="allow", strict=True)

    name: kit.Text | None = None
    id: Annotated[str, AfterValidator(_uuid)] | None = None
    disk_format: DiskFormat | None = None
    container_format: ContainerFormat | None = None
    visibility: Visibility = "shared"
    owner: Owner | None = None
    min_disk: Amount = 0
    min_ram: Amount = 0
    protected: bool = False
    os_hidden: bool = False
    tags: list[kit.Text] = Field(default_factory=list)


class _Change(BaseModel):
    """One change of a JSON patch."""

    model_config = ConfigDict(extra="forbid", strict=True)

    op: Literal["add", "replace", "remove"]
    path: kit.Text
    value: Any = None


class _Changed(BaseModel):
    """What a patch may change, after it was applied."""

    model_config = ConfigDict(extra="allow", strict=True)

    name: kit.Text | None
    visibility: Visibility
    owner: Owner
    min_disk: Amount
    min_ram: Amount
    disk_format: DiskFormat | None
    container_format: ContainerFormat | None
    protected: bool
    os_hidden: bool
    tags: list[kit.Text]


class ImportMethod(kit.Body):
    """A way to bring content, and what it needs to know."""

    name: kit.Text
    uri: kit.Text = ""
    glance_image_id: kit.Text = ""
    glance_region: kit.Text = ""
    glance_service_interface: kit.Text = ""


class Import(kit.Body):
    """There is one store, so what is said of several means nothing."""

    method: ImportMethod
    stores: list[kit.Text] | None = None
    all_stores: bool | None = None
    all_stores_must_succeed: bool | None = None


@router.post("/images")
def create_image(request: HttpRequest, payload: NewImage) -> HttpResponse:
    image = announced(kit.caller_of(request), payload)
    response = kit.answer(details_of(image), 201)
    response["Location"] = kit.address(request, f"image/v2/images/{image.uuid}")
    response["OpenStack-image-import-methods"] = ",".join(imports.METHODS)
    return response


def announced(caller: Caller, payload: NewImage) -> Image:
    """An image that waits for its content, as a body describes it."""
    return rules.announce(
        caller,
        uuid=payload.id,
        disk_format=payload.disk_format or "",
        container_format=payload.container_format or ("bare" if payload.disk_format else ""),
        properties=properties_of(payload),
        name=payload.name or "",
        **_seen_by(payload.visibility),
        min_ram_mib=payload.min_ram,
        wanted_disk_gib=payload.min_disk,
        protected=payload.protected,
        hidden=payload.os_hidden,
        tags=sorted(set(payload.tags)),
        **({"project": payload.owner} if payload.owner else {}),
    )


@router.put("/images/{image_id}/file")
def upload_image(request: HttpRequest, image_id: str) -> HttpResponse:
    """Stored piece by piece as it comes in; JSON is no image."""
    return _upload(request, image_id)


@router.put("/images/{image_id}/stage")
def stage_image(request: HttpRequest, image_id: str) -> HttpResponse:
    """Stored as well, but an import has to say that it is all."""
    return _upload(request, image_id, staged=True)


@router.post("/images/{image_id}/import")
def import_image(request: HttpRequest, image_id: str, payload: Import) -> HttpResponse:
    image, method = found(request, image_id), payload.method
    if set(payload.stores or ()) - {imports.STORE}:
        raise Conflict(f"The only store is {imports.STORE}.")
    wanted = imports.Wanted(method.name, method.uri, method.glance_image_id, method.glance_region)
    imports.start(kit.caller_of(request), image.uuid, wanted)
    return kit.empty(202)


@router.get("/images/{image_id}/file")
def download_image(request: HttpRequest, image_id: str) -> HttpResponse | StreamingHttpResponse:
    image = found(request, image_id)
    if image.status == Image.Status.DEACTIVATED and not kit.caller_of(request).is_admin:
        raise Forbidden("The requested image has been deactivated. Image data download is forbidden.")
    if not image.hold or image.status not in (Image.Status.AVAILABLE, Image.Status.DEACTIVATED):
        return kit.empty(204)
    response = StreamingHttpResponse(rules.read(image), content_type=_OCTETS)
    response["Content-Length"] = str(image.size_bytes)
    if image.checksum:
        response["Content-MD5"] = image.checksum
    return response


@router.patch("/images/{image_id}")
def update_image(request: HttpRequest, image_id: str) -> HttpResponse:
    caller, image = kit.caller_of(request), found(request, image_id)
    wanted = _patched(image, _changes(request))
    image = rules.modify(
        caller,
        image.uuid,
        properties=_texts(wanted.model_extra or {}),
        name=wanted.name or "",
        **_seen_by(wanted.visibility, image),
        min_ram_mib=wanted.min_ram,
        wanted_disk_gib=wanted.min_disk,
        disk_format=wanted.disk_format or "",
        container_format=wanted.container_format or "",
        protected=wanted.protected,
        hidden=wanted.os_hidden,
        tags=sorted(set(wanted.tags)),
        project=wanted.owner,
    )
    return kit.answer(details_of(image))


@router.delete("/images/{image_id}")
def delete_image(request: HttpRequest, image_id: str) -> HttpResponse:
    rules.delete(kit.caller_of(request), found(request, image_id).uuid)
    return kit.empty(204)


@router.post("/images/{image_id}/actions/deactivate")
def deactivate_image(request: HttpRequest, image_id: str) -> HttpResponse:
    rules.set_active(kit.caller_of(request), found(request, image_id).uuid, False)
    return kit.empty(204)


@router.post("/images/{image_id}/actions/reactivate")
def reactivate_image(request: HttpRequest, image_id: str) -> HttpResponse:
    rules.set_active(kit.caller_of(request), found(request, image_id).uuid, True)
    return kit.empty(204)


@router.put("/images/{image_id}/tags/{tag}")
def add_tag(request: HttpRequest, image_id: str, tag: str) -> HttpResponse:
    rules.tag(kit.caller_of(request), found(request, image_id).uuid, _text(tag), True)
    return kit.empty(204)


@router.delete("/images/{image_id}/tags/{tag}")
def remove_tag(request: HttpRequest, image_id: str, tag: str) -> HttpResponse:
    if not rules.tag(kit.caller_of(request), found(request, image_id).uuid, _text(tag), False):
        raise ItemNotFound(f"Tag {tag} could not be found.")
    return kit.empty(204)


def _upload(request: HttpRequest, image_id: str, *, staged: bool = False) -> HttpResponse:
    image = found(request, image_id)
    if request.headers.get("Content-Type", _OCTETS).partition(";")[0].strip() != _OCTETS:
        raise UnsupportedMediaType(f"The content of an image is {_OCTETS}.")
    content = pieces(request, settings.SYNNEFO_OBJECT_MAX_BYTES)
    rules.upload(kit.caller_of(request), image.uuid, content, staged=staged)
    return kit.empty(204)


def _seen_by(visibility: str, image: Image | None = None) -> dict[str, Any]:
    """What the rules call a visibility; one that was public is shown to nobody else unless that is said."""
    if visibility == "public":
        return {"is_public": True, "visibility": image.visibility if image else Image.Visibility.SHARED}
    return {"is_public": False, "visibility": visibility}


def _changes(request: HttpRequest) -> list[_Change]:
    """The changes of a JSON patch, as RFC 6902 has them or as Glance's first draft. Raises BadRequest."""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is no JSON patch.") from error
    if not isinstance(body, list) or not 1 <= len(body) <= _MOST_CHANGES:
        raise BadRequest(f"A JSON patch is a list of 1 to {_MOST_CHANGES} changes.")
    return [kit.parsed(_Change, _modern(change)) for change in body]


def _modern(change: object) -> object:
    """``{"replace": "/name", "value": ...}`` with ``op`` and ``path``."""
    if not isinstance(change, dict) or "op" in change:
        return change
    verbs = [verb for verb in ("add", "replace", "remove") if verb in change]
    if len(verbs) != 1:
        return change
    rest = {key: value for key, value in change.items() if key != verbs[0]}
    return {"op": verbs[0], "path": change[verbs[0]], **rest}


def _patched(image: Image, changes: list[_Change]) -> _Changed:
    """What the image is after the changes. Raises BadRequest, Forbidden (read-only), Conflict."""
    shown = details_of(image)
    fixed = {"id", *_READ_ONLY}
    now: dict[str, Any] = {
        key: value for key, value in shown.items() if key not in fixed and not key.startswith(_RESERVED)
    }
    for change in changes:
        key = change.path.removeprefix("/").replace("~1", "/").replace("~0", "~")
        if not change.path.startswith("/") or not key:
            raise BadRequest(f"Invalid JSON pointer for this resource: '{change.path}'")
        if key in fixed or key.startswith((_RESERVED, "locations/")):
            raise Forbidden(f"Attribute '{key}' is read-only.")
        if change.op != "add" and key not in now:
            raise Conflict(f"Property {key} does not exist.")
        if change.op == "remove" and key in _Changed.model_fields:
            raise Forbidden(f"Property '{key}' can not be removed.")
        if change.op == "remove":
            del now[key]
        else:
            now[key] = change.value
    return kit.parsed(_Changed, now)


def properties_of(payload: NewImage) -> dict[str, str]:
    """What is said of a new image in words that are not Glance's own. Raises BadRequest, Forbidden."""
    return _texts(payload.model_extra or {})


def _texts(properties: Mapping[str, Any]) -> dict[str, str]:
    """Raises BadRequest, Forbidden (read-only)."""
    for key, value in properties.items():
        if key in _READ_ONLY or key.startswith(_RESERVED):
            raise Forbidden(f"Attribute '{key}' is read-only.")
        if not isinstance(value, str):
            raise BadRequest(f"{key}: properties are texts.")
        _text(key + value)
    return dict(properties)


def _text(text: str) -> str:
    """Raises BadRequest for what no database can keep."""
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise BadRequest("Properties are UTF-8 without NUL.")
    return text
