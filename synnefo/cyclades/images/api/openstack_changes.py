"""Images in image v2: bringing them in, changing and removing them, with whom they are shared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound, UnsupportedMediaType
from synnefo.common.http.streams import pieces
from synnefo.common.ids import parse_uuid
from synnefo.cyclades.images import members, rules
from synnefo.cyclades.images.api.openstack import details_of, router
from synnefo.cyclades.images.models import Image, ImageMember
from synnefo.cyclades.openstack import kit

__all__ = ["router"]

_OCTETS = "application/octet-stream"
_READ_ONLY = frozenset({
    "status", "checksum", "os_hash_algo", "os_hash_value", "size", "virtual_size", "created_at",
    "updated_at", "self", "file", "schema", "owner", "locations", "direct_url", "first", "next",
})  # fmt: skip
_MOST_CHANGES = 200
Visibility = Literal["public", "private", "shared"]
Amount = Annotated[int, Field(ge=0, lt=2**31)]


def _uuid(text: str) -> str:
    found = parse_uuid(text)
    if found is None:
        raise ValueError("not a uuid")
    return found


class NewImage(BaseModel):
    """Keys that are not Glance's own are properties."""

    model_config = ConfigDict(extra="allow", strict=True)

    name: kit.Text
    id: Annotated[str, AfterValidator(_uuid)] | None = None
    disk_format: Literal["raw", "qcow2"] = "raw"
    container_format: Literal["bare"] | None = None
    visibility: Visibility = "private"
    min_disk: Amount = 0
    min_ram: Amount = 0
    protected: Literal[False] = False
    os_hidden: Literal[False] = False
    tags: Annotated[list[str], Field(max_length=0)] = Field(default_factory=list)


class NewMember(kit.Body):
    member: kit.Text


class _Change(BaseModel):
    """One change of a JSON patch."""

    model_config = ConfigDict(extra="forbid", strict=True)

    op: Literal["add", "replace", "remove"]
    path: kit.Text
    value: Any = None


class _Changed(BaseModel):
    """What a patch may change, after it was applied."""

    model_config = ConfigDict(extra="allow", strict=True)

    name: kit.Text
    visibility: Visibility
    min_disk: Amount
    min_ram: Amount
    disk_format: str
    container_format: Literal["bare"]
    protected: Literal[False]
    os_hidden: Literal[False]
    tags: Annotated[list[str], Field(max_length=0)]


@router.post("/images")
def create_image(request: HttpRequest, payload: NewImage) -> HttpResponse:
    image = rules.announce(
        kit.caller_of(request),
        uuid=payload.id,
        disk_format=payload.disk_format,
        properties=_texts(payload.model_extra or {}),
        name=payload.name,
        is_public=payload.visibility == "public",
        min_ram_mib=payload.min_ram,
        wanted_disk_gib=payload.min_disk,
    )
    response = kit.answer(details_of(image), 201)
    response["Location"] = kit.address(request, f"image/v2/images/{image.uuid}")
    return response


@router.put("/images/{image_id}/file")
def upload_image(request: HttpRequest, image_id: str) -> HttpResponse:
    """Stored piece by piece as it comes in; JSON is no image."""
    uuid = kit.known_id(image_id, "Image")
    caller = kit.caller_of(request)
    rules.get(caller, uuid)
    if request.headers.get("Content-Type", _OCTETS).partition(";")[0].strip() != _OCTETS:
        raise UnsupportedMediaType(f"The content of an image is {_OCTETS}.")
    rules.upload(caller, uuid, pieces(request, settings.SYNNEFO_OBJECT_MAX_BYTES))
    return kit.empty(204)


@router.get("/images/{image_id}/file")
def download_image(request: HttpRequest, image_id: str) -> HttpResponse | StreamingHttpResponse:
    image = rules.get(kit.caller_of(request), kit.known_id(image_id, "Image"))
    if image.status != Image.Status.AVAILABLE:
        return kit.empty(204)
    response = StreamingHttpResponse(rules.read(image), content_type=_OCTETS)
    response["Content-Length"] = str(image.size_bytes)
    if image.checksum:
        response["Content-MD5"] = image.checksum
    return response


@router.patch("/images/{image_id}")
def update_image(request: HttpRequest, image_id: str) -> HttpResponse:
    caller, uuid = kit.caller_of(request), kit.known_id(image_id, "Image")
    image = rules.get(caller, uuid)
    wanted = _patched(image, _changes(request))
    if wanted.disk_format != image.disk_format:
        raise Forbidden("Attribute 'disk_format' is read-only.")
    image = rules.modify(
        caller,
        uuid,
        properties=_texts(wanted.model_extra or {}),
        name=wanted.name,
        is_public=wanted.visibility == "public",
        min_ram_mib=wanted.min_ram,
        wanted_disk_gib=wanted.min_disk,
    )
    return kit.answer(details_of(image))


@router.delete("/images/{image_id}")
def delete_image(request: HttpRequest, image_id: str) -> HttpResponse:
    rules.delete(kit.caller_of(request), kit.known_id(image_id, "Image"))
    return kit.empty(204)


@router.get("/images/{image_id}/members")
def list_members(request: HttpRequest, image_id: str) -> HttpResponse:
    found = members.listed(kit.caller_of(request), kit.known_id(image_id, "Image"))
    return kit.answer({"members": [_member(row) for row in found], "schema": "/v2/schemas/members"})


@router.post("/images/{image_id}/members")
def add_member(request: HttpRequest, image_id: str, payload: NewMember) -> HttpResponse:
    uuid = kit.known_id(image_id, "Image")
    return kit.answer(_member(members.add(kit.caller_of(request), uuid, kit.wanted_id(payload.member))))


@router.get("/images/{image_id}/members/{member_id}")
def show_member(request: HttpRequest, image_id: str, member_id: str) -> HttpResponse:
    wanted = kit.known_id(member_id, "Member")
    for row in members.listed(kit.caller_of(request), kit.known_id(image_id, "Image")):
        if row.member == wanted:
            return kit.answer(_member(row))
    raise ItemNotFound(f"Member {member_id} could not be found.")


@router.delete("/images/{image_id}/members/{member_id}")
def remove_member(request: HttpRequest, image_id: str, member_id: str) -> HttpResponse:
    uuid, wanted = kit.known_id(image_id, "Image"), kit.known_id(member_id, "Member")
    if not members.remove(kit.caller_of(request), uuid, wanted):
        raise ItemNotFound(f"Member {member_id} could not be found.")
    return kit.empty(204)


def _member(row: ImageMember) -> dict[str, Any]:
    """Whom an image is shown to need not accept it."""
    return {
        "image_id": row.image.uuid,
        "member_id": row.member,
        "status": "accepted",
        "created_at": kit.stamp(row.created),
        "updated_at": kit.stamp(row.created),
        "schema": "/v2/schemas/member",
    }


def _changes(request: HttpRequest) -> list[_Change]:
    """The changes of a JSON patch. Raises BadRequest."""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is no JSON patch.") from error
    if not isinstance(body, list) or not 1 <= len(body) <= _MOST_CHANGES:
        raise BadRequest(f"A JSON patch is a list of 1 to {_MOST_CHANGES} changes.")
    return [kit.parsed(_Change, change) for change in body]


def _patched(image: Image, changes: list[_Change]) -> _Changed:
    """What the image is after the changes. Raises BadRequest, Forbidden (read-only), Conflict."""
    shown = details_of(image)
    hidden = {"id", *_READ_ONLY}
    now: dict[str, Any] = {key: value for key, value in shown.items() if key not in hidden}
    for change in changes:
        key = change.path.removeprefix("/").replace("~1", "/").replace("~0", "~")
        if not change.path.startswith("/") or not key:
            raise BadRequest(f"Invalid JSON pointer for this resource: '{change.path}'")
        if key in hidden:
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


def _texts(properties: Mapping[str, Any]) -> dict[str, str]:
    """Raises BadRequest, Forbidden (read-only)."""
    for key, value in properties.items():
        if key in _READ_ONLY:
            raise Forbidden(f"Attribute '{key}' is read-only.")
        if not isinstance(value, str):
            raise BadRequest(f"{key}: properties are texts.")
        if "\x00" in key + value or any("\ud800" <= char <= "\udfff" for char in key + value):
            raise BadRequest("Properties are UTF-8 without NUL.")
    return dict(properties)
