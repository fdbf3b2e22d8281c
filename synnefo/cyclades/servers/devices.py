"""The disks that a new server is made with: which there are, in which order, and what they are made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.conf import settings

from synnefo.common.accounts import Provision, provisions_for
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict
from synnefo.common.units import GIB
from synnefo.cyclades import placement
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import DeviceRequest, ServerRequest
from synnefo.cyclades.volume_types import rules as volume_types
from synnefo.cyclades.volume_types.models import VolumeType
from synnefo.cyclades.volumes import rules as volumes
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.rules import VolumeRequest

Source = Volume.Source


@dataclasses.dataclass(frozen=True)
class Disks:
    """What a server shall have, its boot disk first; ``given`` are the ids of volumes that exist already.

    ``image`` is what it boots, None where that is a volume that nobody made of one that is still there.
    ``ref`` is the image that it is told to be made of, empty for OpenStack's servers that boot from volumes.
    """

    wanted: Sequence[tuple[DeviceRequest, Volume]]
    given: Sequence[int]
    image: Image | None
    ref: str

    @property
    def charge(self) -> dict[str, int]:
        """What the new ones cost."""
        new = [volume for _, volume in self.wanted if volume.pk not in self.given]
        return {"cyclades.disk": sum(volume.size_gib for volume in new) * GIB}

    @property
    def backend(self) -> Backend | None:
        """The engine that has the data of the given ones. Raises Conflict if several have."""
        engines = {volume.backend for _, volume in self.wanted if volume.materialised} - {None}
        if len(engines) > 1:
            raise Conflict("The volumes are on different engines; no server can have them all.")
        return next(iter(engines), None)


def planned(caller: Caller, request: ServerRequest, flavor: Flavor) -> Disks:
    """The disks of a request, checked. Raises BadRequest, ItemNotFound, Conflict."""
    devices = [*_in_order(request), *_of_flavor(flavor)]
    if len(devices) > settings.CYCLADES_MAX_VOLUMES:
        raise BadRequest(f"A server has at most {settings.CYCLADES_MAX_VOLUMES} volumes.")
    wanted = []
    for index, device in enumerate(devices):
        name = f"Root of {request.name}"[:255] if index == 0 else ""
        wanted.append((device, _volume(caller, device, flavor, is_root=index == 0, name=name)))
    named = [volume.pk for _, volume in wanted if volume.pk is not None]
    if len(named) != len(set(named)):
        raise BadRequest("A volume is named twice.")
    boot, root = wanted[0]
    if boot.source == Source.VOLUME:
        return Disks(wanted, named, None, "" if boot.destination == "volume" else root.source_uuid)
    image = images.bootable(caller, boot.uuid or "")
    return Disks(wanted, named, image, "" if boot.destination == "volume" else image.uuid)


def engine_for(caller: Caller, request: ServerRequest, flavor: Flavor, disks: Disks) -> Backend:
    """The engine that is to have the server: the one that an administrator names, or the best.

    Raises ServiceUnavailable if there is none.
    """
    if request.backend is not None:
        return Backend.objects.get(pk=request.backend)
    return placement.choose(flavor, only=disks.backend, user=caller.user, project=caller.project)


def give(caller: Caller, server: Server, disks: Disks) -> None:
    """Make the rows of new ones and take the given ones, in the transaction that makes the server.

    Raises BadRequest if somebody was faster.
    """
    taken = {row.pk: row for row in Volume.objects.select_for_update(of=("self",)).filter(pk__in=disks.given)}
    for index, (device, volume) in enumerate(disks.wanted):
        if volume.pk not in disks.given:
            volume.server, volume.index, volume.backend = server, index, server.backend
            volume.status, volume.delete_on_termination = Volume.Status.CREATING, device.goes
            volume.bootable = index == 0 or volume.bootable
            volumes.add(caller, volume, {})
            continue
        row = taken[volume.pk]
        require_free(row)
        row.server, row.index, row.status = server, index, Volume.Status.ATTACHING
        row.delete_on_termination = device.goes
        row.save(update_fields=("server", "index", "status", "delete_on_termination", "updated"))


def require_free(volume: Volume) -> None:
    """Raises BadRequest if a server has it, or it is busy."""
    if volume.deleted or volume.server_id is not None or volume.status != Volume.Status.AVAILABLE:
        raise BadRequest(f"Volume {volume.uuid} is not available; it is {volume.status.lower()}.")


def require_kind(volume: Volume, flavor: Flavor) -> None:
    """Raises BadRequest unless its data are on the kind of disks that servers of the flavor have."""
    if volume.volume_type.disk_template != flavor.volume_type.disk_template:
        raise BadRequest(
            f"Volume {volume.uuid} is of type {volume.volume_type.name}; servers of flavor {flavor.name} "
            f"have disks of type {flavor.volume_type.name}."
        )


def freed_by_end(server: Server) -> list[Provision]:
    """What the volumes that go with a server give back, each to the project that it is charged to."""
    gone: list[Provision] = []
    for volume in server.volumes.filter(deleted=False, delete_on_termination=True):
        amounts = {"cyclades.disk": -volume.size_gib * GIB}
        gone += provisions_for(volume.userid, volume.project, amounts)
    return gone


def _in_order(request: ServerRequest) -> list[DeviceRequest]:
    """What it boots from, then the others as they came. Raises BadRequest if there is nothing to boot."""
    boot = [device for device in request.devices if device.boot_index == 0]
    if len(boot) > 1:
        raise BadRequest("Block device mapping is invalid: boot index 0 is given more than once.")
    if not boot:
        if not request.image:
            raise BadRequest("Invalid imageRef provided: there is nothing to boot from.")
        return [DeviceRequest("image", request.image, boot_index=0), *request.devices]
    if boot[0].source == Source.BLANK:
        raise BadRequest("Block device mapping is invalid: an empty disk cannot be booted.")
    if request.image and boot[0].source != Source.VOLUME and request.image != boot[0].uuid:
        raise BadRequest("The image and the source of the first disk are not the same.")
    return [*boot, *(device for device in request.devices if device is not boot[0])]


def _of_flavor(flavor: Flavor) -> list[DeviceRequest]:
    """The empty disks that come with every server of a flavor, after those that were asked for."""
    return [DeviceRequest("blank", size_gib=size) for size in flavor.more_disks_gib.values()]


def _volume(caller: Caller, device: DeviceRequest, flavor: Flavor, *, is_root: bool, name: str) -> Volume:
    """The row of a device: one that exists, or one that is not saved yet."""
    if device.source not in Source.values:
        raise BadRequest(f"Block device mapping is invalid: there is no source '{device.source}'.")
    if device.source == Source.VOLUME:
        volume = volumes.get(caller, device.uuid or "")
        require_free(volume)
        require_kind(volume, flavor)
        if is_root and not (volume.bootable or volume.materialised):
            raise BadRequest(f"Volume {volume.uuid} is not bootable.")
        return volume
    source = _source(caller, device)
    size_gib = device.size_gib if device.size_gib or not is_root else flavor.disk or None
    if is_root:
        _check_root(caller, device, flavor, size_gib)
    request = VolumeRequest(
        size_gib=size_gib, name=name, volume_type=_type(caller, device, flavor),
        source=source, source_uuid=device.uuid or "",
    )  # fmt: skip
    return volumes.draft(caller, request)


def _source(caller: Caller, device: DeviceRequest) -> Source:
    """What a new disk is made of: an image that is a snapshot is one."""
    if device.source == Source.BLANK:
        return Source.BLANK
    if not device.uuid:
        raise BadRequest("Block device mapping is invalid: what is the disk made of?")
    return Source.SNAPSHOT if images.bootable(caller, device.uuid).is_snapshot else Source(device.source)


def _check_root(caller: Caller, device: DeviceRequest, flavor: Flavor, size_gib: int | None) -> None:
    """Raises BadRequest if an image does not go into the disk, or its system into the memory."""
    image = images.bootable(caller, device.uuid or "")
    if size_gib is None:
        raise BadRequest(f"Flavor {flavor.name} has no disk: its servers boot from volumes of a size.")
    if image.min_disk_gib > size_gib:
        raise BadRequest(
            f"Flavor's disk is too small for requested image: it needs {image.min_disk_gib} GiB."
        )
    if image.min_ram_mib > flavor.ram:
        raise BadRequest(
            f"Flavor's memory is too small for requested image: it needs {image.min_ram_mib} MiB."
        )


def _type(caller: Caller, device: DeviceRequest, flavor: Flavor) -> VolumeType:
    """The type that is named, of the flavor's kind of disks; the flavor's if none is."""
    if device.volume_type is None:
        return flavor.volume_type
    named = volume_types.types_for(caller)
    found = named.filter(uuid=device.volume_type).first() or named.filter(name=device.volume_type).first()
    if found is None or found.disk_template != flavor.volume_type.disk_template:
        raise BadRequest(f"Volume type {device.volume_type} could not be found for servers of this flavor.")
    return found
