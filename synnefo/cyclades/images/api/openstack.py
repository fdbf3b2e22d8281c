"""Images in image v2: lists and descriptions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from synnefo.common.faults import BadRequest
from synnefo.cyclades.images import rules
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.openstack import kit

router = Router()

_STATUS = {
    Image.Status.QUEUED: "queued",
    Image.Status.SAVING: "saving",
    Image.Status.AVAILABLE: "active",
    Image.Status.ERROR: "killed",
}
_MOST_PROPERTIES = 10


class ImageFilters(kit.Listing):
    """Names, ids and statuses may be lists: ``in:a,b``."""

    name: kit.Text | None = None
    id: kit.Text | None = None
    status: kit.Text | None = None
    visibility: kit.Text | None = None
    owner: kit.Text | None = None
    disk_format: kit.Text | None = None
    os_hidden: bool = False


_KNOWN = {*ImageFilters.model_fields, "sort", "sort_key", "sort_dir", "member_status", "protected", "tag"}


@router.get("/images")
def list_images(request: HttpRequest, filters: Query[ImageFilters]) -> HttpResponse:
    rows = _with_properties(_filtered(rules.images_for(kit.caller_of(request)), filters), request)
    found, more = kit.page_of(rows, filters)
    body: dict[str, Any] = {
        "images": [details_of(image) for image in found],
        "first": _first_page(request),
        "schema": "/v2/schemas/images",
    }
    if more:
        body["next"] = kit.next_page(request, "/v2/images", found[-1].uuid)
    return kit.answer(body)


@router.get("/images/{image_id}")
def show_image(request: HttpRequest, image_id: str) -> HttpResponse:
    image = rules.get(kit.caller_of(request), kit.known_id(image_id, "Image"))
    return kit.answer(details_of(image))


def details_of(image: Image) -> dict[str, Any]:
    """An image with its properties as further keys; they never hide one of Glance's own."""
    return {
        **{key: str(value) for key, value in image.properties.items()},
        "id": image.uuid,
        "name": image.name,
        "status": _STATUS[Image.Status(image.status)],
        "visibility": "public" if image.is_public else "private",
        "owner": image.project,
        "protected": False,
        "os_hidden": False,
        "disk_format": image.disk_format,
        "container_format": "bare",
        "size": image.size_bytes or None,
        "virtual_size": image.virtual_size_bytes or None,
        "min_disk": image.min_disk_gib,
        "min_ram": image.min_ram_mib,
        "checksum": image.checksum or None,
        "os_hash_algo": "sha256" if image.sha256 else None,
        "os_hash_value": image.sha256 or None,
        "tags": [],
        "created_at": kit.stamp(image.created),
        "updated_at": kit.stamp(image.updated),
        "self": f"/v2/images/{image.uuid}",
        "file": f"/v2/images/{image.uuid}/file",
        "schema": "/v2/schemas/image",
    }


def _filtered(rows: QuerySet[Image], filters: ImageFilters) -> QuerySet[Image]:
    if filters.name is not None:
        rows = rows.filter(name__in=_one_or_more(filters.name))
    if filters.id is not None:
        rows = rows.filter(uuid__in=kit.wanted_ids(_one_or_more(filters.id)))
    if filters.status is not None:
        names = {shown: status for status, shown in _STATUS.items()}
        rows = rows.filter(status__in=[names.get(text, "") for text in _one_or_more(filters.status)])
    if filters.owner is not None:
        rows = rows.filter(project=kit.wanted_id(filters.owner))
    if filters.disk_format is not None:
        rows = rows.filter(disk_format__in=_one_or_more(filters.disk_format))
    if filters.os_hidden:
        return rows.none()
    return rows.filter(_visibility(filters.visibility))


def _visibility(wanted: str | None) -> Q:
    """Raises BadRequest for what is no visibility."""
    if wanted in (None, "all"):
        return Q()
    if wanted in ("public", "private"):
        return Q(is_public=wanted == "public")
    if wanted in ("shared", "community"):
        return Q(pk__in=())
    raise BadRequest(f"Invalid visibility value: {wanted}")


def _with_properties(rows: QuerySet[Image], request: HttpRequest) -> QuerySet[Image]:
    """Every parameter that is not Glance's own must equal the property of that name."""
    wanted = {key: request.GET[key] for key in request.GET if key not in _KNOWN}
    if len(wanted) > _MOST_PROPERTIES:
        raise BadRequest(f"At most {_MOST_PROPERTIES} properties can be asked for.")
    for number, (key, value) in enumerate(wanted.items()):
        if "\x00" in key + value:
            raise BadRequest("NUL characters are not allowed.")
        alias, text = f"property_{number}", Cast(KeyTextTransform(key, "properties"), TextField())
        rows = rows.annotate(**{alias: text}).filter(**{alias: value})
    return rows


def _one_or_more(text: str) -> Iterable[str]:
    return text[3:].split(",") if text.startswith("in:") else [text]


def _first_page(request: HttpRequest) -> str:
    query = request.GET.copy()
    query.pop("marker", None)
    return f"/v2/images?{query.urlencode()}" if query else "/v2/images"
