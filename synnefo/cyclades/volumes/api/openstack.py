"""Volumes in block storage v3. What is done to volumes by ``action`` stands with the servers."""

from __future__ import annotations

import ast
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import ConfigDict, Field

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.volume_types import rules as volume_types
from synnefo.cyclades.volumes import rules, snapshots
from synnefo.cyclades.volumes.api import openstack_views as views
from synnefo.cyclades.volumes.api.listing import SortedListing, page_of
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.requests import VolumeRequest

router = Router()

_COLUMNS = {
    "created_at": "created",
    "updated_at": "updated",
    "id": "uuid",
    "name": "name",
    "display_name": "name",
    "size": "size_gib",
    "status": "status",
    "bootable": "bootable",
}
_YES, _NO = ("true", "1", "yes"), ("false", "0", "no")


class VolumeFilters(SortedListing):
    """``all_tenants`` is for administrators; ``metadata`` is a dictionary as Python writes it."""

    name: kit.Text | None = None
    status: kit.Text | None = None
    bootable: kit.Text | None = None
    availability_zone: kit.Text | None = None
    metadata: kit.Text | None = None
    volume_type_id: kit.Text | None = None
    project_id: kit.Text | None = None
    user_id: kit.Text | None = None
    id: kit.Text | None = None


class NewVolume(kit.Body):
    """What else clients say of a new volume is passed over, as Cinder does."""

    model_config = ConfigDict(extra="ignore", strict=True)

    size: int | kit.Text | None = None
    name: kit.Text | None = Field(None, max_length=255)
    display_name: kit.Text | None = Field(None, max_length=255)
    description: kit.Text | None = Field(None, max_length=255)
    display_description: kit.Text | None = Field(None, max_length=255)
    volume_type: kit.Text | None = None
    image: kit.Text | None = Field(None, alias="imageRef")
    snapshot_id: kit.Text | None = None
    source_volid: kit.Text | None = None
    backup_id: kit.Text | None = None
    availability_zone: kit.Text | None = None
    metadata: dict[kit.Text, kit.Text] | None = None
    multiattach: bool | kit.Text = False


class NewVolumeBody(kit.Body):
    model_config = ConfigDict(extra="ignore", strict=True)

    volume: NewVolume


class VolumeChanges(kit.Body):
    name: kit.Text | None = Field(None, max_length=255)
    display_name: kit.Text | None = Field(None, max_length=255)
    description: kit.Text | None = Field(None, max_length=255)
    display_description: kit.Text | None = Field(None, max_length=255)
    metadata: dict[kit.Text, kit.Text] | None = None


class VolumeChangesBody(kit.Body):
    volume: VolumeChanges


class MetadataBody(kit.Body):
    metadata: dict[kit.Text, kit.Text]


class MetaBody(kit.Body):
    meta: dict[kit.Text, kit.Text]


class Removal(kit.Listing):
    cascade: bool = False
    force: bool = False


@router.get("/volumes")
def list_volumes(request: HttpRequest, filters: Query[VolumeFilters]) -> HttpResponse:
    caller = kit.caller_of(request)
    found = page_of(request, _rows(caller, filters), filters, _COLUMNS)
    url = kit.address(request, f"volume/v3/{caller.project}/volumes")
    body = [views.brief(request, volume) for volume in found.rows]
    return kit.answer({"volumes": body, **found.links("volumes", url)})


@router.get("/volumes/detail")
def list_volumes_with_details(request: HttpRequest, filters: Query[VolumeFilters]) -> HttpResponse:
    caller = kit.caller_of(request)
    found = page_of(request, views.shown(_rows(caller, filters)), filters, _COLUMNS)
    url = kit.address(request, f"volume/v3/{caller.project}/volumes/detail")
    body = [views.whole_volume(request, caller, volume) for volume in found.rows]
    return kit.answer({"volumes": body, **found.links("volumes", url)})


@router.post("/volumes")
def create_volume(request: HttpRequest, body: NewVolumeBody) -> HttpResponse:
    caller = kit.caller_of(request)
    made = rules.create(caller, _request(caller, body.volume))
    return kit.answer({"volume": views.new_volume(request, made)}, 202)


@router.get("/volumes/{volume_id}")
def show_volume(request: HttpRequest, volume_id: str) -> HttpResponse:
    caller = kit.caller_of(request)
    return kit.answer({"volume": views.whole_volume(request, caller, find(caller, volume_id))})


@router.put("/volumes/{volume_id}")
def update_volume(request: HttpRequest, volume_id: str, body: VolumeChangesBody) -> HttpResponse:
    caller, wanted = kit.caller_of(request), body.volume
    uuid = find(caller, volume_id).uuid
    if not wanted.model_fields_set:
        raise BadRequest("Nothing is to be changed.")
    rules.describe(
        caller,
        uuid,
        name=wanted.name if wanted.name is not None else wanted.display_name,
        description=wanted.description if wanted.description is not None else wanted.display_description,
    )
    if wanted.metadata is not None:
        rules.set_metadata(caller, uuid, wanted.metadata, replace=True)
    return kit.answer({"volume": views.new_volume(request, find(caller, uuid))})


@router.delete("/volumes/{volume_id}")
def delete_volume(request: HttpRequest, volume_id: str, how: Query[Removal]) -> HttpResponse:
    """With ``cascade`` its snapshots go, too; without, they stay, for they do not need it."""
    caller = kit.caller_of(request)
    volume = find(caller, volume_id)
    if how.cascade:
        for snapshot in snapshots.snapshots_for(caller).filter(volume_id=volume.pk):
            snapshots.delete(caller, snapshot.uuid)
    rules.delete(caller, volume.uuid)
    return kit.empty(202)


@router.get("/volumes/{volume_id}/metadata")
def list_metadata(request: HttpRequest, volume_id: str) -> HttpResponse:
    return kit.answer({"metadata": _metadata(find(kit.caller_of(request), volume_id))})


@router.post("/volumes/{volume_id}/metadata")
def add_metadata(request: HttpRequest, volume_id: str, body: MetadataBody) -> HttpResponse:
    caller = kit.caller_of(request)
    return kit.answer({"metadata": rules.set_metadata(caller, find(caller, volume_id).uuid, body.metadata)})


@router.put("/volumes/{volume_id}/metadata")
def replace_metadata(request: HttpRequest, volume_id: str, body: MetadataBody) -> HttpResponse:
    caller = kit.caller_of(request)
    uuid = find(caller, volume_id).uuid
    return kit.answer({"metadata": rules.set_metadata(caller, uuid, body.metadata, replace=True)})


@router.get("/volumes/{volume_id}/metadata/{key}")
def show_metadata_item(request: HttpRequest, volume_id: str, key: str) -> HttpResponse:
    return kit.answer({"meta": item_of(_metadata(find(kit.caller_of(request), volume_id)), key)})


@router.put("/volumes/{volume_id}/metadata/{key}")
def set_metadata_item(request: HttpRequest, volume_id: str, key: str, body: MetaBody) -> HttpResponse:
    caller = kit.caller_of(request)
    uuid = find(caller, volume_id).uuid
    rules.set_metadata(caller, uuid, only_item(body, key))
    return kit.answer({"meta": body.meta})


@router.delete("/volumes/{volume_id}/metadata/{key}")
def delete_metadata_item(request: HttpRequest, volume_id: str, key: str) -> HttpResponse:
    caller = kit.caller_of(request)
    rules.delete_metadata(caller, find(caller, volume_id).uuid, key)
    return kit.empty(200)


def find(caller: Caller, volume_id: str) -> Volume:
    """One volume with all that views read. Raises ItemNotFound."""
    uuid = kit.known_id(volume_id, "Volume")
    found = views.shown(rules.volumes_for(caller)).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Volume {volume_id} could not be found.")
    return found


def item_of(metadata: dict[str, str], key: str) -> dict[str, str]:
    if key not in metadata:
        raise ItemNotFound(f"There is no metadata item {key}.")
    return {key: metadata[key]}


def only_item(body: MetaBody, key: str) -> dict[str, str]:
    if list(body.meta) != [key]:
        raise BadRequest("Request body and URI mismatch.")
    return body.meta


def flag(text: str) -> bool:
    """A filter that is yes or no. Raises BadRequest."""
    if text.lower() not in _YES + _NO:
        raise BadRequest(f"Invalid value {text[:50]!r}: it must be true or false.")
    return text.lower() in _YES


def _metadata(volume: Volume) -> dict[str, str]:
    return {row.key: row.value for row in volume.metadata.all()}


def _rows(caller: Caller, filters: VolumeFilters) -> QuerySet[Volume]:
    """The volumes that are asked for. Raises BadRequest, Forbidden."""
    if filters.all_tenants and caller.is_admin:
        caller = kit.everyone(caller)
    rows = rules.volumes_for(caller)
    if filters.status is not None:
        rows = rows.filter(status__in=views.statuses_of(filters.status))
    if filters.bootable is not None:
        rows = rows.filter(bootable=flag(filters.bootable))
    if filters.availability_zone not in (None, views.ZONE):
        rows = rows.none()
    for key, value in _dictionary(filters.metadata).items():
        rows = rows.filter(metadata__key=key, metadata__value=value)
    columns = {
        "name": filters.name,
        "uuid": filters.id,
        "project": filters.project_id,
        "userid": filters.user_id,
        "volume_type__uuid": filters.volume_type_id,
    }
    for column, wanted in columns.items():
        if wanted is not None:
            rows = rows.filter(**{column: wanted if column == "name" else kit.wanted_id(wanted)})
    return rows


def _dictionary(text: str | None) -> dict[str, str]:
    """The dict that clients write into a query. Raises BadRequest."""
    if text is None:
        return {}
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadRequest("Invalid filter: metadata must be a dictionary.")
    return {str(key): str(value) for key, value in found.items()}


def _request(caller: Caller, wanted: NewVolume) -> VolumeRequest:
    """What a body asks for. Raises BadRequest, ItemNotFound."""
    sources = {
        Volume.Source.IMAGE: wanted.image,
        Volume.Source.SNAPSHOT: wanted.snapshot_id,
        Volume.Source.VOLUME: wanted.source_volid,
    }
    named = [(kind, ref) for kind, ref in sources.items() if ref]
    if len(named) > 1:
        raise BadRequest("A volume has one source at most.")
    if wanted.backup_id:
        raise BadRequest("This cloud has no backups.")
    if wanted.multiattach not in (False, "false", "False"):
        raise BadRequest("This cloud attaches a volume to one server at a time.")
    kit.only("availability_zone", wanted.availability_zone or None, views.ZONE)
    kind, ref = named[0] if named else (Volume.Source.BLANK, "")
    size = size_in(wanted.size)
    if size is None and kind in (Volume.Source.BLANK, Volume.Source.IMAGE):
        raise BadRequest("Size is needed for a volume without a source, or of an image.")
    return VolumeRequest(
        size_gib=size,
        name=wanted.name or wanted.display_name or "",
        description=wanted.description or wanted.display_description or "",
        volume_type=volume_types.named(caller, wanted.volume_type) if wanted.volume_type else None,
        source=kind,
        source_uuid=kit.wanted_id(ref or ""),
        metadata=wanted.metadata or {},
    )


def size_in(value: Any) -> int | None:
    """A number of GiB, as number or as text. Raises BadRequest."""
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:10])
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadRequest("Volume size must be an integer greater than zero.")
    return value
