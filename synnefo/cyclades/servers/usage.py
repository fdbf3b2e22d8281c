"""How much of what servers used in a time: hours, and hours times processors, memory and disk."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator

from django.db.models import Q, QuerySet

from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden
from synnefo.cyclades.servers.models import Server

_HOUR_S = 3600


@dataclasses.dataclass(frozen=True)
class Use:
    """One server's share: from ``since`` on (``until`` None: it still is there), of that ``hours`` count."""

    server: Server
    hours: float
    since: datetime.datetime
    until: datetime.datetime | None

    @property
    def vcpu_hours(self) -> float:
        return self.hours * self.server.flavor.cpu

    @property
    def ram_mib_hours(self) -> float:
        return self.hours * self.server.flavor.ram

    @property
    def disk_gib_hours(self) -> float:
        return self.hours * self.server.flavor.disk


def of_project(caller: Caller, project: str, start: datetime.datetime, end: datetime.datetime) -> list[Use]:
    """What the servers of a project used. Raises Forbidden for one that is not the caller's."""
    if project != caller.project and not caller.is_admin:
        raise Forbidden("Only members of a project see what it uses.")
    return list(_uses(Server.objects.filter(project=project), start, end))


def of_all(caller: Caller, start: datetime.datetime, end: datetime.datetime) -> dict[str, list[Use]]:
    """The same by project, for administrators. Raises Forbidden."""
    if not caller.is_admin:
        raise Forbidden("Only administrators see what all projects use.")
    found: dict[str, list[Use]] = {}
    for use in _uses(Server.objects.order_by("project", "id"), start, end):
        found.setdefault(use.server.project, []).append(use)
    return found


def totals(uses: Iterable[Use]) -> dict[str, float]:
    """Sums by Nova's names."""
    summed = {"hours": 0.0, "vcpus_usage": 0.0, "memory_mb_usage": 0.0, "local_gb_usage": 0.0}
    for use in uses:
        summed["hours"] += use.hours
        summed["vcpus_usage"] += use.vcpu_hours
        summed["memory_mb_usage"] += use.ram_mib_hours
        summed["local_gb_usage"] += use.disk_gib_hours
    return summed


def _uses(rows: QuerySet[Server], start: datetime.datetime, end: datetime.datetime) -> Iterator[Use]:
    there = Q(created__lt=end) & (Q(deleted=False) | Q(deleted_at__gt=start))
    for server in rows.filter(there).select_related("flavor__volume_type").defer("user_data"):
        until = server.deleted_at if server.deleted else None
        seconds = (min(until or end, end) - max(server.created, start)).total_seconds()
        yield Use(server, max(seconds, 0) / _HOUR_S, server.created, until)
