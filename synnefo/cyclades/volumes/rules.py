"""What may be done with volumes that no server has, and what volumes cost (spec: cyclades 2.5, 3.2, 3.8).

A volume costs ``cyclades.disk`` from its creation to its removal, attached or not. One without content on an
engine is a row alone: it is made where it is attached first. What it is made of is held until then.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.db.models import QuerySet, Sum

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, visible
from synnefo.common.faults import (
    BadRequest,
    Conflict,
    Forbidden,
    ItemNotFound,
    OverLimit,
    ServiceUnavailable,
)
from synnefo.common.objects import store_of
from synnefo.common.transactions import atomic
from synnefo.common.units import GIB
from synnefo.cyclades.images import checks as image_checks
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.operations.volumes import CloneVolume, DeleteVolume, ExtendVolume
from synnefo.cyclades.volume_types import rules as volume_types
from synnefo.cyclades.volume_types.models import VolumeType
from synnefo.cyclades.volumes import past
from synnefo.cyclades.volumes.models import Volume, VolumeMetadata
from synnefo.cyclades.volumes.requests import VolumeRequest
from synnefo.cyclades.volumes.states import Action, require
from synnefo.engine import rules as engine
from synnefo.engine.charging import charging, decide

__all__ = ["VolumeRequest"]

TARGET = Volume.TARGET
LONGEST_TEXT = 255
LONGEST_KEY = 255
_IMAGES = (Volume.Source.IMAGE, Volume.Source.SNAPSHOT)


def volumes_for(caller: Caller, *, deleted: bool | None = False) -> QuerySet[Volume]:
    """The one door: volumes that the caller may see. ``deleted`` None: also those that are gone."""
    rows = Volume.objects.all() if deleted is None else Volume.objects.filter(deleted=deleted)
    return visible(rows, caller).select_related("volume_type", "server")


def get(caller: Caller, uuid: str) -> Volume:
    """One volume. Raises ItemNotFound."""
    found = volumes_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Volume {uuid} could not be found.")
    return found


def find(caller: Caller, volume_id: int) -> Volume:
    """One volume by its integer id, also one that is deleted. Raises ItemNotFound."""
    found = volumes_for(caller, deleted=None).filter(pk=volume_id).first()
    if found is None:
        raise ItemNotFound(f"Volume {volume_id} not found")
    return found


def cost(volume: Volume) -> dict[str, int]:
    """What it costs as long as it is there."""
    return {"cyclades.disk": volume.size_gib * GIB}


def draft(caller: Caller, request: VolumeRequest) -> Volume:
    """A volume that is not saved, with all that follows from its source; everything about it is checked.

    Raises BadRequest, ItemNotFound (image, snapshot, volume), WrongState (the volume to be copied).
    """
    check_words(request.name, request.description)
    check_metadata(request.metadata)
    volume = Volume(
        name=request.name, description=request.description, userid=caller.user, project=caller.project,
        shared_to_project=caller.shares_by_default, delete_on_termination=request.delete_on_termination,
        source=request.source, source_uuid=request.source_uuid,
    )  # fmt: skip
    least_gib, of_source = _take_after(caller, volume)
    volume.volume_type = _type(caller, request.volume_type or of_source)
    volume.size_gib = least_gib if request.size_gib is None else request.size_gib
    check_size(volume.size_gib)
    if volume.size_gib < least_gib:
        raise BadRequest(f"A volume of {volume.size_gib} GiB is too small for its source: {least_gib} GiB.")
    return volume


def add(caller: Caller, volume: Volume, metadata: Mapping[str, str] | None = None) -> None:
    """Save a drafted volume and hold what it is made of, in the transaction that charges it.

    Raises BadRequest if its source went meanwhile, OverLimit if its project has too much of its type.
    """
    check_room_of_type(volume.volume_type, volume.project, volume.size_gib)
    _hold_content(volume)
    volume.save()
    VolumeMetadata.objects.bulk_create(
        VolumeMetadata(volume=volume, key=key, value=value) for key, value in (metadata or {}).items()
    )
    record(caller, "volume.create", TARGET, volume.pk, name=volume.name, size_gib=volume.size_gib)


def create(caller: Caller, request: VolumeRequest) -> Volume:
    """A volume without a server. A copy of one with data is CREATING until it is read, others are AVAILABLE.

    Raises BadRequest, ItemNotFound, WrongState, OverLimit.
    """
    volume = draft(caller, request)
    if not volume.volume_type.detachable:
        raise BadRequest(f"Volume type '{volume.volume_type.name}' is not detachable")
    with charging(caller.user, caller.project, cost(volume), name="api: volume create") as serial:
        add(caller, volume, request.metadata)
        if volume.source == Volume.Source.VOLUME and not _copy_source(volume):
            source = Volume.objects.get(uuid=volume.source_uuid)
            require_engine(source)
            engine.start(
                CloneVolume, targets=[(TARGET, volume.pk)], actor=caller, payload={"source": source.pk}
            )
        else:
            volume.status = Volume.Status.AVAILABLE
            volume.save(update_fields=("status", "hold", "disk_format", "updated"))
        decide(serial, accept=True)
    return get(caller, volume.uuid)


def delete(caller: Caller, uuid: str) -> None:
    """Remove one that no server has; its charge ends when its data is gone.

    Raises ItemNotFound, WrongState.
    """
    found = get(caller, uuid)
    require(found, Action.DELETE)
    freed = {name: -amount for name, amount in cost(found).items()}
    with charging(found.userid, found.project, freed, name="api: volume delete", force=True) as serial:
        volume = locked(found, Action.DELETE)
        record(caller, "volume.delete", TARGET, volume.pk, project=volume.project, name=volume.name)
        if volume.backend_id is None:
            _require_idle(volume)
            past.forget(volume)
            decide(serial, accept=True)
            return
        require_engine(volume)
        engine.start(
            DeleteVolume, targets=[(TARGET, volume.pk)], actor=caller, project=volume.project, serial=serial
        )
        volume.status = Volume.Status.DELETING
        volume.save(update_fields=("status", "updated"))


def extend(caller: Caller, uuid: str, size_gib: int) -> Volume:
    """Make one that no server has larger. Raises ItemNotFound, WrongState, BadRequest, OverLimit."""
    found = get(caller, uuid)
    require(found, Action.EXTEND)
    delta_gib = size_gib - found.size_gib
    check_size(size_gib)
    if delta_gib <= 0:
        raise BadRequest(f"New size for extend must be greater than current size {found.size_gib} GiB.")
    more = {"cyclades.disk": delta_gib * GIB}
    with charging(found.userid, found.project, more, name="api: volume extend") as serial:
        volume = locked(found, Action.EXTEND)
        check_room_of_type(volume.volume_type, volume.project, delta_gib)
        record(caller, "volume.extend", TARGET, volume.pk, project=volume.project, size_gib=size_gib)
        if volume.backend_id is None:
            _require_idle(volume)
            volume.size_gib = size_gib
            decide(serial, accept=True)
        else:
            require_engine(volume)
            engine.start(
                ExtendVolume, targets=[(TARGET, volume.pk)], actor=caller, project=volume.project,
                payload={"size_gib": size_gib}, serial=serial,
            )  # fmt: skip
            volume.status = Volume.Status.EXTENDING
        volume.save(update_fields=("size_gib", "status", "updated"))
    return get(caller, uuid)


def describe(
    caller: Caller, uuid: str, *, name: str | None = None, description: str | None = None,
    bootable: bool | None = None, readonly: bool | None = None,
    delete_on_termination: bool | None = None,
) -> Volume:  # fmt: skip
    """Say something else of it; None leaves what it was. Raises ItemNotFound, BadRequest, WrongState."""
    check_words(name or "", description or "")
    with atomic():
        volume = locked(get(caller, uuid), Action.DESCRIBE)
        if readonly is not None and volume.server_id is not None:
            require(volume, Action.RESERVE)
        wanted = {
            "name": name, "description": description, "bootable": bootable, "readonly": readonly,
            "delete_on_termination": delete_on_termination,
        }  # fmt: skip
        changes = {key: value for key, value in wanted.items() if value is not None}
        for key, value in changes.items():
            setattr(volume, key, value)
        volume.save()
        if readonly is not None:  # clients look for it there
            told = {"value": str(readonly)}
            VolumeMetadata.objects.update_or_create(volume=volume, key="readonly", defaults=told)
        record(caller, "volume.describe", TARGET, volume.pk, project=volume.project, **changes)
    return get(caller, uuid)


def set_metadata(
    caller: Caller, uuid: str, wanted: Mapping[str, str], *, replace: bool = False
) -> dict[str, str]:
    """Merge (or replace) a volume's metadata; returns all of it. Raises ItemNotFound, BadRequest."""
    with atomic():
        volume = locked(get(caller, uuid), Action.DESCRIBE)
        kept = {} if replace else {row.key: row.value for row in volume.metadata.all()}
        whole = {**kept, **wanted}
        check_metadata(whole)
        volume.metadata.all().delete()
        VolumeMetadata.objects.bulk_create(
            VolumeMetadata(volume=volume, key=key, value=value) for key, value in whole.items()
        )
        volume.save(update_fields=("updated",))
        record(caller, "volume.metadata", TARGET, volume.pk, project=volume.project, keys=sorted(wanted))
    return whole


def delete_metadata(caller: Caller, uuid: str, key: str) -> None:
    """Raises ItemNotFound."""
    with atomic():
        volume = locked(get(caller, uuid), Action.DESCRIBE)
        gone, _ = volume.metadata.filter(key=key).delete()
        if not gone:
            raise ItemNotFound(f"Volume {uuid} has no metadata with key {key}.")
        volume.save(update_fields=("updated",))
        record(caller, "volume.metadata", TARGET, volume.pk, project=volume.project, removed=key)


def set_image_properties(caller: Caller, uuid: str, wanted: Mapping[str, str | None]) -> dict[str, str]:
    """Merge what a volume says of the image that it was made of; None takes a word away."""
    with atomic():
        volume = locked(get(caller, uuid), Action.DESCRIBE)
        merged = {**volume.image_properties, **wanted}
        kept = {key: value for key, value in merged.items() if value is not None}
        image_checks.check(caller, properties=kept)
        volume.image_properties = kept
        volume.save(update_fields=("image_properties", "updated"))
        record(caller, "volume.image_properties", TARGET, volume.pk, keys=sorted(wanted))
    return kept


def retype(caller: Caller, uuid: str, wanted: VolumeType) -> None:
    """Make it one of another type with the same kind of disks.

    Raises ItemNotFound, BadRequest (another kind), OverLimit.
    """
    with atomic():
        volume = locked(get(caller, uuid), Action.DESCRIBE)
        if wanted.disk_template != volume.volume_type.disk_template:
            raise BadRequest(f"Volumes of type {wanted.name} have another kind of disks.")
        check_room_of_type(wanted, volume.project, volume.size_gib)
        volume.volume_type = wanted
        volume.save(update_fields=("volume_type", "updated"))
        record(caller, "volume.retype", TARGET, volume.pk, project=volume.project, type=wanted.name)


def reserve(caller: Caller, uuid: str) -> None:
    """Keep a free volume for a server that comes. Raises ItemNotFound, WrongState."""
    with atomic():
        volume = locked(get(caller, uuid), Action.RESERVE)
        volume.status = Volume.Status.ATTACHING
        volume.save(update_fields=("status", "updated"))
        record(caller, "volume.reserve", TARGET, volume.pk, project=volume.project)


def unreserve(caller: Caller, uuid: str) -> None:
    """Take that back; of a volume that is not reserved nothing is changed. Raises ItemNotFound."""
    with atomic():
        volume = locked(get(caller, uuid), Action.DESCRIBE)
        busy = engine.active_on(TARGET, volume.pk).exists()
        if volume.status == Volume.Status.ATTACHING and volume.server_id is None and not busy:
            volume.status = Volume.Status.AVAILABLE
            volume.save(update_fields=("status", "updated"))
            record(caller, "volume.unreserve", TARGET, volume.pk, project=volume.project)


def reset_status(caller: Caller, uuid: str, status: Volume.Status) -> None:
    """Say what state it is in, whatever was known. Raises Forbidden, ItemNotFound."""
    found = get(caller, uuid)
    if not caller.is_admin:
        raise Forbidden("Only administrators reset a volume's state.")
    with atomic():
        volume = locked(found, Action.DESCRIBE)
        volume.status, volume.fault = status, ""
        volume.save(update_fields=("status", "fault", "updated"))
        record(caller, "volume.reset_status", TARGET, volume.pk, project=volume.project, status=status)


def locked(found: Volume, action: Action) -> Volume:
    """The volume's row, locked, if the action is (still) possible."""
    rows = Volume.objects.select_for_update(of=("self",)).select_related("volume_type")
    volume = rows.get(pk=found.pk)
    require(volume, action)
    return volume


def require_engine(volume: Volume) -> None:
    """Raises ServiceUnavailable while the engine that has its data is out of reach."""
    if volume.backend is not None and volume.backend.offline:
        raise ServiceUnavailable("The volume's engine is out of reach for now.")


def check_words(name: str, description: str) -> None:
    if len(name) > LONGEST_TEXT or not name.isprintable():
        raise BadRequest(f"A volume's name has at most {LONGEST_TEXT} printable characters.")
    if len(description) > LONGEST_TEXT:
        raise BadRequest(f"A description has at most {LONGEST_TEXT} characters.")


def check_size(size_gib: int) -> None:
    if size_gib < 1:
        raise BadRequest("Volume size must be a positive number of GiB.")
    if size_gib > settings.CYCLADES_VOLUME_MAX_SIZE:
        raise BadRequest(f"A volume has at most {settings.CYCLADES_VOLUME_MAX_SIZE} GiB.")


def check_metadata(metadata: Mapping[str, str]) -> None:
    most: int = settings.CYCLADES_VOLUME_MAX_METADATA
    if len(metadata) > most:
        raise BadRequest(f"A volume has at most {most} metadata.")
    for key, value in metadata.items():
        if not 1 <= len(key) <= LONGEST_KEY or len(value) > LONGEST_TEXT:
            raise BadRequest(
                f"Metadata keys have 1 to {LONGEST_KEY} characters, values at most {LONGEST_TEXT}."
            )


def most_of_type(volume_type: VolumeType) -> int | None:
    """How many GiB of a type a project may have; None for any number."""
    found = settings.CYCLADES_VOLUME_TYPE_MAX_GIB.get(volume_type.name)
    return None if found is None else int(found)


def taken_of_type(volume_type: VolumeType, project: str) -> int:
    """How many GiB of a type a project has."""
    rows = Volume.objects.filter(volume_type=volume_type, project=project, deleted=False)
    return int(rows.aggregate(sum=Sum("size_gib"))["sum"] or 0)


def check_room_of_type(volume_type: VolumeType, project: str, more_gib: int) -> None:
    """Under the lock of the type's row, where its volumes are counted."""
    most = most_of_type(volume_type)
    if most is None:
        return
    VolumeType.objects.select_for_update().get(pk=volume_type.pk)
    if taken_of_type(volume_type, project) + more_gib > most:
        raise OverLimit(f"A project has at most {most} GiB of volumes of type {volume_type.name}.")


def _require_idle(volume: Volume) -> None:
    if engine.active_on(TARGET, volume.pk).exists():
        raise Conflict(f"Another operation on volume {volume.uuid} is under way.")


def _take_after(caller: Caller, volume: Volume) -> tuple[int, VolumeType | None]:
    """Write to a draft what follows from its source; returns its least size and the source's type."""
    if volume.source == Volume.Source.BLANK:
        if volume.source_uuid:
            raise BadRequest("A blank volume has no source.")
        return 1, None
    if volume.source == Volume.Source.VOLUME:
        copied = get(caller, volume.source_uuid)
        require(copied, Action.CLONE)
        volume.bootable, volume.image_properties = copied.bootable, copied.image_properties
        return copied.size_gib, copied.volume_type
    image = _image(caller, volume)
    origin = _origin_of(image)
    volume.source_version, volume.image_properties = image.version, image.properties
    volume.bootable = origin.bootable if origin is not None else True
    if origin is not None:
        volume.image_properties = {**origin.image_properties, **image.properties}
    return max(image.min_disk_gib, 1), origin.volume_type if origin is not None else None


def _origin_of(image: Image) -> Volume | None:
    """The volume that a snapshot is of, also one that is gone."""
    if not image.is_snapshot or image.volume_id is None:
        return None
    return Volume.objects.filter(pk=image.volume_id).select_related("volume_type").first()


def _image(caller: Caller, volume: Volume) -> Image:
    """The image or snapshot that a draft is made of."""
    what = "Snapshot" if volume.source == Volume.Source.SNAPSHOT else "Image"
    found = images.images_for(caller).filter(uuid=volume.source_uuid).first()
    if found is None or (volume.source == Volume.Source.SNAPSHOT and not found.is_snapshot):
        raise ItemNotFound(f"{what} {volume.source_uuid} could not be found.")
    return images.bootable(caller, found.uuid)


def _type(caller: Caller, wanted: VolumeType | None) -> VolumeType:
    if wanted is None:
        return volume_types.default(caller)
    if wanted.deleted:
        raise BadRequest(f"Volume type {wanted.name} is retired.")
    return wanted


def _hold_content(volume: Volume) -> None:
    """Hold what it is made of, for itself: the image may go or be renewed."""
    if volume.source not in _IMAGES:
        return
    image = Image.objects.select_for_update().get(uuid=volume.source_uuid)
    if image.deleted or not image.hold or image.status != Image.Status.AVAILABLE:
        raise BadRequest(f"Image {image.uuid} is not active.")
    volume.hold, volume.disk_format = store_of(image.hold).hold_again(image.hold), image.engine_format


def _copy_source(volume: Volume) -> bool:
    """Take over what another volume is made of, if no engine has made that yet; False if one has."""
    source = locked(Volume.objects.get(uuid=volume.source_uuid), Action.CLONE)
    if source.backend_id is not None:
        return False
    if source.hold:
        volume.hold, volume.disk_format = store_of(source.hold).hold_again(source.hold), source.disk_format
    return True
