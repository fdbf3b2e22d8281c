"""Snapshots in block storage v3: images of volumes, with other words."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Body, Query, Router
from pydantic import ConfigDict, Field

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.volumes import snapshots
from synnefo.cyclades.volumes.api import openstack as volumes
from synnefo.cyclades.volumes.api import openstack_views as views
from synnefo.cyclades.volumes.api.listing import Page, SortedListing, page_of
from synnefo.cyclades.volumes.models import Volume

router = Router()

_COLUMNS = {
    "created_at": "created",
    "updated_at": "updated",
    "id": "uuid",
    "name": "name",
    "display_name": "name",
    "status": "status",
    "volume_id": "volume_id",
}
_RESET = {"available": Image.Status.AVAILABLE, "error": Image.Status.ERROR}


class SnapshotFilters(SortedListing):
    name: kit.Text | None = None
    status: kit.Text | None = None
    volume_id: kit.Text | None = None
    project_id: kit.Text | None = None
    id: kit.Text | None = None


class NewSnapshot(kit.Body):
    model_config = ConfigDict(extra="ignore", strict=True)

    volume_id: kit.Text | None = None
    name: kit.Text | None = Field(None, max_length=255)
    display_name: kit.Text | None = Field(None, max_length=255)
    description: kit.Text | None = Field(None, max_length=255)
    force: bool | kit.Text | None = False
    metadata: dict[kit.Text, kit.Text] | None = None


class NewSnapshotBody(kit.Body):
    snapshot: NewSnapshot


class SnapshotChanges(kit.Body):
    name: kit.Text | None = Field(None, max_length=255)
    display_name: kit.Text | None = Field(None, max_length=255)
    description: kit.Text | None = Field(None, max_length=255)
    display_description: kit.Text | None = Field(None, max_length=255)


class SnapshotChangesBody(kit.Body):
    snapshot: SnapshotChanges


@router.get("/snapshots")
def list_snapshots(request: HttpRequest, filters: Query[SnapshotFilters]) -> HttpResponse:
    return _listed(request, filters, "snapshots", views.new_snapshot)


@router.get("/snapshots/detail")
def list_snapshots_with_details(request: HttpRequest, filters: Query[SnapshotFilters]) -> HttpResponse:
    return _listed(request, filters, "snapshots/detail", views.whole_snapshot)


@router.post("/snapshots")
def create_snapshot(request: HttpRequest, body: NewSnapshotBody) -> HttpResponse:
    """One of a volume that is in use must be wanted by ``force``, for what stands there may be changing."""
    caller, wanted = kit.caller_of(request), body.snapshot
    if wanted.volume_id is None:
        raise ItemNotFound("Volume None could not be found.")
    volume = volumes.find(caller, wanted.volume_id)
    forced = wanted.force is True or (isinstance(wanted.force, str) and volumes.flag(wanted.force))
    if volume.status == Volume.Status.IN_USE and not forced:
        raise BadRequest(f"Invalid volume: volume {volume.uuid} is in use; a snapshot of it needs force.")
    made = snapshots.create(
        caller,
        volume.uuid,
        name=wanted.name or wanted.display_name or "",
        description=wanted.description or "",
        metadata=wanted.metadata,
    )
    return kit.answer({"snapshot": views.new_snapshot(made, volume.uuid)}, 202)


@router.get("/snapshots/{snapshot_id}")
def show_snapshot(request: HttpRequest, snapshot_id: str) -> HttpResponse:
    return _told(_find(kit.caller_of(request), snapshot_id), views.whole_snapshot)


@router.put("/snapshots/{snapshot_id}")
def update_snapshot(request: HttpRequest, snapshot_id: str, body: SnapshotChangesBody) -> HttpResponse:
    caller, wanted = kit.caller_of(request), body.snapshot
    if not wanted.model_fields_set:
        raise BadRequest("Nothing is to be changed.")
    changed = snapshots.modify(
        caller,
        _find(caller, snapshot_id).uuid,
        name=wanted.name or wanted.display_name,
        description=wanted.description if wanted.description is not None else wanted.display_description,
    )
    return _told(changed, views.new_snapshot)


@router.delete("/snapshots/{snapshot_id}")
def delete_snapshot(request: HttpRequest, snapshot_id: str) -> HttpResponse:
    caller = kit.caller_of(request)
    snapshots.delete(caller, _find(caller, snapshot_id).uuid)
    return kit.empty(202)


@router.post("/snapshots/{snapshot_id}/action")
def act_on_snapshot(request: HttpRequest, snapshot_id: str, body: Body[dict[str, Any]]) -> HttpResponse:
    """``os-reset_status`` and ``os-force_delete``, for administrators."""
    caller = kit.caller_of(request)
    uuid = _find(caller, snapshot_id).uuid
    if "os-reset_status" in body:
        status = (body["os-reset_status"] or {}).get("status")
        if status not in _RESET:
            raise BadRequest("A snapshot's state is reset to available or error.")
        snapshots.reset_status(caller, uuid, _RESET[status])
    elif "os-force_delete" in body:
        snapshots.reset_status(caller, uuid, Image.Status.ERROR)
        snapshots.delete(caller, uuid)
    else:
        raise BadRequest("There is no such action.")
    return kit.empty(202)


@router.get("/snapshots/{snapshot_id}/metadata")
def list_snapshot_metadata(request: HttpRequest, snapshot_id: str) -> HttpResponse:
    found = _find(kit.caller_of(request), snapshot_id)
    return kit.answer({"metadata": snapshots.metadata_of(found)})


@router.post("/snapshots/{snapshot_id}/metadata")
def add_snapshot_metadata(request: HttpRequest, snapshot_id: str, body: volumes.MetadataBody) -> HttpResponse:
    caller = kit.caller_of(request)
    uuid = _find(caller, snapshot_id).uuid
    return kit.answer({"metadata": snapshots.set_metadata(caller, uuid, body.metadata)})


@router.put("/snapshots/{snapshot_id}/metadata")
def replace_snapshot_metadata(
    request: HttpRequest, snapshot_id: str, body: volumes.MetadataBody
) -> HttpResponse:
    caller = kit.caller_of(request)
    uuid = _find(caller, snapshot_id).uuid
    return kit.answer({"metadata": snapshots.set_metadata(caller, uuid, body.metadata, replace=True)})


@router.get("/snapshots/{snapshot_id}/metadata/{key}")
def show_snapshot_metadata_item(request: HttpRequest, snapshot_id: str, key: str) -> HttpResponse:
    found = _find(kit.caller_of(request), snapshot_id)
    return kit.answer({"meta": volumes.item_of(snapshots.metadata_of(found), key)})


@router.put("/snapshots/{snapshot_id}/metadata/{key}")
def set_snapshot_metadata_item(
    request: HttpRequest, snapshot_id: str, key: str, body: volumes.MetaBody
) -> HttpResponse:
    caller = kit.caller_of(request)
    uuid = _find(caller, snapshot_id).uuid
    snapshots.set_metadata(caller, uuid, volumes.only_item(body, key))
    return kit.answer({"meta": body.meta})


@router.delete("/snapshots/{snapshot_id}/metadata/{key}")
def delete_snapshot_metadata_item(request: HttpRequest, snapshot_id: str, key: str) -> HttpResponse:
    caller = kit.caller_of(request)
    found = _find(caller, snapshot_id)
    volumes.item_of(snapshots.metadata_of(found), key)
    snapshots.set_metadata(caller, found.uuid, {key: None})
    return kit.empty(200)


def _find(caller: Caller, snapshot_id: str) -> Image:
    return snapshots.get(caller, kit.known_id(snapshot_id, "Snapshot"))


def _told(snapshot: Image, view: Any) -> HttpResponse:
    of = views.volumes_of([snapshot])
    return kit.answer({"snapshot": view(snapshot, of.get(snapshot.volume_id))})


def _listed(request: HttpRequest, filters: SnapshotFilters, path: str, view: Any) -> HttpResponse:
    caller = kit.caller_of(request)
    found: Page = page_of(request, _rows(caller, filters), filters, _COLUMNS)
    of = views.volumes_of(found.rows)
    url = kit.address(request, f"volume/v3/{caller.project}/{path}")
    body = [view(snapshot, of.get(snapshot.volume_id)) for snapshot in found.rows]
    return kit.answer({"snapshots": body, **found.links("snapshots", url)})


def _rows(caller: Caller, filters: SnapshotFilters) -> QuerySet[Image]:
    if filters.all_tenants and caller.is_admin:
        caller = kit.everyone(caller)
    rows = snapshots.snapshots_for(caller)
    if filters.status is not None:
        rows = rows.filter(_with_status(filters.status))
    if filters.volume_id is not None:
        of = Volume.objects.filter(uuid=kit.wanted_id(filters.volume_id))
        rows = rows.filter(volume_id__in=of.values("pk"))
    if filters.name is not None:
        rows = rows.filter(name=filters.name)
    if filters.id is not None:
        rows = rows.filter(uuid=kit.wanted_id(filters.id))
    if filters.project_id is not None:
        rows = rows.filter(project=kit.wanted_id(filters.project_id))
    return rows


def _with_status(wanted: str) -> Q:
    if wanted == "creating":
        return ~Q(status__in=views.SNAPSHOT_STATUS)
    return Q(status__in=[status for status, word in views.SNAPSHOT_STATUS.items() if word == wanted])
