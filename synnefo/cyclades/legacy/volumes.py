"""Volumes, attached or not, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model

from synnefo.common.legacy.source import Row, Source, Sql
from synnefo.common.legacy.steps import Numbered, Step
from synnefo.cyclades.legacy.source import of_query
from synnefo.cyclades.legacy.world import World
from synnefo.cyclades.volumes.models import Volume, VolumeMetadata

#: States in which a cluster has data of a volume, if it was ever told of it.
_WITHOUT_DATA = frozenset({"CREATING", "DELETED", "ERROR"})


def _volumes(source: Source) -> Sql:
    return (
        "SELECT v.id AS key, v.*, m.backend_id FROM db_volume v"
        " LEFT JOIN db_virtualmachine m ON m.id = v.machine_id"
    )


def _volume(row: Row, world: World) -> Iterator[Model]:
    """Root volumes were made with their server and have no job of their own."""
    kind, _, uuid = (row["source"] or "").partition(":")
    if kind and kind not in Volume.Source.values:
        world.report.note("volume made from something unknown: blank here", f"{row['key']} {row['source']}")
        kind, uuid = "", ""
    attached = row["machine_id"] is not None and not row["deleted"]
    in_cluster = attached or row["backendjobid"] is not None
    yield Volume(
        pk=row["key"],
        name=row["name"] or "",
        description=row["description"] or "",
        userid=row["userid"],
        project=row["project"] or row["userid"],
        shared_to_project=row["shared_to_project"],
        size_gib=row["size"],
        volume_type_id=row["volume_type_id"],
        status=row["status"],
        server_id=row["machine_id"],
        index=row["index"] if attached or row["deleted"] else None,
        attached_at=row["created"] if attached else None,
        backend_id=row["backend_id"],
        materialised=in_cluster and row["status"] not in _WITHOUT_DATA,
        delete_on_termination=row["delete_on_termination"],
        bootable=bool(kind),
        source=kind or Volume.Source.BLANK,
        source_uuid=uuid,
        source_version=row["source_version"] or 0,
        legacy_name=row["legacy_backend_volume_uuid"] or "",
        snapshots_made=row["snapshot_counter"],
        deleted=row["deleted"],
        deleted_at=row["updated"] if row["deleted"] else None,
        created=row["created"],
        updated=row["updated"],
    )


def _metadata(row: Row, world: World) -> Iterator[Model]:
    yield VolumeMetadata(pk=row["key"], volume_id=row["volume_id"], key=row["word"], value=row["value"])


STEPS: tuple[Step[World], ...] = (
    Step("volumes", _volumes, _volume, (Numbered(Volume, "db_volume"),)),
    Step(
        "metadata of volumes",
        of_query(
            "db_volumemetadata", "SELECT id AS key, key AS word, value, volume_id FROM db_volumemetadata"
        ),
        _metadata,
        (Numbered(VolumeMetadata, "db_volumemetadata"),),
    ),
)
