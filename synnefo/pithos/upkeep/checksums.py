"""MD5 of content that came as a hash map, or was changed in place: nobody waits for it, but lists show it.

Who is asked for it before takes it himself.
"""

from __future__ import annotations

import structlog
from django.conf import settings

from synnefo.common.faults import ItemNotFound
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import md5_of
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.objects import note_checksum

log = structlog.get_logger("synnefo.pithos")

#: What is read in one go; longer content is left to who asks for its MD5.
MOST_BYTES = 512 * 1024 * 1024


def take_missing() -> int:
    """Take the checksums of some objects that have none; returns how many."""
    if not settings.PITHOS_UPDATE_MD5:
        return 0
    rows = Version.objects.filter(checksum="", state=Version.State.CURRENT, size_bytes__gt=0)
    read_bytes = count = 0
    for version in rows.filter(size_bytes__lte=MOST_BYTES).select_related("map").order_by("pk")[:100]:
        read_bytes += version.size_bytes
        if count and read_bytes > MOST_BYTES:
            break
        try:
            note_checksum(version, md5_of(blocks(), version.content, settings.PITHOS_BACKEND_BLOCK_SIZE))
            count += 1
        except ItemNotFound:
            log.error("content is not there", version=version.pk)
    return count
