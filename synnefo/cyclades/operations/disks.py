"""Volumes as engines know them: what they are made of, and what is written once an engine has made one."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from synnefo.common.objects import store_of
from synnefo.cyclades.backends.base import Backend, DiskImage, VolumeSpec
from synnefo.cyclades.backends.models import Backend as BackendRow
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.volumes.models import Volume


def spec_of(volume: Volume) -> VolumeSpec:
    """As it shall be; with its first content only while no engine has data of it."""
    origin = None if volume.materialised else content_of(volume)
    return VolumeSpec(volume.engine_name, volume.size_gib, origin, volume.readonly)


def specs_of(volumes: Iterable[Volume]) -> tuple[VolumeSpec, ...]:
    return tuple(spec_of(volume) for volume in volumes)


def content_of(volume: Volume) -> DiskImage | None:
    """What it is made of: what it holds, or what its image has now. None for an empty one."""
    if volume.hold:
        held = store_of(volume.hold).held(volume.hold)
        return held_disk(volume.hold, volume.disk_format or "raw", held.hash, held.size_bytes)
    if volume.source not in (Volume.Source.IMAGE, Volume.Source.SNAPSHOT):
        return None
    return disk_of(Image.objects.get(uuid=volume.source_uuid))


def disk_of(image: Image) -> DiskImage:
    """An image as engines know it."""
    return held_disk(image.hold, image.engine_format, image.hash, image.size_bytes)


def held_disk(hold: str, disk_format: str, digest: str, size_bytes: int) -> DiskImage:
    path = store_of(hold).local_path(hold)
    return DiskImage(path, disk_format, digest, "" if path is not None else hold, size_bytes)


def prepared(engine: Backend, volume: Volume) -> bool:
    """Bring its content to where volumes are made; False: ask again."""
    origin = spec_of(volume).origin
    return origin is None or engine.prepare_image(origin)


def made(volume: Volume, backend: BackendRow | None) -> None:
    """In a finishing transaction: the engine has its data now, and what it was made of is let go."""
    if volume.hold and not volume.materialised:
        store_of(volume.hold).release(volume.hold)
        volume.hold = ""
    volume.materialised, volume.backend = True, backend
    volume.save(update_fields=("materialised", "backend", "hold", "updated"))


def set_free(volume: Volume) -> None:
    """No server has it any more."""
    volume.status, volume.fault = Volume.Status.AVAILABLE, ""
    volume.server, volume.index, volume.attached_at = None, None, None
    volume.save()


def end(volume: Volume) -> None:
    """It is gone, with what it was made of."""
    if volume.hold:
        store_of(volume.hold).release(volume.hold)
    volume.status, volume.deleted, volume.deleted_at = Volume.Status.DELETED, True, timezone.now()
    volume.server, volume.index, volume.hold, volume.attached_at = None, None, "", None
    volume.save()
