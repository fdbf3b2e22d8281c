"""Volume types, snapshots and metadata in Synnefo's volume v2.0. Volumes stand with the servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound, WrongState
from synnefo.common.http.plain import View, answer, empty
from synnefo.cyclades.images.api.synnefo import found as image_found
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.synnefo_api import kit
from synnefo.cyclades.volume_types import rules as volume_types
from synnefo.cyclades.volume_types.models import VolumeType
from synnefo.cyclades.volumes import rules, snapshots
from synnefo.cyclades.volumes.models import Volume

T = TypeVar("T")

_LONGEST_KEY = 64
_STATUS = {Image.Status.AVAILABLE: "AVAILABLE", Image.Status.ERROR: "ERROR", Image.Status.SAVING: "CREATING"}
_MADE = "AVAILABLE"


def _list_types(request: HttpRequest, caller: Caller) -> HttpResponse:
    rows = volume_types.types_for(caller).order_by("pk")
    return answer({"volume_types": [_type_view(row) for row in rows]})


def _show_type(request: HttpRequest, caller: Caller, type_id: str) -> HttpResponse:
    found = volume_types.find(caller, kit.number_of(type_id, "volume type"))
    return answer({"volume_type": _type_view(found)})


def _list_snapshots(request: HttpRequest, caller: Caller) -> HttpResponse:
    _require_routes(caller)
    found = kit.listed(request, snapshots.with_deleted(caller))
    if found is None:
        return kit.not_modified()
    return answer({"snapshots": [_view(request, row) for row in found]})


def _create_snapshot(request: HttpRequest, caller: Caller) -> HttpResponse:
    _require_routes(caller)
    wanted = kit.part_of(request, "snapshot")
    if wanted.get("volume_id") is None:
        raise BadRequest("'volume_id' attribute is missing.")
    volume = rules.find(caller, kit.number_of(wanted["volume_id"], "volume"))
    if volume.deleted:
        raise BadRequest("Volume has been deleted.")
    name, description = (kit.text_in(wanted, f"display_{word}", "") for word in ("name", "description"))
    metadata, owner = metadata_in(wanted, optional=True), caller.in_project(volume.project)
    made = in_state(
        lambda: snapshots.create(owner, volume.uuid, name=name, description=description, metadata=metadata)
    )
    return answer({"snapshot": _view(request, made)}, 202)


def _show_snapshot(request: HttpRequest, caller: Caller, snapshot_id: str) -> HttpResponse:
    return answer({"snapshot": _view(request, _found(caller, snapshot_id))})


def _update_snapshot(request: HttpRequest, caller: Caller, snapshot_id: str) -> HttpResponse:
    wanted = kit.part_of(request, "snapshot")
    said = {name: kit.text_in(wanted, f"display_{name}") for name in _named(wanted)}
    if not said:
        raise BadRequest("Nothing to update: give display_name or display_description.")
    changed = snapshots.modify(caller, _found(caller, snapshot_id).uuid, **said)
    return answer({"snapshot": _view(request, changed)})


def _delete_snapshot(request: HttpRequest, caller: Caller, snapshot_id: str) -> HttpResponse:
    snapshots.delete(caller, _found(caller, snapshot_id).uuid)
    return empty(202)


def _snapshot_metadata(request: HttpRequest, caller: Caller, snapshot_id: str) -> HttpResponse:
    found = _found(caller, snapshot_id)
    return answer({"metadata": {key: str(value) for key, value in found.properties.items()}})


def _change_snapshot_metadata(request: HttpRequest, caller: Caller, snapshot_id: str) -> HttpResponse:
    found = _found(caller, snapshot_id)
    wanted = metadata_in(kit.body_of(request))
    kept = snapshots.set_metadata(caller, found.uuid, wanted, replace=request.method == "PUT")
    return answer({"metadata": kept})


def _delete_snapshot_metadata(
    request: HttpRequest, caller: Caller, snapshot_id: str, key: str
) -> HttpResponse:
    found = _found(caller, snapshot_id)
    if key not in found.properties:
        raise BadRequest(f"Metadata key {key} does not exist.")
    snapshots.set_metadata(caller, found.uuid, {key: None})
    return empty(200)


def _volume_metadata(request: HttpRequest, caller: Caller, volume_id: str) -> HttpResponse:
    return answer({"metadata": metadata_of(find(caller, volume_id))})


def _change_volume_metadata(request: HttpRequest, caller: Caller, volume_id: str) -> HttpResponse:
    volume = find_changeable(caller, volume_id)
    wanted = metadata_in(kit.body_of(request))
    kept = rules.set_metadata(caller, volume.uuid, wanted, replace=request.method == "PUT")
    return answer({"metadata": kept})


def _delete_volume_metadata(request: HttpRequest, caller: Caller, volume_id: str, key: str) -> HttpResponse:
    volume = find_changeable(caller, volume_id)
    try:
        rules.delete_metadata(caller, volume.uuid, key)
    except ItemNotFound as fault:
        raise BadRequest(fault.message) from None
    return empty(200)


def in_state(rule: Callable[[], T]) -> T:
    """Call a rule; a state that does not allow it is a bad request here."""
    try:
        return rule()
    except WrongState as fault:
        raise BadRequest(fault.message) from None


def find(caller: Caller, volume_id: str) -> Volume:
    """One volume, also one that is deleted. Raises ItemNotFound."""
    return rules.find(caller, kit.number_of(volume_id, "volume"))


def find_changeable(caller: Caller, volume_id: str) -> Volume:
    """The same. Raises BadRequest if it is deleted."""
    found = find(caller, volume_id)
    if found.deleted:
        raise BadRequest("Volume has been deleted.")
    return found


def metadata_of(volume: Volume) -> dict[str, str]:
    return {row.key: row.value for row in volume.metadata.all()}


def metadata_in(body: Mapping[str, Any], *, optional: bool = False) -> dict[str, str]:
    """Texts by key. Raises BadRequest."""
    found = body.get("metadata")
    if found is None and optional:
        return {}
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise BadRequest("Malformed request. Missing or invalid 'metadata'.")
    if any(len(key) > _LONGEST_KEY for key in found):
        raise BadRequest(f"A metadata key has at most {_LONGEST_KEY} characters.")
    return found


def _named(wanted: Mapping[str, Any]) -> list[str]:
    return [name for name in ("name", "description") if wanted.get(f"display_{name}") is not None]


def _found(caller: Caller, snapshot_id: str) -> Image:
    _require_routes(caller)
    found = image_found(caller, snapshot_id)
    if not found.is_snapshot:
        raise ItemNotFound("Snapshot not found.")
    return found


def _require_routes(caller: Caller) -> None:
    """Without snapshots there are no routes of them; for roles without them they answer 501."""
    if not settings.CYCLADES_SNAPSHOTS_ENABLED:
        raise BadRequest("API endpoint not found")
    snapshots.require_enabled(caller)


def _type_view(found: VolumeType) -> dict[str, Any]:
    return {
        "id": found.pk,
        "name": found.name,
        "deleted": found.deleted,
        "SNF:disk_template": found.disk_template,
        "SNF:detachable": found.detachable,
    }


def _view(request: HttpRequest, snapshot: Image) -> dict[str, Any]:
    status = _STATUS.get(Image.Status(snapshot.status), "UNKNOWN")
    return {
        "id": snapshot.uuid,
        "size": snapshots.size_gib(snapshot),
        "display_name": snapshot.name,
        "display_description": snapshot.about,
        "status": status,
        "user_id": snapshot.userid,
        "tenant_id": snapshot.userid,
        "os-extended-snapshot-attribute:progress": "100%" if status == _MADE else 0,
        "created_at": kit.stamp(snapshot.updated.replace(microsecond=0)),  # as image v1 says it
        "metadata": snapshots.metadata_of(snapshot),
        "volume_id": None if snapshot.volume_id is None else str(snapshot.volume_id),
        "links": kit.links(kit.address(request, f"volume/v2.0/snapshots/{snapshot.uuid}")),
    }


_TYPES: kit.Routes = {
    "/types": kit.served(GET=_list_types),
    "/types/{type_id}": kit.served(GET=_show_type),
}
_METADATA: kit.Routes = {
    "/volumes/{volume_id}/metadata": kit.served(
        GET=_volume_metadata, POST=_change_volume_metadata, PUT=_change_volume_metadata
    ),
    "/volumes/{volume_id}/metadata/{key}": kit.served(DELETE=_delete_volume_metadata),
}
_SNAPSHOTS: dict[str, View] = {
    "/snapshots": kit.served(GET=_list_snapshots, POST=_create_snapshot),
    "/snapshots/detail": kit.served(GET=_list_snapshots),
    "/snapshots/{snapshot_id}": kit.served(GET=_show_snapshot, PUT=_update_snapshot, DELETE=_delete_snapshot),
    "/snapshots/{snapshot_id}/metadata": kit.served(
        GET=_snapshot_metadata, POST=_change_snapshot_metadata, PUT=_change_snapshot_metadata
    ),
    "/snapshots/{snapshot_id}/metadata/{key}": kit.served(DELETE=_delete_snapshot_metadata),
}
ROUTES: kit.Routes = {**_TYPES, **_METADATA, **_SNAPSHOTS}
