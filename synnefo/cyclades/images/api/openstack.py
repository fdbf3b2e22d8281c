"""Images in image v2: lists and descriptions."""

from __future__ import annotations

import dataclasses
import datetime
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.utils.dateparse import parse_datetime
from ninja import Query, Router
from pydantic import NonNegativeInt

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.common.http.paging import page_size
from synnefo.cyclades.images import imports, rules
from synnefo.cyclades.images.models import Image, ImageMember
from synnefo.cyclades.openstack import kit

router = Router()

STATUSES = {
    Image.Status.QUEUED: "queued",
    Image.Status.SAVING: "saving",
    Image.Status.UPLOADING: "uploading",
    Image.Status.IMPORTING: "importing",
    Image.Status.AVAILABLE: "active",
    Image.Status.DEACTIVATED: "deactivated",
    Image.Status.ERROR: "killed",
}
_MOST_PROPERTIES = 10
_SORTED = {
    "name": "name", "status": "status", "container_format": "container_format", "disk_format": "disk_format",
    "size": "size_bytes", "id": "uuid", "created_at": "created", "updated_at": "updated",
}  # fmt: skip
_DIRECTIONS = ("asc", "desc")
_MOST_KEYS = 8
_COMPARED = {"eq": "exact", "gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte"}
_NUMBERS = {
    "size": "size_bytes",
    "min_ram": "min_ram_mib",
    "size_min": "size_bytes",
    "size_max": "size_bytes",
}


class ImageFilters(kit.Listing):
    """Names, ids, statuses and formats may be lists: ``in:a,b``; times may be compared: ``gt:...``."""

    name: kit.Text | None = None
    id: kit.Text | None = None
    status: kit.Text | None = None
    visibility: kit.Text | None = None
    member_status: kit.Text = "accepted"
    owner: kit.Text | None = None
    disk_format: kit.Text | None = None
    container_format: kit.Text | None = None
    checksum: kit.Text | None = None
    os_hash_value: kit.Text | None = None
    protected: bool | None = None
    os_hidden: bool = False
    size: NonNegativeInt | None = None
    size_min: NonNegativeInt | None = None
    size_max: NonNegativeInt | None = None
    min_ram: NonNegativeInt | None = None
    created_at: kit.Text | None = None
    updated_at: kit.Text | None = None


_KNOWN = {*ImageFilters.model_fields, "sort", "sort_key", "sort_dir", "tag"}


@router.get("/images")
def list_images(request: HttpRequest, filters: Query[ImageFilters]) -> HttpResponse:
    rows = _with_properties(_filtered(kit.caller_of(request), filters), request)
    for tag in request.GET.getlist("tag")[:_MOST_PROPERTIES]:
        rows = _tagged(rows, tag)
    found, more = _page(rows, _order(request), filters)
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
    return kit.answer(details_of(found(request, image_id)))


def found(request: HttpRequest, image_id: str) -> Image:
    """The image in a path; snapshots are none here. Raises ItemNotFound."""
    image = rules.get(kit.caller_of(request), kit.known_id(image_id, "Image"))
    if image.is_snapshot:
        raise ItemNotFound(f"Image {image_id} could not be found.")
    return image


def details_of(image: Image) -> dict[str, Any]:
    """An image with its properties as further keys; they never hide one of Glance's own."""
    algorithm = "sha512" if image.sha512 else "sha256" if image.sha256 else None
    return {
        **{key: str(value) for key, value in image.properties.items()},
        **_importing(image),
        "id": image.uuid,
        "name": image.name or None,
        "status": STATUSES[Image.Status(image.status)],
        "visibility": "public" if image.is_public else image.visibility,
        "owner": image.project,
        "protected": image.protected,
        "os_hidden": image.hidden,
        "disk_format": image.disk_format or None,
        "container_format": image.container_format or None,
        "size": image.size_bytes or None,
        "virtual_size": image.virtual_size_bytes or None,
        "min_disk": image.min_disk_gib,
        "min_ram": image.min_ram_mib,
        "checksum": image.checksum or None,
        "os_hash_algo": algorithm,
        "os_hash_value": image.sha512 or image.sha256 or None,
        "tags": list(image.tags),
        "stores": imports.STORE if image.hold else "",
        "created_at": kit.stamp(image.created),
        "updated_at": kit.stamp(image.updated),
        "self": f"/v2/images/{image.uuid}",
        "file": f"/v2/images/{image.uuid}/file",
        "schema": "/v2/schemas/image",
    }


def _importing(image: Image) -> dict[str, str]:
    """What Glance says while content is brought, and when that failed."""
    under_way = image.status == Image.Status.IMPORTING
    if not under_way and not image.fault:
        return {}
    return {
        "os_glance_importing_to_stores": imports.STORE if under_way else "",
        "os_glance_failed_import": imports.STORE if image.fault else "",
    }


def _filtered(caller: Caller, filters: ImageFilters) -> QuerySet[Image]:
    rows = _visible(caller, filters).filter(is_snapshot=False)
    for parameter, column in (("name", "name"), ("disk_format",) * 2, ("container_format",) * 2):
        text = getattr(filters, parameter)
        if text is not None:
            rows = rows.filter(**{f"{column}__in": _one_or_more(text)})
    if filters.id is not None:
        rows = rows.filter(uuid__in=kit.wanted_ids(_one_or_more(filters.id)))
    if filters.status is not None:
        names = {shown: status for status, shown in STATUSES.items()}
        rows = rows.filter(status__in=[names.get(text, "") for text in _one_or_more(filters.status)])
    if filters.owner is not None:
        rows = rows.filter(project__in=(filters.owner, kit.wanted_id(filters.owner)))
    if filters.protected is not None:
        rows = rows.filter(protected=filters.protected)
    if filters.checksum is not None:
        rows = rows.filter(checksum=filters.checksum)
    if filters.os_hash_value is not None:
        rows = rows.filter(Q(sha512=filters.os_hash_value) | Q(sha256=filters.os_hash_value, sha512=""))
    return _measured(rows, filters)


def _measured(rows: QuerySet[Image], filters: ImageFilters) -> QuerySet[Image]:
    """By amounts and times. Raises BadRequest."""
    lookups = {"size_min": "gte", "size_max": "lte"}
    for parameter, column in _NUMBERS.items():
        amount = getattr(filters, parameter)
        if amount is not None:
            rows = rows.filter(**{f"{column}__{lookups.get(parameter, 'exact')}": min(amount, 2**63 - 1)})
    for parameter, column in (("created_at", "created"), ("updated_at", "updated")):
        text = getattr(filters, parameter)
        if text is not None:
            lookup, moment = _compared(text)
            rows = rows.filter(**{f"{column}__{lookup}": moment})
    return rows


def _compared(text: str) -> tuple[str, datetime.datetime]:
    """``gte:2026-01-31T12:00:00Z`` as a look-up and a moment."""
    match = re.fullmatch(r"(?:(eq|gt|gte|lt|lte):)?(\d.*)", text)
    try:
        moment = parse_datetime(match[2]) if match else None
    except ValueError:
        moment = None
    if match is None or moment is None:
        raise BadRequest(f"Invalid time: {text}")
    aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return _COMPARED[match[1] or "eq"], aware


def _visible(caller: Caller, filters: ImageFilters) -> QuerySet[Image]:
    """Raises BadRequest for what is no visibility, and for what no member answers."""
    answers = ImageMember.Status.values if filters.member_status == "all" else [filters.member_status]
    if not set(answers) <= set(ImageMember.Status.values):
        raise BadRequest(f"Invalid status: {filters.member_status}")
    rows = rules.listed(caller, hidden=filters.os_hidden, offered=answers)
    wanted = filters.visibility
    if wanted is None:
        return rows
    if wanted in ("community", "all"):
        known = rules.images_for(caller).filter(hidden=filters.os_hidden)
        community = known.filter(visibility=Image.Visibility.COMMUNITY, is_public=False)
        return community if wanted == "community" else rows | community
    if wanted == "public":
        return rows.filter(is_public=True)
    if wanted in Image.Visibility.values:
        return rows.filter(is_public=False, visibility=wanted)
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


def _tagged(rows: QuerySet[Image], tag: str) -> QuerySet[Image]:
    if "\x00" in tag:
        raise BadRequest("NUL characters are not allowed.")
    if connection.features.supports_json_field_contains:
        return rows.filter(tags__contains=[tag])
    table = Image._meta.db_table
    found = f"SELECT i.id FROM {table} i, json_each(i.tags) t WHERE t.value = %s"  # noqa: S608 - our own table
    return rows.filter(pk__in=RawSQL(found, [tag]))  # noqa: S611 - the tag is a parameter


def _order(request: HttpRequest) -> list[tuple[str, bool]]:
    """Columns to order by and whether from the greatest down, the last one telling all apart.

    Either ``sort=name:asc,size:desc``, or ``sort_key`` and ``sort_dir``, each once or more often. Raises
    BadRequest.
    """
    if "sort" in request.GET:
        pairs = [part.partition(":")[::2] for part in request.GET["sort"].split(",")]
    else:
        keys, directions = request.GET.getlist("sort_key"), request.GET.getlist("sort_dir")
        if len(directions) > 1 and len(directions) != len(keys):
            raise BadRequest("Number of sort dirs does not match the number of sort keys.")
        every = directions[0] if len(directions) == 1 else ""
        pairs = [
            (key, every or (directions[place] if directions else ""))
            for place, key in enumerate(keys or ["created_at"])
        ]
    if len(pairs) > _MOST_KEYS:
        raise BadRequest(f"At most {_MOST_KEYS} keys can be sorted by.")
    order: dict[str, bool] = {}
    for key, direction in [*pairs, ("created_at", ""), ("id", "")]:
        if key not in _SORTED or direction not in ("", *_DIRECTIONS):
            raise BadRequest(f"Invalid sort key or direction: {key}:{direction}")
        order.setdefault(_SORTED[key], direction != "asc")
    return list(order.items())


@dataclasses.dataclass(frozen=True)
class _After:
    """Whether rows come after one, column by column."""

    row: Image
    order: Sequence[tuple[str, bool]]

    def condition(self) -> Q:
        either, same = [], Q()
        for column, falling in self.order:
            value = getattr(self.row, column)
            either.append(same & Q(**{f"{column}__{'lt' if falling else 'gt'}": value}))
            same &= Q(**{column: value})
        join: Callable[[Q, Q], Q] = operator.or_
        return reduce(join, either)


def _page(
    rows: QuerySet[Image], order: Sequence[tuple[str, bool]], listing: kit.Listing
) -> tuple[list[Image], bool]:
    """One page and whether more follow. Raises BadRequest for a marker that is not in the list."""
    size = page_size(listing.limit)
    if size == 0:
        return [], False
    if listing.marker:
        last = rows.filter(uuid=kit.wanted_id(listing.marker)).first()
        if last is None:
            raise BadRequest(f"marker [{listing.marker}] not found")
        rows = rows.filter(_After(last, order).condition())
    columns = [f"-{column}" if falling else column for column, falling in order]
    shown = list(rows.order_by(*columns)[: size + 1])
    return shown[:size], len(shown) > size


def _one_or_more(text: str) -> Iterable[str]:
    """``in:a,"b,c"`` or one text."""
    if not text.startswith("in:"):
        return [text]
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|([^,"]+)', text[3:])]


def _first_page(request: HttpRequest) -> str:
    query = request.GET.copy()
    query.pop("marker", None)
    return f"/v2/images?{query.urlencode()}" if query else "/v2/images"
