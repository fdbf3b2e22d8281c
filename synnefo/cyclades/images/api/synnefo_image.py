"""Synnefo's image v1: what there is, described in headers. Images are brought in by operators."""

from __future__ import annotations

import datetime
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, NotImplementedFault
from synnefo.common.http.plain import answer, empty
from synnefo.cyclades.images import rules
from synnefo.cyclades.images.api.synnefo import found, known_id
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.synnefo_api import kit

_COLUMNS = {
    "id": "uuid",
    "name": "name",
    "status": "status",
    "size": "size_bytes",
    "disk_format": "disk_format",
    "container_format": "disk_format",  # all are bare; the order among them is theirs
    "created_at": "created",
    "updated_at": "updated",
}
_QUOTED = ("name", "description")


def _list(request: HttpRequest, caller: Caller) -> HttpResponse:
    return answer({"images": [_brief(row) for row in _rows(request, caller)]})


def _list_detail(request: HttpRequest, caller: Caller) -> HttpResponse:
    shown = []
    for row in _rows(request, caller):
        details = {**_details(row), "properties": row.properties}
        if not row.description:
            del details["description"]
        shown.append(details)
    return answer({"images": shown})


def _head(request: HttpRequest, caller: Caller, image_id: str) -> HttpResponse:
    image = found(caller, image_id)
    response = empty(200)
    for key, value in _details(image).items():
        text = quote(value) if key in _QUOTED else str(value)
        response[f"X-Image-Meta-{_header(key)}"] = text
    for key, value in image.properties.items():
        response[f"X-Image-Meta-Property-{_header(quote(key))}"] = quote(str(value))
    return response


def _delete(request: HttpRequest, caller: Caller, image_id: str) -> HttpResponse:
    rules.unregister(caller, known_id(image_id))
    return empty(204)


def _download(request: HttpRequest, caller: Caller, image_id: str) -> HttpResponse:
    raise NotImplementedFault("Images are not downloaded here.")


def _rows(request: HttpRequest, caller: Caller) -> list[Image]:
    """Raises BadRequest for an order or a filter that there is not; filters choose nothing, as ever."""
    key, direction = request.GET.get("sort_key", "created_at"), request.GET.get("sort_dir", "desc")
    if key not in _COLUMNS:
        raise BadRequest("Invalid 'sort_key'")
    if direction not in ("asc", "desc"):
        raise BadRequest("Invalid 'sort_dir'")
    for name in ("size_min", "size_max"):
        if not request.GET.get(name, "0").isdecimal():
            raise BadRequest(f"Malformed {name}")
    sign = "-" if direction == "desc" else ""
    return list(rules.images_for(caller).order_by(f"{sign}{_COLUMNS[key]}", f"{sign}id"))


def _brief(image: Image) -> dict[str, Any]:
    return {
        "id": image.uuid,
        "name": image.name,
        "status": image.status,
        "disk_format": image.disk_format,
        "container_format": "bare",
        "size": image.size_bytes,
    }


def _details(image: Image) -> dict[str, Any]:
    return {
        **_brief(image),
        "checksum": image.hash,
        "location": image.location,
        "created_at": _moment(image.created),
        "updated_at": _moment(image.updated),
        "deleted_at": "",
        "is_public": image.is_public,
        "owner": image.userid,
        "is_snapshot": False,
        "description": image.description,
    }


def _header(key: str) -> str:
    return key.replace("_", "-").title()


def _moment(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


ROUTES: kit.Routes = {
    "/images": kit.served(GET=_list),
    "/images/detail": kit.served(GET=_list_detail),
    "/images/{image_id}": kit.served(HEAD=_head, GET=_download, DELETE=_delete),
}
