"""MD5 of content that came as a hash map, or was changed in place: nobody waits for it, but lists show it.

Who is asked for it before takes it himself.
"""

from __future__ import annotations

import hashlib
import time

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import close_old_connections

from synnefo.common.faults import ItemNotFound
from synnefo.common.transactions import let_go
from synnefo.engine.background import Stop
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import md5_of, read
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.objects import note_checksum

log = structlog.get_logger("synnefo.pithos")

#: What is read in one go; longer content has a thread of its own.
MOST_BYTES = 512 * 1024 * 1024
_LOOK_EVERY_S = 10
_CLAIMED_S = 6 * 3600


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


def follow_long(stop: Stop) -> None:
    """The same for longer content, one after the other, until told to stop."""
    while not stop():
        if not take_one_long(stop):
            close_old_connections()
            _nap(stop)


def _nap(stop: Stop) -> None:
    for _ in range(_LOOK_EVERY_S):
        if stop():
            return
        time.sleep(1)


def take_one_long(stop: Stop) -> bool:
    """Take one of these; False if there is none, or another dispatcher is at it, or it was told to stop."""
    if not settings.PITHOS_UPDATE_MD5:
        return False
    rows = Version.objects.filter(checksum="", state=Version.State.CURRENT, size_bytes__gt=MOST_BYTES)
    for version in rows.select_related("map").order_by("pk")[:100]:
        claim = f"pithos-md5-{version.pk}"
        if not cache.add(claim, 1, _CLAIMED_S):
            continue
        try:
            md5 = _read_whole(version, stop)
        except (ItemNotFound, OSError) as error:
            log.error("content cannot be read", version=version.pk, error=str(error))
            continue
        if md5 is None:
            cache.delete(claim)
            return False
        note_checksum(version, md5)
        return True
    return False


def _read_whole(version: Version, stop: Stop) -> str | None:
    """The MD5 of its content; None if it was told to stop before the end."""
    content, digest = version.content, hashlib.md5(usedforsecurity=False)
    let_go()
    for piece in read(blocks(), content, settings.PITHOS_BACKEND_BLOCK_SIZE, 0, content.size_bytes):
        if stop():
            return None
        digest.update(piece)
    return digest.hexdigest()
