"""What may be done with snapshots, and how a volume becomes an image (spec: cyclades 1.8, 3.8).

A snapshot is an image of a volume: an object in its owner's container ``snapshots`` with the same uuid, of
which only the blocks are stored that no other object has. It costs what any object of its size costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import F, QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound, NotImplementedFault
from synnefo.common.transactions import atomic
from synnefo.common.units import GIB
from synnefo.cyclades.images import content
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.operations.volumes import SnapshotVolume
from synnefo.cyclades.volumes import rules
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.states import Action
from synnefo.engine import rules as engine

#: Nothing of a snapshot is changed when a server is made from it.
_AS_IT_IS = {"exclude_all_tasks": "yes"}
#: What a server's own words say of the system on its root disk.
_TOLD_BY_SERVER = ("os", "users")


def snapshots_for(caller: Caller) -> QuerySet[Image]:
    """The one door: snapshots that the caller may see."""
    return images.images_for(caller).filter(is_snapshot=True)


def with_deleted(caller: Caller) -> QuerySet[Image]:
    """The same, and those that are gone."""
    return images.images_for(caller, deleted=None).filter(is_snapshot=True)


def get(caller: Caller, uuid: str) -> Image:
    found = snapshots_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Snapshot {uuid} could not be found.")
    return found


def require_enabled(caller: Caller) -> None:
    """Raises NotImplementedFault where snapshots are for none, or for roles that the caller has not."""
    allowed = settings.CYCLADES_SNAPSHOTS_ENABLED
    if allowed is True or (allowed and caller.roles.intersection(allowed)):
        return
    raise NotImplementedFault("Snapshots are not enabled for you.")


def create(
    caller: Caller, volume_uuid: str, *, name: str = "", description: str = "",
    metadata: Mapping[str, str] | None = None,
) -> Image:  # fmt: skip
    """Keep what a volume holds now; the snapshot is SAVING until that is stored.

    Raises ItemNotFound, WrongState (the volume's state), Conflict (it is busy), BadRequest, and
    NotImplementedFault.
    """
    require_enabled(caller)
    found = rules.get(caller, volume_uuid)
    about = name or f"snapshot of volume {found.pk}"
    properties = {**_AS_IT_IS, **_told(found), **(metadata or {})}
    return _begin(caller, found, name=about, description=description, properties=properties, snapshot=True)


def make_image(
    caller: Caller, volume: Volume, *, name: str, properties: Mapping[str, str] | None = None,
    server_uuid: str = "",
) -> Image:  # fmt: skip
    """An image of what a volume holds now, SAVING until it is stored. Raises as ``create`` does."""
    told = {**volume.image_properties, **(properties or {})}
    return _begin(caller, volume, name=name, properties=told, server_uuid=server_uuid)


def modify(caller: Caller, uuid: str, *, name: str | None = None, description: str | None = None) -> Image:
    """Say something else of a snapshot. Raises ItemNotFound, Forbidden, BadRequest."""
    get(caller, uuid)
    wanted: dict[str, Any] = {"name": name, "description": description}
    return images.modify(caller, uuid, **{key: value for key, value in wanted.items() if value is not None})


def set_metadata(
    caller: Caller, uuid: str, wanted: Mapping[str, str | None], *, replace: bool = False
) -> dict[str, str]:
    """Merge (or replace) what is said of a snapshot; None takes a word away. Returns what is said then."""
    found = get(caller, uuid)
    gone = dict.fromkeys(metadata_of(found)) if replace else {}
    kept = images.set_properties(caller, uuid, {**gone, **wanted})
    return {key: value for key, value in kept.items() if key not in _AS_IT_IS}


def metadata_of(snapshot: Image) -> dict[str, str]:
    """What its owner says of it: its properties, without what is said of every snapshot, or elsewhere."""
    hidden = {*_AS_IT_IS, "description"}
    return {key: str(value) for key, value in snapshot.properties.items() if key not in hidden}


def delete(caller: Caller, uuid: str) -> None:
    """Remove a snapshot with its object. Raises ItemNotFound, Forbidden, Conflict (it is being made)."""
    found = get(caller, uuid)
    if found.status == Image.Status.SAVING:
        raise Conflict(f"Snapshot {uuid} is being made.")
    images.delete(caller, uuid)


def reset_status(caller: Caller, uuid: str, status: Image.Status) -> None:
    """Say what state it is in, whatever was known. Raises Forbidden, ItemNotFound."""
    found = get(caller, uuid)
    if not caller.is_admin:
        raise Forbidden("Only administrators reset a snapshot's state.")
    with atomic():
        Image.objects.filter(pk=found.pk).update(status=status)
        record(caller, "snapshot.reset_status", "image", found.pk, status=status)


def size_gib(snapshot: Image) -> int:
    """How large the volume was, also while nothing is stored yet."""
    return max(-(-snapshot.virtual_size_bytes // GIB), snapshot.wanted_disk_gib)


def _begin(
    caller: Caller, found: Volume, *, name: str, properties: Mapping[str, str], description: str = "",
    server_uuid: str = "", snapshot: bool = False,
) -> Image:  # fmt: skip
    kind = found.volume_type
    if not kind.detachable:
        raise BadRequest(
            f"Cannot take a snapshot from a volume with volume type '{kind.pk}' and '{kind.disk_template}'"
            " disk template"
        )
    with atomic():
        volume = rules.locked(found, Action.SNAPSHOT)
        rules.require_engine(volume)
        image = content.await_content(
            caller, name=name, properties=properties, description=description, is_snapshot=snapshot,
            volume_id=volume.pk, server_uuid=server_uuid, wanted_disk_gib=volume.size_gib,
        )  # fmt: skip
        engine.start(
            SnapshotVolume, targets=[(Volume.TARGET, volume.pk)], actor=caller,
            payload={"image": image.pk, "scope": caller.scope.value, "roles": sorted(caller.roles)},
        )  # fmt: skip
        Volume.objects.filter(pk=volume.pk).update(snapshots_made=F("snapshots_made") + 1)
        deed = "snapshot.create" if snapshot else "volume.make_image"
        record(caller, deed, "image", image.pk, name=name, volume=volume.pk)
    return image


def _told(volume: Volume) -> dict[str, str]:
    """What is known of the system on a volume: by its image, and by the server that boots from it."""
    told = {key: str(value) for key, value in volume.image_properties.items()}
    if volume.index == 0 and volume.server is not None:
        words = {row.key: row.value for row in volume.server.metadata.all()}
        told |= {key.lower(): value for key, value in words.items() if key.lower() in _TOLD_BY_SERVER}
    return told
