"""What becomes of a volume's row when nothing of the volume is left."""

from __future__ import annotations

from django.utils import timezone

from synnefo.common.objects import store_of
from synnefo.cyclades.volumes.models import Volume


def forget(volume: Volume) -> None:
    """Its row, locked, is one of the past; what it held is let go. Its charge is the caller's business."""
    if volume.hold:
        store_of(volume.hold).release(volume.hold)
    volume.hold, volume.materialised, volume.backend = "", False, None
    volume.status, volume.deleted, volume.deleted_at = Volume.Status.DELETED, True, timezone.now()
    volume.server, volume.index, volume.attached_at, volume.fault = None, None, None, ""
    volume.save()
