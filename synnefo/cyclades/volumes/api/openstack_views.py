"""Volumes and snapshots as Cinder shows them. Reads only what the lists have fetched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from synnefo.common.caller import Caller
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.volumes import snapshots
from synnefo.cyclades.volumes.models import Volume, VolumeTransfer

ZONE = "nova"
#: Volumes that somebody offers to others; no state of ours.
OFFERED = "awaiting-transfer"
_STATUS = {
    Volume.Status.IN_USE: "in-use",
    Volume.Status.BACKING_UP: "backing-up",
    Volume.Status.RESTORING: "restoring-backup",
}
SNAPSHOT_STATUS = {
    Image.Status.AVAILABLE: "available",
    Image.Status.ERROR: "error",
    Image.Status.DEACTIVATED: "available",
}


def shown(rows: QuerySet[Volume]) -> QuerySet[Volume]:
    """Volumes with all that views read."""
    return rows.select_related("volume_type", "server", "backend", "transfer").prefetch_related("metadata")


def status_of(volume: Volume) -> str:
    if volume.status == Volume.Status.AVAILABLE and _is_offered(volume):
        return OFFERED
    return _STATUS.get(Volume.Status(volume.status), volume.status.lower())


def statuses_of(wanted: str) -> list[str]:
    """Our states that Cinder's word may mean; none for a word that is not known."""
    return [status for status in Volume.Status if _STATUS.get(status, status.lower()) == wanted]


def volume_links(request: HttpRequest, volume: Volume) -> list[dict[str, str]]:
    path = f"volume/v3/{volume.project}/volumes/{volume.uuid}"
    href = kit.address(request, path)
    return [{"rel": "self", "href": href}, {"rel": "bookmark", "href": href}]


def brief(request: HttpRequest, volume: Volume) -> dict[str, Any]:
    return {"id": volume.uuid, "name": volume.name, "links": volume_links(request, volume)}


def new_volume(request: HttpRequest, volume: Volume) -> dict[str, Any]:
    """A volume as the answers to its creation and its changes tell it."""
    return {
        **brief(request, volume),
        "status": status_of(volume),
        "size": volume.size_gib,
        "availability_zone": ZONE,
        "created_at": kit.fine_stamp(volume.created),
        "updated_at": kit.fine_stamp(volume.updated),
        "attachments": attachments(volume),
        "description": volume.description,
        "volume_type": volume.volume_type.name,
        "snapshot_id": _source(volume, Volume.Source.SNAPSHOT),
        "source_volid": _source(volume, Volume.Source.VOLUME),
        "metadata": {row.key: row.value for row in volume.metadata.all()},
        "user_id": volume.userid,
        "bootable": str(volume.bootable).lower(),
        "encrypted": False,
        "multiattach": False,
        "replication_status": None,
        "consistencygroup_id": None,
        "migration_status": None,
    }


def whole_volume(request: HttpRequest, caller: Caller, volume: Volume) -> dict[str, Any]:
    view = {**new_volume(request, volume), "os-vol-tenant-attr:tenant_id": volume.project}
    told = image_metadata(volume)
    if told:
        view["volume_image_metadata"] = told
    if caller.is_admin:
        view |= {
            "os-vol-host-attr:host": _host(volume),
            "os-vol-mig-status-attr:migstat": None,
            "os-vol-mig-status-attr:name_id": None,
        }
    return view


def image_metadata(volume: Volume) -> dict[str, str]:
    """What a volume knows of the image that it was made of."""
    told = {key: str(value) for key, value in volume.image_properties.items()}
    source = _source(volume, Volume.Source.IMAGE)
    return {"image_id": source, **told} if source else told


def attachments(volume: Volume) -> list[dict[str, Any]]:
    """Where it is: at most one server."""
    if volume.server is None or volume.index is None:
        return []
    return [
        {
            "id": volume.uuid,
            "attachment_id": volume.uuid,
            "volume_id": volume.uuid,
            "server_id": volume.server.uuid,
            "attached_at": kit.fine_stamp(volume.attached_at),
            "host_name": None,
            "device": f"/dev/vd{chr(ord('a') + volume.index % 26)}",
        }
    ]


def new_snapshot(snapshot: Image, volume_uuid: str) -> dict[str, Any]:
    return {
        "id": snapshot.uuid,
        "name": snapshot.name,
        "description": snapshot.about,
        "status": snapshot_status(snapshot),
        "volume_id": volume_uuid,
        "size": snapshots.size_gib(snapshot),
        "metadata": snapshots.metadata_of(snapshot),
        "created_at": kit.fine_stamp(snapshot.created),
        "updated_at": kit.fine_stamp(snapshot.updated),
    }


def whole_snapshot(snapshot: Image, volume_uuid: str) -> dict[str, Any]:
    done = snapshot_status(snapshot) == "available"
    return {
        **new_snapshot(snapshot, volume_uuid),
        "os-extended-snapshot-attributes:progress": "100%" if done else "0%",
        "os-extended-snapshot-attributes:project_id": snapshot.project,
    }


def snapshot_status(snapshot: Image) -> str:
    return SNAPSHOT_STATUS.get(Image.Status(snapshot.status), "creating")


def volumes_of(found: Iterable[Image]) -> Mapping[int | None, str]:
    """The uuids of snapshots' volumes, gone ones too, by their integer ids."""
    ids = {snapshot.volume_id for snapshot in found if snapshot.volume_id is not None}
    return dict(Volume.objects.filter(pk__in=ids).values_list("pk", "uuid"))


def transfer_view(request: HttpRequest, transfer: VolumeTransfer, project: str) -> dict[str, Any]:
    href = kit.address(request, f"volume/v3/{project}/os-volume-transfer/{transfer.uuid}")
    return {
        "id": transfer.uuid,
        "name": transfer.name,
        "volume_id": transfer.volume.uuid,
        "created_at": kit.fine_stamp(transfer.created),
        "links": [{"rel": "self", "href": href}, {"rel": "bookmark", "href": href}],
    }


def _is_offered(volume: Volume) -> bool:
    return getattr(volume, "transfer", None) is not None


def _source(volume: Volume, kind: Volume.Source) -> str | None:
    return volume.source_uuid if volume.source == kind and volume.source_uuid else None


def _host(volume: Volume) -> str | None:
    if volume.backend is None:
        return None
    return f"{volume.backend.name}@{volume.volume_type.disk_template}#{volume.volume_type.disk_template}"
