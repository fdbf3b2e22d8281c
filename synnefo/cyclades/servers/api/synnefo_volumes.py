"""Volumes of servers in Synnefo's compute v2.0: which there are, putting one in, taking one out."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.common.http.plain import answer
from synnefo.cyclades.servers import rules, volumes
from synnefo.cyclades.servers.api.synnefo_actions import in_state
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.synnefo_api import kit
from synnefo.cyclades.volumes import rules as volume_rules
from synnefo.cyclades.volumes.models import Volume


def _list(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    server = _found(caller, server_id)
    return answer({"volumeAttachments": [_view(server, volume) for volume in volumes.volumes_of(server)]})


def _attach(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    server = _changeable(caller, server_id)
    wanted = kit.part_of(request, "volumeAttachment")
    if wanted.get("volumeId") is None:
        raise BadRequest("Malformed request. Missing attribute 'volumeId'.")
    volume = volume_rules.find(caller, kit.number_of(wanted["volumeId"], "volume"))
    if volume.deleted:
        raise BadRequest("Volume has been deleted.")
    made = in_state(lambda: volumes.attach(caller, server.uuid, volume.uuid))
    return answer({"volumeAttachment": _view(server, made)}, 202)


def _show(request: HttpRequest, caller: Caller, server_id: str, volume_id: str) -> HttpResponse:
    server = _found(caller, server_id)
    return answer({"volumeAttachment": _view(server, _attached(server, volume_id))})


def _detach(request: HttpRequest, caller: Caller, server_id: str, volume_id: str) -> HttpResponse:
    server = _changeable(caller, server_id)
    volume = _attached(server, volume_id)
    left = in_state(lambda: volumes.detach(caller, server.uuid, volume.uuid))
    return answer({"volumeAttachment": _view(server, left)}, 202)


def _attached(server: Server, volume_id: str) -> Volume:
    found = volumes.volumes_of(server).filter(pk=kit.number_of(volume_id, "volume")).first()
    if found is None:
        raise ItemNotFound("Volume not found.")
    return found


def _found(caller: Caller, server_id: str) -> Server:
    return rules.find(caller, kit.number_of(server_id, "server"))


def _changeable(caller: Caller, server_id: str) -> Server:
    return rules.find_changeable(caller, kit.number_of(server_id, "server"))


def _view(server: Server, volume: Volume) -> dict[str, Any]:
    return {"id": volume.pk, "volumeId": volume.pk, "serverId": server.pk, "device": ""}


ROUTES: kit.Routes = {
    "/servers/{server_id}/os-volume_attachments": kit.served(GET=_list, POST=_attach),
    "/servers/{server_id}/os-volume_attachments/{volume_id}": kit.served(GET=_show, DELETE=_detach),
}
