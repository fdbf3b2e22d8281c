"""Synnefo's image v1: images are registered files, described in headers.

Keys come in any case, with dashes or underscores; names, descriptions and properties are percent-quoted.
"""

from __future__ import annotations

import datetime
import string
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.common.http.plain import answer, empty
from synnefo.cyclades.images import imports, members, rules
from synnefo.cyclades.images.api import synnefo_image_files as files
from synnefo.cyclades.images.api.synnefo import found
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.synnefo_api import kit

_COLUMNS = {
    "id": "uuid",
    "name": "name",
    "status": "status",
    "size": "size_bytes",
    "disk_format": "disk_format",
    "container_format": "container_format",
    "created_at": "created",
    "updated_at": "updated",
}
_QUOTED = ("name", "description")
_STATUS = {
    Image.Status.QUEUED: Image.Status.SAVING,
    Image.Status.UPLOADING: Image.Status.SAVING,
    Image.Status.IMPORTING: Image.Status.SAVING,
    Image.Status.DEACTIVATED: Image.Status.ERROR,
}
#: What lists may be asked for, and the columns that must be equal to it.
_EQUAL = {"name": "name", "disk_format": "disk_format", "container_format": "container_format"}
_SIZES = {"size_min": "size_bytes__gte", "size_max": "size_bytes__lte"}
_LARGEST = 2**63 - 1
#: A raw disk, as Synnefo calls it; other formats go by their own names.
_FORMATS = {"raw": "diskdump"}
_NEW_FIELDS = frozenset(
    ("name", "location", "store", "disk_format", "container_format", "size", "checksum", "is_public", "owner")
)
_MD5_DIGITS = 32
_FIELDS = frozenset(("name", "disk_format", "container_format", "is_public", "owner", "status"))
_ALLOWED = {
    "store": ("pithos",),
    "container_format": ("bare",),
    "disk_format": ("diskdump", "raw", "qcow2", "vmdk", "iso"),
    "is_public": ("true", "false"),
    "status": ("available",),
}
_META, _PROPERTY = "HTTP_X_IMAGE_META_", "PROPERTY_"


def _list(request: HttpRequest, caller: Caller) -> HttpResponse:
    return answer({"images": [_brief(row) for row in _rows(request, caller)]})


def _list_detail(request: HttpRequest, caller: Caller) -> HttpResponse:
    shown = []
    for row in _rows(request, caller):
        details = {**_details(row), "properties": row.properties}
        if not row.description and not row.is_snapshot:
            del details["description"]
        shown.append(details)
    return answer({"images": shown})


def _register(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Of a file that is there, of what the body has, or of what an address of the web has."""
    fields, properties = _meta(request, _NEW_FIELDS)
    if not fields.get("name"):
        raise BadRequest("Image 'name' is required.")
    if fields.get("owner", caller.user) != caller.user:
        raise Forbidden("Images are registered by their owners.")
    about: dict[str, Any] = {
        "name": fields["name"], "properties": properties,
        "is_public": fields.get("is_public", "false").lower() == "true",
    }  # fmt: skip
    address = request.headers.get("X-Glance-Api-Copy-From", "")
    if fields.get("location"):
        if not fields["location"].startswith("pithos://"):
            raise BadRequest("Invalid location: write pithos://<account>/<container>/<object>.")
        image = rules.register_location(caller, fields["location"], expected=_expected(fields), **about)
    elif address:
        image = imports.bring(caller, address, disk_format=_format_in(fields), **about)
    elif files.has_content(request):
        image = rules.register_pieces(
            caller, files.content_of(request), disk_format=_format_in(fields), expected=_expected(fields),
            **about,
        )  # fmt: skip
    else:
        raise BadRequest("Image 'location' is required.")
    return _described(image)


def _expected(fields: dict[str, str]) -> dict[str, object]:
    """What its content must be: its size, and its name in the store or its MD5. Raises BadRequest."""
    expected: dict[str, object] = {}
    if "size" in fields:
        if not (fields["size"].isascii() and fields["size"].isdecimal()):
            raise BadRequest("Invalid size.")
        expected["size_bytes"] = int(fields["size"][:20])
    if "checksum" in fields:
        expected["checksum" if len(fields["checksum"]) == _MD5_DIGITS else "hash"] = fields["checksum"]
    return expected


def _format_in(fields: dict[str, str]) -> str:
    kept = {shown: name for name, shown in _FORMATS.items()}
    said = fields.get("disk_format", "raw").lower()
    return kept.get(said, said)


def _head(request: HttpRequest, caller: Caller, image_id: str) -> HttpResponse:
    return _described(found(caller, image_id))


def _update(request: HttpRequest, caller: Caller, image_id: str) -> HttpResponse:
    """Properties are added to those that there are; one that waits for its content gets it from the body."""
    fields, properties = _meta(request, _FIELDS)
    image = found(caller, image_id)
    if fields.get("owner", image.userid) != image.userid:
        raise BadRequest("An image's owner is its file's.")
    if fields.get("name") == "":
        raise BadRequest("An image has a name.")
    about: dict[str, Any] = {"name": fields["name"]} if "name" in fields else {}
    if "is_public" in fields:
        about["is_public"] = fields["is_public"].lower() == "true"
    if files.has_content(request):
        rules.upload(caller, image.uuid, files.content_of(request))
    return _described(rules.modify(caller, image.uuid, properties=properties, merge=True, **about))


def _list_members(request: HttpRequest, caller: Caller, image_id: str) -> HttpResponse:
    image = found(caller, image_id)
    names = {image.userid, *(row.member for row in members.listed(caller, image.uuid))}
    return answer({"members": [{"member_id": name, "can_share": False} for name in sorted(names)]})


def _set_members(request: HttpRequest, caller: Caller, image_id: str) -> HttpResponse:
    wanted = kit.body_of(request).get("memberships")
    if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted):
        raise BadRequest("Malformed request. Missing attribute 'memberships'.")
    members.replace(
        caller,
        found(caller, image_id).uuid,
        _others(caller, (kit.text_in(one, "member_id") for one in wanted)),
    )
    return empty(204)


def _add_member(request: HttpRequest, caller: Caller, image_id: str, member: str) -> HttpResponse:
    members.add(caller, found(caller, image_id).uuid, member)
    return empty(204)


def _remove_member(request: HttpRequest, caller: Caller, image_id: str, member: str) -> HttpResponse:
    members.remove(caller, found(caller, image_id).uuid, member)
    return empty(204)


def _list_shared(request: HttpRequest, caller: Caller, member: str) -> HttpResponse:
    shared = [{"image_id": row.uuid, "can_share": False} for row in rules.shared_by(caller, member)]
    return answer({"shared_images": shared})


def _described(image: Image) -> HttpResponse:
    """All about an image, in headers."""
    response = empty(200)
    response["Content-Length"] = "0"
    _describe(response, image)
    return response


def _describe(response: HttpResponseBase, image: Image) -> None:
    for key, value in _details(image).items():
        text = quote(value) if key in _QUOTED else str(value)
        response[f"X-Image-Meta-{_header(key)}"] = text
    for key, value in image.properties.items():
        response[f"X-Image-Meta-Property-{_header(quote(key))}"] = quote(str(value))


def _meta(request: HttpRequest, known: frozenset[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The fields and the properties in the headers. Raises BadRequest for what is not known or no text."""
    fields: dict[str, str] = {}
    properties: dict[str, str] = {}
    for header, value in request.META.items():
        if not header.startswith(_META):
            continue
        key = header.removeprefix(_META)
        if key.startswith(_PROPERTY):
            properties[_key(key.removeprefix(_PROPERTY))] = _text(value)
            continue
        name = _key(key)
        if name not in known:
            raise BadRequest(f"Field '{name}' is not allowed.")
        fields[name] = _text(value) if name in _QUOTED else value
        if name in _ALLOWED and value.lower() not in _ALLOWED[name]:
            raise BadRequest(f"Invalid '{name}'.")
    return fields, properties


def _key(quoted: str) -> str:
    return "".join("_" if char in string.punctuation else char for char in _text(quoted).lower())


def _text(quoted: str) -> str:
    """Raises BadRequest for what is no UTF-8, or has NUL."""
    try:
        text = unquote(quoted, errors="strict")
    except UnicodeDecodeError:
        raise BadRequest("Headers are percent-quoted UTF-8.") from None
    if "\x00" in text:
        raise BadRequest("NUL characters are not allowed.")
    return text


def _others(caller: Caller, names: Iterable[str]) -> list[str]:
    """Whom a list of members names beside the owner himself."""
    return [name for name in names if name != caller.user]


def _delete(request: HttpRequest, caller: Caller, image_id: str) -> HttpResponse:
    rules.unregister(caller, found(caller, image_id).uuid)
    return empty(204)


def _download(request: HttpRequest, caller: Caller, image_id: str) -> StreamingHttpResponse:
    image = found(caller, image_id)
    response = files.answered(caller, image)
    _describe(response, image)
    return response


def _rows(request: HttpRequest, caller: Caller) -> list[Image]:
    """Raises BadRequest for an order or a size that there is not."""
    key, direction = request.GET.get("sort_key", "created_at"), request.GET.get("sort_dir", "desc")
    if key not in _COLUMNS:
        raise BadRequest("Invalid 'sort_key'")
    if direction not in ("asc", "desc"):
        raise BadRequest("Invalid 'sort_dir'")
    sign = "-" if direction == "desc" else ""
    rows = _chosen(request, rules.listed(caller))
    return list(rows.order_by(f"{sign}{_COLUMNS[key]}", f"{sign}id"))


def _chosen(request: HttpRequest, rows: QuerySet[Image]) -> QuerySet[Image]:
    """Those that were asked for, which 0.21 did not look at. Raises BadRequest."""
    formats = {shown: kept for kept, shown in _FORMATS.items()}
    for name, column in _EQUAL.items():
        if name in request.GET:
            wanted = _storable(request.GET[name])
            rows = rows.filter(**{column: formats.get(wanted, wanted)})
    for name, lookup in _SIZES.items():
        text = request.GET.get(name, "")
        if name in request.GET and not (text.isascii() and text.isdecimal()):
            raise BadRequest(f"Malformed {name}")
        if text:
            rows = rows.filter(**{lookup: min(int(text[:20]), _LARGEST)})
    if "status" in request.GET:
        wanted = request.GET["status"].upper()
        kept = [status for status in Image.Status if str(_STATUS.get(status, status)) == wanted]
        rows = rows.filter(status__in=kept)
    return rows


def _storable(text: str) -> str:
    if "\x00" in text:
        raise BadRequest("NUL characters are not allowed.")
    return text


def _brief(image: Image) -> dict[str, Any]:
    return {
        "id": image.uuid,
        "name": image.name,
        "status": str(_STATUS.get(Image.Status(image.status), image.status)),
        "disk_format": _FORMATS.get(image.disk_format, image.disk_format),
        "container_format": image.container_format or "bare",
        "size": image.size_bytes,
    }


def _details(image: Image) -> dict[str, Any]:
    return {
        **_brief(image),
        "checksum": image.hash,
        "location": image.location,
        "created_at": _moment(image.updated),  # as ever: when its present description came about
        "updated_at": _moment(image.updated),
        "deleted_at": "",
        "is_public": image.is_public,
        "owner": image.userid,
        "is_snapshot": image.is_snapshot,
        "description": image.description,
    }


def _header(key: str) -> str:
    return key.replace("_", "-").title()


def _moment(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


ROUTES: kit.Routes = {
    "/images": kit.served(GET=_list, POST=_register),
    "/images/detail": kit.served(GET=_list_detail),
    "/images/{image_id}/members": kit.served(GET=_list_members, PUT=_set_members),
    "/images/{image_id}/members/{member}": kit.served(PUT=_add_member, DELETE=_remove_member),
    "/images/{image_id}": kit.served(HEAD=_head, GET=_download, PUT=_update, DELETE=_delete),
    "/shared-images/{member}": kit.served(GET=_list_shared),
}
