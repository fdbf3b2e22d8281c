"""From a backend's row to the driver that talks to it; one driver object a process."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from pathlib import Path

from django.conf import settings

from synnefo.common import objects
from synnefo.cyclades.backends.base import Backend as Engine
from synnefo.cyclades.backends.base import BackendError, Capacity
from synnefo.cyclades.backends.ganeti import GanetiBackend, GanetiConfig
from synnefo.cyclades.backends.local import LocalBackend
from synnefo.cyclades.backends.local.accounting import Overcommit
from synnefo.cyclades.backends.local.image_cache import ImageCache, used_lately
from synnefo.cyclades.backends.models import Backend

#: An option of every kind: the disk templates that it has, for placement.
VOLUME_TYPES = "volume_types"

_engines: dict[int, Engine] = {}
_guard = threading.Lock()


def engine(row: Backend) -> Engine:
    """The driver of a backend. Raises BackendError if its kind or options are unknown."""
    with _guard:
        if row.pk not in _engines:
            _engines[row.pk] = build(row)
        return _engines[row.pk]


def put(row: Backend, driver: Engine) -> None:
    """Use this driver for a backend (tests)."""
    with _guard:
        _engines[row.pk] = driver


def forget_all() -> None:
    with _guard:
        for driver in _engines.values():
            driver.close()
        _engines.clear()


def installation_tag() -> str:
    """A short name for what this installation makes on the host, so that two do not mix."""
    return hashlib.sha256(str(Path(settings.SYNNEFO_DATA).resolve()).encode()).hexdigest()[:5]


def build(row: Backend) -> Engine:
    """A new driver for a backend, not kept. Raises BackendError; TypeError for options it does not know."""
    if row.kind == Backend.Kind.LOCAL:
        return LocalBackend(
            Path(settings.SYNNEFO_DATA),
            installation_tag(),
            networking=settings.CYCLADES_LOCAL_NETWORKING,
            accelerator=settings.CYCLADES_LOCAL_ACCELERATOR,
            transit=settings.CYCLADES_LOCAL_TRANSIT_RANGE,
            floating=settings.CYCLADES_LOCAL_FLOATING_RANGE,
            public=settings.CYCLADES_LOCAL_PUBLIC_RANGES,
            bridges=settings.CYCLADES_LOCAL_BRIDGES,
            tb_size_mib=settings.CYCLADES_LOCAL_TB_SIZE_MIB,
            read_image=objects.read,
            image_cache_bytes=settings.CYCLADES_IMAGE_CACHE_BYTES,
            overcommit=Overcommit(
                settings.CYCLADES_LOCAL_CPU_OVERCOMMIT, settings.CYCLADES_LOCAL_RAM_OVERCOMMIT
            ),
            cgroup=settings.CYCLADES_LOCAL_CGROUP,
        )
    if row.kind == Backend.Kind.GANETI:
        own = {key: value for key, value in row.options.items() if key != VOLUME_TYPES}
        config = GanetiConfig(**own, prefix=settings.BACKEND_PREFIX_ID)
        return GanetiBackend(config, _images_for_ganeti())
    raise BackendError(f"backend {row.name}: {row.kind!r} is not a kind of engine")


def look(row: Backend) -> Capacity:
    """Ask an engine what it has, and write that to its row. Raises BackendError."""
    found = engine(row).capacity()
    names = ("vcpus", "ram_total_mib", "ram_free_mib", "disk_total_gib", "disk_free_gib", "instances")
    for name in names:
        setattr(row, name, getattr(found, name))
    row.nodes = [dataclasses.asdict(node) for node in found.nodes]
    row.save(update_fields=(*names, "nodes", "updated"))
    return found


def _images_for_ganeti() -> ImageCache:
    """A directory that the nodes of clusters share with this host; what a job may be copying stays."""
    directory = Path(settings.SYNNEFO_DATA) / "images-ganeti"
    return ImageCache(
        directory,
        objects.read,
        limit_bytes=settings.CYCLADES_IMAGE_CACHE_BYTES,
        in_use=lambda: used_lately(directory),
    )
