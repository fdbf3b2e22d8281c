"""What projects used, in compute v2.1."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from ninja import Query, Router

from synnefo.common.faults import BadRequest
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.servers import usage
from synnefo.cyclades.servers.api.openstack_views import VM_STATES

router = Router()
#: What is looked at where no time is said.
_USUALLY = datetime.timedelta(weeks=4)


class Period(kit.Listing):
    start: kit.Text | None = None
    end: kit.Text | None = None
    detailed: kit.Text = "0"

    @property
    def times(self) -> tuple[datetime.datetime, datetime.datetime]:
        """Raises BadRequest."""
        end = timezone.now() if self.end is None else _moment(self.end)
        start = end - _USUALLY if self.start is None else _moment(self.start)
        if start >= end:
            raise BadRequest("Invalid start time. The start time cannot occur after the end time.")
        return start, end


@router.get("/os-simple-tenant-usage")
def list_usage(request: HttpRequest, period: Query[Period]) -> HttpResponse:
    start, end = period.times
    found = usage.of_all(kit.caller_of(request), start, end)
    shown = [_shown(project, uses, start, end) for project, uses in found.items()]
    if period.detailed != "1":
        for row in shown:
            del row["server_usages"]
    return kit.answer({"tenant_usages": shown})


@router.get("/os-simple-tenant-usage/{project_id}")
def show_usage(request: HttpRequest, project_id: str, period: Query[Period]) -> HttpResponse:
    """Nova says nothing of a project that used nothing."""
    start, end = period.times
    project = kit.wanted_id(project_id)
    uses = usage.of_project(kit.caller_of(request), project, start, end)
    return kit.answer({"tenant_usage": _shown(project, uses, start, end) if uses else {}})


def _shown(
    project: str, uses: Sequence[usage.Use], start: datetime.datetime, end: datetime.datetime
) -> dict[str, Any]:
    return {
        "tenant_id": project,
        "start": kit.fine_stamp(start),
        "stop": kit.fine_stamp(end),
        **{f"total_{name}": amount for name, amount in usage.totals(uses).items()},
        "server_usages": [_use(use, end) for use in uses],
    }


def _use(use: usage.Use, end: datetime.datetime) -> dict[str, Any]:
    server = use.server
    return {
        "instance_id": server.uuid,
        "name": server.name,
        "tenant_id": server.project,
        "flavor": server.flavor.name,
        "vcpus": server.flavor.cpu,
        "memory_mb": server.flavor.ram,
        "local_gb": server.flavor.disk,
        "hours": use.hours,
        "started_at": kit.fine_stamp(use.since),
        "ended_at": kit.fine_stamp(use.until),
        "uptime": int(((use.until or end) - use.since).total_seconds()),
        "state": VM_STATES[server.operstate],
    }


def _moment(text: str) -> datetime.datetime:
    try:
        moment = parse_datetime(text.replace(" ", "T"))
        if moment is None:
            moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"Datetime is in invalid format: {text}") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)
