"""Image v2: the noun's routes put together, versions and schemas."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from synnefo.common.caller import Scope
from synnefo.common.http.facade import authenticated, facade
from synnefo.common.http.rendering import glance
from synnefo.cyclades.images.api.openstack_changes import router as images
from synnefo.cyclades.openstack import kit

_TEXT, _NUMBER, _FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_MAYBE_TEXT, _MAYBE_NUMBER = {"type": ["null", "string"]}, {"type": ["null", "integer"]}
_PROPERTIES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("id", "name", "owner", "created_at", "updated_at", "self", "file", "schema"), _TEXT),
    **dict.fromkeys(("os_hash_algo", "os_hash_value", "checksum"), _MAYBE_TEXT),
    **dict.fromkeys(("size", "virtual_size"), _MAYBE_NUMBER),
    **dict.fromkeys(("min_disk", "min_ram"), _NUMBER),
    **dict.fromkeys(("protected", "os_hidden"), _FLAG),
    "status": {"type": "string", "enum": ["queued", "saving", "active", "killed"]},
    "visibility": {"type": "string", "enum": ["public", "private"]},
    "disk_format": {"type": "string", "enum": ["raw", "qcow2"]},
    "container_format": {"type": "string", "enum": ["bare"]},
    "tags": {"type": "array", "items": _TEXT},
}
_IMAGE = {"name": "image", "properties": _PROPERTIES, "additionalProperties": _TEXT}

router = Router()


@router.get("/schemas/image")
def show_schema(request: HttpRequest) -> HttpResponse:
    return kit.answer(_IMAGE)


@router.get("/schemas/images")
def show_schema_of_list(request: HttpRequest) -> HttpResponse:
    properties = {
        "images": {"type": "array", "items": _IMAGE},
        **dict.fromkeys(("first", "next", "schema"), _TEXT),
    }
    return kit.answer({"name": "images", "properties": properties})


api = facade("image", glance, auth=authenticated(Scope.PROJECT), version="2")
for part in (images, router):
    api.add_router("/v2", part)


@api.get("/", auth=None)
@api.get("/versions", auth=None, url_name="versions")
def versions(request: HttpRequest) -> HttpResponse:
    links = [{"rel": "self", "href": kit.address(request, "image/v2/")}]
    return kit.answer({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]}, 300)
