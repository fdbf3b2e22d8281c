"""Image v2: the noun's routes put together, versions and schemas."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from synnefo.common.caller import Scope
from synnefo.common.faults import ItemNotFound
from synnefo.common.http.facade import authenticated, facade
from synnefo.common.http.rendering import glance
from synnefo.cyclades.images.api.openstack import STATUSES
from synnefo.cyclades.images.api.openstack_members import router as images
from synnefo.cyclades.images.api.openstack_metadefs import router as metadefs
from synnefo.cyclades.images.api.openstack_tasks import router as tasks
from synnefo.cyclades.images.models import Image, ImageMember
from synnefo.cyclades.openstack import kit

_TEXT, _NUMBER, _FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
_MAYBE_TEXT, _MAYBE_NUMBER = {"type": ["null", "string"]}, {"type": ["null", "integer"]}
_MAYBE = {"type": ["null", "string"]}
_TEXTS = {"type": "array", "items": _TEXT}
_PROPERTIES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("id", "owner", "created_at", "updated_at", "self", "file", "schema", "stores"), _TEXT),
    **dict.fromkeys(("name", "os_hash_algo", "os_hash_value", "checksum"), _MAYBE_TEXT),
    **dict.fromkeys(("size", "virtual_size"), _MAYBE_NUMBER),
    **dict.fromkeys(("min_disk", "min_ram"), _NUMBER),
    **dict.fromkeys(("protected", "os_hidden"), _FLAG),
    "status": {"type": "string", "enum": list(STATUSES.values())},
    "visibility": {"type": "string", "enum": ["public", *Image.Visibility.values]},
    "disk_format": {**_MAYBE, "enum": [None, *Image.FORMATS]},
    "container_format": {**_MAYBE, "enum": [None, *Image.CONTAINERS]},
    "tags": _TEXTS,
}
_IMAGE = {"name": "image", "properties": _PROPERTIES, "additionalProperties": _TEXT}
_TIMES = dict.fromkeys(("created_at", "updated_at", "schema"), _TEXT)
_WORD = {**_TIMES, "name": _TEXT}
_ONE: dict[str, dict[str, Any]] = {
    "image": _IMAGE,
    "member": {
        "name": "member",
        "properties": {
            **dict.fromkeys(("image_id", "member_id"), _TEXT),
            "status": {"type": "string", "enum": ImageMember.Status.values},
            **_TIMES,
        },
    },
    "task": {
        "name": "task",
        "properties": {
            **dict.fromkeys(("id", "type", "status", "owner", "message"), _TEXT),
            **{key: {"type": ["null", "object"]} for key in ("input", "result")},
            **_TIMES,
        },
    },
    "metadefs/namespace": {
        "name": "namespace",
        "required": ["namespace"],
        "properties": {
            **dict.fromkeys(("namespace", "display_name", "description", "owner", "self"), _TEXT),
            "visibility": {"type": "string", "enum": ["public", "private"]},
            "protected": _FLAG,
            "resource_type_associations": {"type": "array", "items": {"type": "object"}},
            **_TIMES,
        },
    },
    "metadefs/resource_type": {
        "name": "resource_type_association",
        "required": ["name"],
        "properties": {**_WORD, "prefix": _TEXT, "properties_target": _TEXT},
    },
    "metadefs/object": {
        "name": "object",
        "required": ["name"],
        "properties": {
            **_WORD,
            "description": _TEXT,
            "required": _TEXTS,
            "properties": {"type": "object"},
        },
    },
    "metadefs/property": {
        "name": "property",
        "required": ["name", "title", "type"],
        "properties": {**_WORD, "title": _TEXT, "type": _TEXT, "description": _TEXT},
    },
    "metadefs/tag": {"name": "tag", "required": ["name"], "properties": _WORD},
}
#: Lists: what they are called in their bodies, and what is in them.
_MANY = {
    "images": ("images", "image"),
    "members": ("members", "member"),
    "tasks": ("tasks", "task"),
    "metadefs/namespaces": ("namespaces", "metadefs/namespace"),
    "metadefs/resource_types": ("resource_type_associations", "metadefs/resource_type"),
    "metadefs/objects": ("objects", "metadefs/object"),
    "metadefs/properties": ("properties", "metadefs/property"),
    "metadefs/tags": ("tags", "metadefs/tag"),
}
#: What each version added is served: visibilities and imports (2.5, 2.6), hidden images (2.7), one store
#: (2.8, 2.10, 2.11), digests (2.9) and the tasks of an image (2.12).
_CURRENT, _VERSIONS = 12, range(12, -1, -1)

router = Router()


@router.get("/schemas/{path:what}")
def show_schema(request: HttpRequest, what: str) -> HttpResponse:
    if what in _ONE:
        return kit.answer(_ONE[what])
    if what not in _MANY:
        raise ItemNotFound(f"There is no schema {what}.")
    name, each = _MANY[what]
    properties = {
        name: {"type": "array", "items": _ONE[each]},
        **dict.fromkeys(("first", "next", "schema"), _TEXT),
    }
    return kit.answer({"name": name, "properties": properties})


api = facade("image", glance, auth=authenticated(Scope.PROJECT), version="2")
for part in (images, tasks, router):
    api.add_router("/v2", part)
api.add_router("/v2/metadefs", metadefs)


@api.get("/", auth=None)
@api.get("/versions", auth=None, url_name="versions")
def versions(request: HttpRequest) -> HttpResponse:
    links = [{"rel": "self", "href": kit.address(request, "image/v2/")}]
    listed = [
        {"id": f"v2.{minor}", "status": "CURRENT" if minor == _CURRENT else "SUPPORTED", "links": links}
        for minor in _VERSIONS
    ]
    return kit.answer({"versions": listed}, 300)
