"""What the commands of volumes and snapshots have in common: rows as people name them."""

from __future__ import annotations

from django.core.management.base import CommandError, CommandParser

from synnefo.common.caller import Caller
from synnefo.common.ids import parse_uuid
from synnefo.cyclades.commanding import acting_as, number_of
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.volume_types.models import VolumeType
from synnefo.cyclades.volumes.models import Volume


def volume_option(parser: CommandParser, *, several: bool = False) -> None:
    text = "number, or name on the engine (snf-vol-5)"
    if several:
        parser.add_argument("volume_ids", nargs="+", metavar="volume_id", help=text)
    else:
        parser.add_argument("volume_id", help=text)


def volume_of(text: str) -> Volume:
    """By its number or its name on the engine, also a deleted one. Raises CommandError."""
    rows = Volume.objects.select_related("volume_type", "server", "backend")
    found = rows.filter(legacy_name=text).first() if text else None
    found = found or rows.filter(pk=number_of(text, "vol-")).first()
    if found is None:
        raise CommandError(f"there is no volume {text}")
    return found


def type_of(text: str) -> VolumeType:
    found = VolumeType.objects.filter(pk=number_of(text)).first()
    if found is None:
        raise CommandError(f"there is no volume type {text}")
    return found


def snapshot_of(text: str) -> Image:
    found = Image.objects.filter(uuid=parse_uuid(text), is_snapshot=True, deleted=False).first()
    if found is None:
        raise CommandError(f"there is no snapshot {text}")
    return found


def owner_of(row: Volume | Image) -> Caller:
    """Its owner, acting in its project."""
    return acting_as(row.userid, row.project)
