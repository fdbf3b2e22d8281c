"""From a backend's row to the driver that talks to it; one driver object a process."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

from django.conf import settings

from synnefo.cyclades.backends.base import Backend as Engine
from synnefo.cyclades.backends.base import BackendError
from synnefo.cyclades.backends.ganeti import GanetiBackend, GanetiConfig
from synnefo.cyclades.backends.local import LocalBackend
from synnefo.cyclades.backends.models import Backend

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
            tb_size_mib=settings.CYCLADES_LOCAL_TB_SIZE_MIB,
        )
    if row.kind == Backend.Kind.GANETI:
        return GanetiBackend(GanetiConfig(**row.options, prefix=settings.BACKEND_PREFIX_ID))
    raise BackendError(f"backend {row.name}: {row.kind!r} is not a kind of engine")
