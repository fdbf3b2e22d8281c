"""Engines in compute v2.1, as hypervisors, services and hosts; for administrators only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound, NotImplementedFault
from synnefo.cyclades.backends import rules
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.openstack import kit, microversions

ZONE = "nova"
BINARY = "nova-compute"
#: Nova's clients want an address of every hypervisor; a cluster has none of its own.
_THIS_MACHINE, _SEVERAL_MACHINES = "127.0.0.1", "0.0.0.0"  # noqa: S104  told, never listened on
#: The microversions of services that are said to be down, of processors as objects, of pages.
_FORCED_DOWN, _CPU_OBJECTS, _PAGES = 11, 28, 33
router = Router()


class ServiceFilters(kit.Window):
    host: kit.Text | None = None
    binary: kit.Text | None = None


class ServiceName(kit.Body):
    host: kit.Text
    binary: kit.Text
    disabled_reason: kit.Text | None = None
    forced_down: kit.Flag | None = None


@router.get("/os-hypervisors")
def list_hypervisors(request: HttpRequest, paging: Query[kit.Listing]) -> HttpResponse:
    return _listed(request, paging, "os-hypervisors", _brief)


@router.get("/os-hypervisors/detail")
def list_hypervisors_with_details(request: HttpRequest, paging: Query[kit.Listing]) -> HttpResponse:
    view = _with_cpu_object if microversions.spoken(request) >= _CPU_OBJECTS else _hypervisor
    return _listed(request, paging, "os-hypervisors/detail", view)


@router.get("/os-hypervisors/statistics")
def show_statistics(request: HttpRequest) -> HttpResponse:
    """The sums of all that are not offline."""
    rows = [_hypervisor(row) for row in _engines(request).filter(offline=False)]
    names = (
        "current_workload", "disk_available_least", "free_disk_gb", "free_ram_mb", "local_gb",
        "local_gb_used", "memory_mb", "memory_mb_used", "running_vms", "vcpus", "vcpus_used",
    )  # fmt: skip
    sums = {name: sum(row[name] for row in rows) for name in names}
    return kit.answer({"hypervisor_statistics": {"count": len(rows), **sums}})


@router.get("/os-hypervisors/{hypervisor}")
def show_hypervisor(request: HttpRequest, hypervisor: str) -> HttpResponse:
    view = _with_cpu_object if microversions.spoken(request) >= _CPU_OBJECTS else _hypervisor
    return kit.answer({"hypervisor": view(_engine(request, hypervisor))})


@router.get("/os-hypervisors/{hypervisor}/uptime")
def show_uptime(request: HttpRequest, hypervisor: str) -> HttpResponse:
    _engine(request, hypervisor)
    raise NotImplementedFault("Virt driver does not implement uptime function.")


@router.get("/os-hypervisors/{hypervisor}/search")
def search_hypervisors(request: HttpRequest, hypervisor: str) -> HttpResponse:
    return kit.answer({"hypervisors": [_brief(row) for row in _alike(request, hypervisor)]})


@router.get("/os-hypervisors/{hypervisor}/servers")
def list_servers_of_hypervisors(request: HttpRequest, hypervisor: str) -> HttpResponse:
    shown = []
    for row in _alike(request, hypervisor):
        servers = row.servers.filter(deleted=False).order_by("id")
        shown.append({**_brief(row), "servers": [{"uuid": s.uuid, "name": s.engine_name} for s in servers]})
    return kit.answer({"hypervisors": shown})


@router.get("/os-services")
def list_services(request: HttpRequest, filters: Query[ServiceFilters]) -> HttpResponse:
    rows = _engines(request)
    if filters.host is not None:
        rows = rows.filter(name=filters.host)
    known = filters.binary in (None, BINARY)
    told = microversions.spoken(request) >= _FORCED_DOWN
    return kit.answer({"services": [_service(row, told) for row in rows if known]})


@router.put("/os-services/{verb}")
def change_service(request: HttpRequest, verb: str, body: ServiceName) -> HttpResponse:
    """A disabled service is an engine that takes no new servers; one forced down is not talked to."""
    caller = kit.caller_of(request)
    _check_admin(request)
    forced = verb == "force-down" and microversions.spoken(request) >= _FORCED_DOWN
    if not forced and verb not in ("enable", "disable", "disable-log-reason"):
        raise ItemNotFound("Unknown action")
    if body.binary != BINARY:
        raise ItemNotFound(f"Could not find binary {body.binary} on host {body.host}.")
    if forced:
        if body.forced_down is None:
            raise BadRequest("Missing required attribute forced_down")
        row = rules.modify(caller, body.host, offline=kit.is_true(body.forced_down))
        return kit.answer({"service": {"host": row.name, "binary": BINARY, "forced_down": row.offline}})
    row = rules.modify(caller, body.host, drained=verb != "enable")
    shown = {"host": row.name, "binary": BINARY, "status": _status(row)}
    if verb == "disable-log-reason":
        shown["disabled_reason"] = body.disabled_reason or ""
    return kit.answer({"service": shown})


@router.get("/os-hosts")
def list_hosts(request: HttpRequest) -> HttpResponse:
    rows = _engines(request)
    return kit.answer(
        {"hosts": [{"host_name": row.name, "service": "compute", "zone": ZONE} for row in rows]}
    )


@router.get("/os-hosts/{host}")
def show_host(request: HttpRequest, host: str) -> HttpResponse:
    row = None if "\x00" in host else _engines(request).filter(name=host).first()
    if row is None:
        _check_admin(request)
        raise ItemNotFound(f"Compute host {host} could not be found.")
    shown = _hypervisor(row)
    total = ("(total)", shown["vcpus"], shown["memory_mb"], shown["local_gb"])
    used = ("(used_now)", shown["vcpus_used"], shown["memory_mb_used"], shown["local_gb_used"])
    parts = [
        {"resource": {"project": what, "host": row.name, "cpu": cpu, "memory_mb": ram, "disk_gb": disk}}
        for what, cpu, ram, disk in (total, used)
    ]
    return kit.answer({"host": parts})


@router.get("/os-aggregates")
def list_aggregates(request: HttpRequest) -> HttpResponse:
    """Engines are not put into groups here: projects are given to engines, not aggregates."""
    _check_admin(request)
    return kit.answer({"aggregates": []})


@router.get("/os-migrations")
def list_migrations(request: HttpRequest) -> HttpResponse:
    """Servers stay on their engines."""
    _check_admin(request)
    return kit.answer({"migrations": []})


def _listed(
    request: HttpRequest, paging: kit.Listing, path: str, view: Callable[[Any], dict[str, Any]]
) -> HttpResponse:
    """All of them, or a page. Raises BadRequest for a marker that is none of them."""
    rows, more = list(_engines(request)), False
    if microversions.spoken(request) >= _PAGES:
        rows, more = kit.part_of(rows, paging, lambda row: str(row.pk))
    body: dict[str, Any] = {"hypervisors": [view(row) for row in rows]}
    if more:
        url = kit.address(request, f"compute/v2.1/{path}")
        following = kit.next_page(request, url, str(rows[-1].pk))
        body["hypervisors_links"] = [{"rel": "next", "href": following}]
    return kit.answer(body)


def _check_admin(request: HttpRequest) -> None:
    if not kit.caller_of(request).is_admin:
        raise Forbidden("Policy doesn't allow this to be performed.")


def _engines(request: HttpRequest) -> QuerySet[Backend]:
    """All engines with what their servers take. Raises Forbidden."""
    _check_admin(request)
    live = Q(servers__deleted=False)
    return Backend.objects.order_by("id").annotate(
        running=Count("servers", filter=live & Q(servers__operstate="STARTED")),
        vcpus_used=Sum(F("servers__flavor__cpu"), filter=live, default=0),
        busy=Count("servers", filter=live & ~Q(servers__task="")),
    )


def _engine(request: HttpRequest, number: str) -> Any:
    rows = _engines(request)
    found = rows.filter(pk=int(number)).first() if number.isascii() and number.isdigit() else None
    if found is None:
        raise ItemNotFound(f"Hypervisor with ID '{number}' could not be found.")
    return found


def _alike(request: HttpRequest, name: str) -> list[Backend]:
    found = [] if "\x00" in name else list(_engines(request).filter(name__icontains=name))
    if not found:
        _check_admin(request)
        raise ItemNotFound(f"No hypervisor matching '{name}' could be found.")
    return found


def _status(row: Backend) -> str:
    return "disabled" if row.drained else "enabled"


def _state(row: Backend) -> str:
    return "down" if row.offline else "up"


def _brief(row: Backend) -> dict[str, Any]:
    return {"id": row.pk, "hypervisor_hostname": row.name, "state": _state(row), "status": _status(row)}


def _hypervisor(row: Any) -> dict[str, Any]:
    used_ram, used_disk = row.ram_total_mib - row.ram_free_mib, row.disk_total_gib - row.disk_free_gib
    return {
        **_brief(row),
        "hypervisor_type": row.kind,
        "hypervisor_version": 1,
        "host_ip": _THIS_MACHINE if row.kind == Backend.Kind.LOCAL else _SEVERAL_MACHINES,
        "cpu_info": "",
        "service": {"id": row.pk, "host": row.name, "disabled_reason": None},
        "vcpus": row.vcpus,
        "vcpus_used": row.vcpus_used,
        "memory_mb": row.ram_total_mib,
        "memory_mb_used": used_ram,
        "free_ram_mb": row.ram_free_mib,
        "local_gb": row.disk_total_gib,
        "local_gb_used": used_disk,
        "free_disk_gb": row.disk_free_gib,
        "disk_available_least": row.disk_free_gib,
        "running_vms": row.running,
        "current_workload": row.busy,
    }


def _with_cpu_object(row: Any) -> dict[str, Any]:
    return {**_hypervisor(row), "cpu_info": {}}


def _service(row: Backend, forced_down: bool) -> dict[str, Any]:
    return {
        **({"forced_down": row.offline} if forced_down else {}),
        "id": row.pk,
        "binary": BINARY,
        "host": row.name,
        "zone": ZONE,
        "status": _status(row),
        "state": _state(row),
        "updated_at": kit.fine_stamp(row.updated),
        "disabled_reason": None,
    }
