"""What joins volumes to servers that exist: attaching, detaching, and what is done to one while it is in.

What may be done with a volume alone stands in ``volumes.rules``. An operation here has two targets, the
server and the volume, so that neither is changed under the other.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.db.models import Max, QuerySet

from synnefo.audit.rules import record
from synnefo.common.accounts import provisions_for
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.common.units import GIB
from synnefo.cyclades.operations.server_volumes import (
    AttachVolume,
    DetachVolume,
    ExtendAttachedVolume,
    RemoveVolume,
)
from synnefo.cyclades.servers import acting
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.devices import require_free, require_kind
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.states import Action, require
from synnefo.cyclades.volumes import rules as volumes
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.rules import VolumeRequest
from synnefo.engine.charging import charging, decide

Status, Task = Volume.Status, Server.Task


def volumes_of(server: Server) -> QuerySet[Volume]:
    """The volumes that a server has, the one that it boots from first."""
    return server.volumes.filter(deleted=False).select_related("volume_type").order_by("index")


def attached(caller: Caller, server: Server, uuid: str) -> Volume:
    """One volume of a server that the caller sees. Raises ItemNotFound."""
    found = volumes_of(server).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Volume {uuid} is not attached to server {server.uuid}.")
    return found


def attach(
    caller: Caller, server_uuid: str, volume_uuid: str, *, delete_on_termination: bool | None = None
) -> Volume:
    """Give a server, on or off, one more disk; without being told otherwise it outlives the server.

    Raises BadRequest (another kind of disks, another engine, too many), Conflict (volume or server busy).
    """
    found, volume = servers.get(caller, server_uuid), volumes.get(caller, volume_uuid)
    with atomic():
        server = acting.begin(caller, found, Action.ATTACH_VOLUME)
        volume = _locked(volume)
        require_free(volume)
        require_kind(volume, server.flavor)
        _put_in(caller, server, volume, goes=bool(delete_on_termination), is_new=False)
    return volumes.get(caller, volume_uuid)


def create(
    caller: Caller, server_uuid: str, request: VolumeRequest, metadata: Mapping[str, str] | None = None
) -> Volume:
    """A new volume that is a server's from its beginning. Raises as ``attach``, OverLimit."""
    found = servers.get(caller, server_uuid)
    require(found, Action.ATTACH_VOLUME, is_admin=caller.is_admin)
    volume = volumes.draft(caller, request)
    require_kind(volume, found.flavor)
    if volume.source == Volume.Source.VOLUME:
        raise BadRequest("A copy of a volume is made first, and then attached.")
    with charging(caller.user, caller.project, volumes.cost(volume), name="api: volume create") as serial:
        server = acting.begin(caller, found, Action.ATTACH_VOLUME)
        volume.status = Status.CREATING
        volumes.add(caller, volume, metadata)
        _put_in(caller, server, volume, goes=request.delete_on_termination, is_new=True)
        decide(serial, accept=True)
    return volumes.get(caller, volume.uuid)


def detach(caller: Caller, server_uuid: str, volume_uuid: str) -> Volume:
    """Take a disk from a server, on or off; its data stay. Raises BadRequest (the server boots from it)."""
    found = servers.get(caller, server_uuid)
    with atomic():
        server = acting.begin(caller, found, Action.DETACH_VOLUME)
        volume = _of(caller, server, volume_uuid)
        if not volume.volume_type.detachable:
            raise BadRequest(f"Volumes of type {volume.volume_type.name} cannot be without a server.")
        acting.launch(DetachVolume, caller, server, Task.DETACH_VOLUME, volume=volume)
        _become(volume, Status.DETACHING)
    return volumes.get(caller, volume_uuid)


def delete(caller: Caller, server_uuid: str, volume_uuid: str) -> None:
    """Take a disk from a server and remove it; its charge ends when it is gone."""
    found = servers.get(caller, server_uuid)
    volume = attached(caller, found, volume_uuid)
    freed = provisions_for(volume.userid, volume.project, {"cyclades.disk": -volume.size_gib * GIB})
    with acting.charged_later(freed, name="api: volume delete", force=True) as serial:
        server = acting.begin(caller, found, Action.DETACH_VOLUME)
        size_gib, volume = volume.size_gib, _of(caller, server, volume_uuid)
        if volume.size_gib != size_gib:
            raise Conflict("The volume changed its size just now; try again.")
        acting.launch(RemoveVolume, caller, server, Task.DELETE_VOLUME, serial=serial, volume=volume)
        _become(volume, Status.DELETING)


def extend(caller: Caller, server_uuid: str, volume_uuid: str, size_gib: int) -> Volume:
    """Make a disk of a server larger, also while the server runs. Raises BadRequest, OverLimit."""
    found = servers.get(caller, server_uuid)
    volume = attached(caller, found, volume_uuid)
    volumes.check_size(size_gib)
    more_gib = size_gib - volume.size_gib
    if more_gib <= 0:
        raise BadRequest(f"New size for extend must be greater than current size {volume.size_gib} GiB.")
    cost = provisions_for(volume.userid, volume.project, {"cyclades.disk": more_gib * GIB})
    with acting.charged_later(cost, name="api: volume extend") as serial:
        server = acting.begin(caller, found, Action.EXTEND_VOLUME)
        volume = _of(caller, server, volume_uuid, may_be_root=True)
        if volume.status != Status.IN_USE or size_gib - volume.size_gib != more_gib:
            raise Conflict("The volume changed just now; try again.")
        acting.launch(
            ExtendAttachedVolume, caller, server, Task.MODIFY_VOLUME, serial=serial, volume=volume,
            size_gib=size_gib,
        )  # fmt: skip
        _become(volume, Status.EXTENDING)
    return volumes.get(caller, volume_uuid)


def set_delete_on_termination(caller: Caller, server_uuid: str, volume_uuid: str, flag: bool) -> Volume:
    """Whether a disk goes with its server. Raises ItemNotFound, Forbidden."""
    with atomic():
        server = acting.begin(caller, servers.get(caller, server_uuid), Action.RENAME)
        volume = _locked(attached(caller, server, volume_uuid))
        if not (flag or volume.volume_type.detachable):
            raise BadRequest(f"Volumes of type {volume.volume_type.name} go with their servers.")
        volume.delete_on_termination = flag
        volume.save(update_fields=("delete_on_termination", "updated"))
        record(caller, "volume.modify", Volume.TARGET, volume.pk, delete_on_termination=flag)
    return volume


def _put_in(caller: Caller, server: Server, volume: Volume, *, goes: bool, is_new: bool) -> None:
    if volumes_of(server).count() >= settings.CYCLADES_MAX_VOLUMES:
        raise BadRequest(f"A server has at most {settings.CYCLADES_MAX_VOLUMES} volumes.")
    if volume.materialised and volume.backend_id != server.backend_id:
        raise BadRequest(f"Volume {volume.uuid} is on another engine than the server.")
    last = volumes_of(server).aggregate(last=Max("index"))["last"]
    volume.server, volume.index = server, 0 if last is None else last + 1
    volume.delete_on_termination = goes
    volume.status = Status.CREATING if is_new else Status.ATTACHING
    volume.save()
    acting.launch(AttachVolume, caller, server, Task.ATTACH_VOLUME, volume=volume, is_new=is_new)


def _locked(found: Volume) -> Volume:
    rows = Volume.objects.select_for_update(of=("self",)).select_related("volume_type")
    return rows.get(pk=found.pk)


def _of(caller: Caller, server: Server, uuid: str, *, may_be_root: bool = False) -> Volume:
    """A volume of a locked server, locked."""
    volume = _locked(attached(caller, server, uuid))
    if volume.index == 0 and not may_be_root:
        raise BadRequest("Cannot detach a root device volume")
    if volume.status not in (Status.IN_USE, Status.ERROR):
        raise Conflict(f"Volume {uuid} is busy: it is {volume.status.lower()}.")
    return volume


def _become(volume: Volume, status: Volume.Status) -> None:
    volume.status = status
    volume.save(update_fields=("status", "updated"))
