"""Comparing volumes with what engines have of them, and mending what differs."""

from __future__ import annotations

import dataclasses

from django.conf import settings

from synnefo.common.transactions import atomic, forbid_in_transaction
from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.base import Fence
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine import rules as engine
from synnefo.engine.models import Operation

_S = Volume.Status
_BUSY = (_S.CREATING, _S.ATTACHING, _S.DETACHING, _S.EXTENDING, _S.DELETING)


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that differs. ``kind``: ``missing`` on the engine, ``orphan`` there, ``stuck`` in a state."""

    kind: str
    name: str
    backend: Backend
    volume: Volume | None = None

    def __str__(self) -> str:
        number = "" if self.volume is None else f" (volume {self.volume.pk}, {self.volume.status})"
        return f"{self.backend.name}: {self.kind}: {self.name}{number}"


def look(backend: Backend) -> list[Finding]:
    """All that differs on one engine. Volumes that an operation works on are left out."""
    forbid_in_transaction("calling an engine")
    there = set(registry.engine(backend).volumes())
    rows = {row.engine_name: row for row in Volume.objects.filter(backend=backend, deleted=False)}
    idle = {name: row for name, row in rows.items() if not _is_busy(row)}
    prefix = f"{settings.BACKEND_PREFIX_ID}vol-"
    unknown = sorted(name for name in there - rows.keys() if name.startswith(prefix))
    found = [
        Finding("missing", name, backend, row)
        for name, row in idle.items()
        if row.materialised and name not in there and row.status != _S.ERROR
    ]
    found += [Finding("stuck", name, backend, row) for name, row in idle.items() if row.status in _BUSY]
    return found + [Finding("orphan", name, backend) for name in unknown if not _is_being_made(name)]


def repair(finding: Finding) -> None:
    """Remove what nobody knows; say of a volume what is true of it. Raises BackendError."""
    forbid_in_transaction("calling an engine")
    if finding.volume is None:
        newest = Operation.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        registry.engine(finding.backend).delete_volume(finding.name, Fence(newest, 0))
        return
    with atomic():
        row = Volume.objects.select_for_update(of=("self",)).get(pk=finding.volume.pk)
        if row.deleted or _is_busy(row):
            return
        if finding.kind == "missing":
            row.status, row.fault = _S.ERROR, "Its data are not on the engine."
        elif row.server_id is not None:
            row.status = _S.IN_USE
        else:
            row.status = _S.ERROR if row.status in (_S.CREATING, _S.DELETING) else _S.AVAILABLE
        row.save(update_fields=("status", "fault", "updated"))


def _is_busy(row: Volume) -> bool:
    if engine.active_on(Volume.TARGET, row.pk).exists():
        return True
    return row.server_id is not None and engine.active_on("server", row.server_id).exists()


def _is_being_made(name: str) -> bool:
    """Whether a row of that name came meanwhile, or is only being removed."""
    number = name.removeprefix(f"{settings.BACKEND_PREFIX_ID}vol-")
    if not number.isascii() or not number.isdigit():
        return False
    row = Volume.objects.filter(pk=int(number)).first()
    return row is not None and (not row.deleted or _is_busy(row))
