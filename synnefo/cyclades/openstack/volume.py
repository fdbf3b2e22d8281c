"""Block storage v3: the nouns' routes put together, versions, and what belongs to no noun."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, Forbidden, WrongState
from synnefo.common.http.facade import authenticated, facade
from synnefo.common.http.rendering import nova, render
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.openstack.volume_quotas import router as quotas
from synnefo.cyclades.servers.api.openstack_volume_actions import router as actions
from synnefo.cyclades.volume_types.api.openstack import router as types
from synnefo.cyclades.volumes.api.openstack import router as volumes
from synnefo.cyclades.volumes.api.openstack_snapshots import router as snapshots
from synnefo.cyclades.volumes.api.openstack_transfers import router as transfers
from synnefo.cyclades.volumes.api.openstack_views import ZONE

_BORN = "2023-08-31T00:00:00Z"
_EXTENDED = "2014-02-10T00:00:00+00:00"
_EXTENSIONS = {
    "OS-SCH-HNT": "SchedulerHints",
    "os-admin-actions": "AdminActions",
    "os-availability-zone": "AvailabilityZones",
    "os-extended-snapshot-attributes": "ExtendedSnapshotAttributes",
    "os-quota-class-sets": "QuotaClasses",
    "os-quota-sets": "Quotas",
    "os-services": "Services",
    "os-types-extra-specs": "TypesExtraSpecs",
    "os-types-manage": "TypesManage",
    "os-used-limits": "UsedLimits",
    "os-vol-image-meta": "VolumeImageMetadata",
    "os-vol-tenant-attr": "VolumeTenantAttribute",
    "os-volume-actions": "VolumeActions",
    "os-volume-transfer": "VolumeTransfer",
    "os-volume-type-access": "VolumeTypeAccess",
    "scheduler-stats": "Scheduler_stats",
}

router = Router()


@router.get("/extensions")
def list_extensions(request: HttpRequest) -> HttpResponse:
    found = [
        {"alias": alias, "name": name, "description": "", "updated": _EXTENDED, "links": []}
        for alias, name in _EXTENSIONS.items()
    ]
    return kit.answer({"extensions": found})


@router.get("/os-availability-zone")
def list_zones(request: HttpRequest) -> HttpResponse:
    available = Backend.objects.filter(offline=False, drained=False).exists()
    return kit.answer({"availabilityZoneInfo": [{"zoneName": ZONE, "zoneState": {"available": available}}]})


@router.get("/os-services")
def list_services(request: HttpRequest) -> HttpResponse:
    """Engines are shown as volume services, to administrators."""
    _require_admin(kit.caller_of(request))
    found = [
        {
            "binary": "cinder-volume",
            "host": _host(row),
            "zone": ZONE,
            "status": "disabled" if row.drained else "enabled",
            "state": "down" if row.offline else "up",
            "updated_at": kit.fine_stamp(row.updated),
            "disabled_reason": None,
        }
        for row in Backend.objects.order_by("name")
    ]
    return kit.answer({"services": found})


@router.get("/scheduler-stats/get_pools")
def list_pools(request: HttpRequest, detail: bool = False) -> HttpResponse:
    """Engines as pools of disk space, to administrators."""
    _require_admin(kit.caller_of(request))
    found: list[dict[str, Any]] = []
    for row in Backend.objects.order_by("name"):
        pool: dict[str, Any] = {"name": f"{_host(row)}#{row.name}"}
        if detail:
            pool["capabilities"] = {
                "total_capacity_gb": row.disk_total_gib,
                "free_capacity_gb": row.disk_free_gib,
                "volume_backend_name": row.name,
                "storage_protocol": row.kind,
                "timestamp": kit.fine_stamp(row.updated),
            }
        found.append(pool)
    return kit.answer({"pools": found})


def _of_the_project(request: HttpRequest) -> Caller:
    """Who asks; the project in the path must be that of the token."""
    caller = authenticated(Scope.PROJECT)(request)
    match = request.resolver_match
    named = match.kwargs.get("project_id", "") if match is not None else ""
    if kit.wanted_id(named) != caller.project:
        raise BadRequest("Malformed request url: the project is not the token's.")
    return caller


api = facade("volume", nova, auth=_of_the_project, version="3")
for part in (volumes, actions, snapshots, transfers, types, quotas, router):
    api.add_router("/v3/{project_id}", part)


@api.get("/", auth=None)
def versions(request: HttpRequest) -> HttpResponse:
    return kit.answer({"versions": [_version(request)]}, 300)


@api.get("/v3", auth=None)
@api.get("/v3/", auth=None, url_name="version-with-slash")
def version(request: HttpRequest) -> HttpResponse:
    return kit.answer({"versions": [_version(request)]})


@api.exception_handler(WrongState)
def wrong_state(request: HttpRequest, fault: WrongState) -> HttpResponse:
    """Cinder answers 400 where a volume's state does not allow a thing."""
    return render(request, BadRequest(fault.message), nova)


def _version(request: HttpRequest) -> dict[str, Any]:
    """Without microversions: what is announced must be served."""
    kinds = [{"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}]
    return {
        "id": "v3.0",
        "status": "CURRENT",
        "version": "",
        "min_version": "",
        "updated": _BORN,
        "links": [{"rel": "self", "href": kit.address(request, "volume/v3/")}],
        "media-types": kinds,
    }


def _host(row: Backend) -> str:
    return f"{row.name}@{row.kind}"


def _require_admin(caller: Caller) -> None:
    if not caller.is_admin:
        raise Forbidden("Only administrators see this.")
