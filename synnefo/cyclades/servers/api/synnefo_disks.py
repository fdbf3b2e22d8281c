"""Volumes in Synnefo's volume v2.0: with and without servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.common.http.plain import answer, empty
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers import volumes as of_servers
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.synnefo_api import kit
from synnefo.cyclades.volume_types import rules as volume_types
from synnefo.cyclades.volume_types.models import VolumeType
from synnefo.cyclades.volumes import owners, rules
from synnefo.cyclades.volumes.api.synnefo import find, find_changeable, in_state, metadata_in, metadata_of
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.requests import VolumeRequest

_WORDS = ("display_name", "display_description")


def _list(request: HttpRequest, caller: Caller) -> HttpResponse:
    found = kit.listed(request, rules.volumes_for(caller, deleted=None))
    if found is None:
        return kit.not_modified()
    return answer({"volumes": [_brief(request, row) for row in found]})


def _list_with_details(request: HttpRequest, caller: Caller) -> HttpResponse:
    found = kit.listed(request, _shown(rules.volumes_for(caller, deleted=None)))
    if found is None:
        return kit.not_modified()
    return answer({"volumes": [_view(request, row) for row in found]})


def _create(request: HttpRequest, caller: Caller) -> HttpResponse:
    wanted = kit.part_of(request, "volume")
    server = _server(caller, wanted)
    owner = kit.acting_in(
        caller, kit.text_in(wanted, "project", caller.project), kit.flag_in(wanted, "shared_to_project")
    )
    asked = _request(caller, wanted, server)
    if server is None:
        made = rules.create(owner, asked)
    else:
        uuid = server.uuid
        made = in_state(lambda: of_servers.create(owner, uuid, asked, asked.metadata))
    return answer({"volume": _brief(request, made)}, 202)


def _show(request: HttpRequest, caller: Caller, volume_id: str) -> HttpResponse:
    return answer({"volume": _view(request, find(caller, volume_id))})


def _update(request: HttpRequest, caller: Caller, volume_id: str) -> HttpResponse:
    wanted = kit.part_of(request, "volume")
    volume = find_changeable(caller, volume_id)
    said: dict[str, Any] = {
        name.removeprefix("display_"): kit.text_in(wanted, name) for name in _WORDS if name in wanted
    }
    goes = kit.flag_in(wanted, "delete_on_termination") if "delete_on_termination" in wanted else None
    if not said and goes is None:
        raise BadRequest("Nothing to update: give display_name, display_description or more.")
    if goes is not None and volume.server is not None:
        of_servers.set_delete_on_termination(caller, volume.server.uuid, volume.uuid, goes)
        goes = None
    rules.describe(caller, volume.uuid, delete_on_termination=goes, **said)
    return answer({"volume": _view(request, find(caller, volume_id))})


def _delete(request: HttpRequest, caller: Caller, volume_id: str) -> HttpResponse:
    volume = find_changeable(caller, volume_id)
    server = volume.server
    if server is None:
        in_state(lambda: rules.delete(caller, volume.uuid))
    else:
        in_state(lambda: of_servers.delete(caller, server.uuid, volume.uuid))
    return empty(202)


def _act(request: HttpRequest, caller: Caller, volume_id: str) -> HttpResponse:
    volume = find_changeable(caller, volume_id)
    project, shared = kit.reassignment_of(request)
    in_state(lambda: owners.reassign(caller, volume.uuid, project, shared=shared))
    return empty(200)


def _server(caller: Caller, wanted: Mapping[str, Any]) -> Server | None:
    if wanted.get("server_id") is None:
        return None
    try:
        return servers.find_changeable(caller, kit.number_of(wanted["server_id"], "server"))
    except ItemNotFound:
        raise BadRequest(f"Server {wanted['server_id']} not found") from None


def _request(caller: Caller, wanted: Mapping[str, Any], server: Server | None) -> VolumeRequest:
    if wanted.get("source_volid") is not None:
        raise BadRequest("'source_volid' is not supported")
    sources = {Volume.Source.IMAGE: "imageRef", Volume.Source.SNAPSHOT: "snapshot_id"}
    named = [(kind, kit.text_in(wanted, key)) for kind, key in sources.items() if wanted.get(key)]
    if len(named) > 1:
        raise BadRequest("A volume has one source at most.")
    kind, uuid = named[0] if named else (Volume.Source.BLANK, "")
    return VolumeRequest(
        size_gib=_size(wanted),
        name=kit.text_in(wanted, "display_name"),
        description=kit.text_in(wanted, "display_description", ""),
        volume_type=_type(caller, wanted, server),
        source=kind,
        source_uuid=uuid,
        metadata=metadata_in(wanted, optional=True),
        delete_on_termination=kit.flag_in(wanted, "delete_on_termination", True),
    )


def _size(wanted: Mapping[str, Any]) -> int:
    size = wanted.get("size")
    if size is None:
        raise BadRequest("Malformed request. Missing attribute 'size'.")
    if isinstance(size, str) and size.isascii() and size.isdigit():
        size = int(size[:10])
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise BadRequest(
            f"Volume 'size' needs to be a positive integer value. '{wanted['size']}' cannot be accepted."
        )
    return size


def _type(caller: Caller, wanted: Mapping[str, Any], server: Server | None) -> VolumeType:
    """The type that is named, or that of the server's flavor."""
    named = wanted.get("volume_type")
    if named is None:
        if server is None:
            raise BadRequest("Invalid volume type id: None")
        return server.flavor.volume_type
    try:
        return volume_types.find(caller, kit.number_of(named, "volume type"))
    except ItemNotFound as fault:
        raise BadRequest(fault.message) from None


def _shown(rows: QuerySet[Volume]) -> QuerySet[Volume]:
    return rows.prefetch_related("metadata")


def _brief(request: HttpRequest, volume: Volume) -> dict[str, Any]:
    links = kit.links(kit.address(request, f"volume/v2.0/volumes/{volume.pk}"))
    return {"id": str(volume.pk), "display_name": volume.name or None, "links": links}


def _view(request: HttpRequest, volume: Volume) -> dict[str, Any]:
    sources = dict.fromkeys((Volume.Source.IMAGE, Volume.Source.SNAPSHOT, Volume.Source.VOLUME))
    if volume.source in sources:
        sources[Volume.Source(volume.source)] = volume.source_uuid or None
    return {
        **_brief(request, volume),
        "status": volume.status.lower(),
        "size": volume.size_gib,
        "display_description": volume.description or ("" if volume.name else None),
        "created_at": kit.stamp(volume.created),
        "metadata": metadata_of(volume),
        "snapshot_id": sources[Volume.Source.SNAPSHOT],
        "source_volid": sources[Volume.Source.VOLUME],
        "image_id": sources[Volume.Source.IMAGE],
        "attachments": _attachments(volume),
        "volume_type": volume.volume_type_id,
        "deleted": volume.deleted,
        "delete_on_termination": volume.delete_on_termination,
        "user_id": volume.userid,
        "tenant_id": volume.project,
        "shared_to_project": volume.shared_to_project,
    }


def _attachments(volume: Volume) -> list[dict[str, Any]]:
    if volume.server_id is None:
        return []
    return [{"server_id": volume.server_id, "volume_id": volume.pk, "device_index": volume.index}]


ROUTES: kit.Routes = {
    "/volumes": kit.served(GET=_list, POST=_create),
    "/volumes/detail": kit.served(GET=_list_with_details),
    "/volumes/{volume_id}": kit.served(GET=_show, PUT=_update, DELETE=_delete),
    "/volumes/{volume_id}/action": kit.served(POST=_act),
}
