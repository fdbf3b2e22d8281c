"""Compute v2.1: the nouns' routes put together, and what belongs to no noun."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import Forbidden, ItemNotFound, OverLimit
from synnefo.common.http.facade import authenticated, facade
from synnefo.common.http.rendering import nova, render
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.flavors.api.openstack import router as flavors
from synnefo.cyclades.keypairs.api.openstack import router as keypairs
from synnefo.cyclades.measured.api import router as measured
from synnefo.cyclades.openstack import compute_hosts, compute_usage, kit, microversions, quotas
from synnefo.cyclades.openstack.compute_hosts import ZONE
from synnefo.cyclades.servers.api.openstack import router as servers

_BORN = "2013-07-23T11:33:21Z"
_EXTENDED = "2014-12-03T00:00:00Z"
_EXTENSIONS = {
    "flavors": "Flavors",
    "flavor-extra-specs": "FlavorExtraSpecs",
    "ips": "Ips",
    "limits": "Limits",
    "os-attach-interfaces": "AttachInterfaces",
    "os-availability-zone": "AvailabilityZone",
    "os-console-output": "ConsoleOutput",
    "os-extended-availability-zone": "ExtendedAvailabilityZone",
    "os-extended-status": "ExtendedStatus",
    "os-extended-volumes": "ExtendedVolumes",
    "os-flavor-access": "FlavorAccess",
    "os-hosts": "Hosts",
    "os-hypervisors": "Hypervisors",
    "os-instance-actions": "InstanceActions",
    "os-keypairs": "Keypairs",
    "os-quota-class-sets": "QuotaClasses",
    "os-quota-sets": "Quotas",
    "os-remote-consoles": "Consoles",
    "os-rescue": "Rescue",
    "os-security-groups": "SecurityGroups",
    "os-server-diagnostics": "ServerDiagnostics",
    "os-server-groups": "ServerGroups",
    "os-server-password": "ServerPassword",
    "os-server-usage": "ServerUsage",
    "os-services": "Services",
    "os-shelve": "Shelve",
    "os-simple-tenant-usage": "SimpleTenantUsage",
    "os-suspend-server": "SuspendServer",
    "os-user-data": "UserData",
    "os-volume-attachments": "VolumeAttachments",
    "server-metadata": "ServerMetadata",
    "servers": "Servers",
}
#: What Nova's quotas are on; what else is counted here is Neutron's.
_QUOTAS = (
    "instances", "cores", "ram", "floating_ips", "key_pairs", "metadata_items", "security_groups",
    "security_group_rules", "server_groups", "server_group_members", "injected_files",
    "injected_file_content_bytes", "injected_file_path_bytes",
)  # fmt: skip
#: The microversion that left networks to Neutron, and what is no more counted there.
_NETWORKS_LEFT = 36
_OF_NETWORKS = ("floating_ips", "security_groups", "security_group_rules", "fixed_ips")
_OF_NETWORKS_USED = (
    "FloatingIps",
    "SecurityGroups",
    "SecurityGroupRules",
    "FloatingIpsUsed",
    "SecurityGroupsUsed",
)

router = Router()


@router.get("/limits")
def show_limits(request: HttpRequest) -> HttpResponse:
    caller = kit.caller_of(request)
    found = quotas.amounts_of(caller, caller.project)
    absolute = {
        "maxTotalInstances": found["instances"].limit,
        "maxTotalCores": found["cores"].limit,
        "maxTotalRAMSize": found["ram"].limit,
        "maxTotalFloatingIps": found["floating_ips"].limit,
        "maxTotalKeypairs": found["key_pairs"].limit,
        "maxServerMeta": found["metadata_items"].limit,
        "maxImageMeta": found["metadata_items"].limit,
        "maxPersonality": found["injected_files"].limit,
        "maxPersonalitySize": found["injected_file_content_bytes"].limit,
        "maxSecurityGroups": found["security_groups"].limit,
        "maxSecurityGroupRules": found["security_group_rules"].limit,
        "maxServerGroups": found["server_groups"].limit,
        "maxServerGroupMembers": found["server_group_members"].limit,
        "totalInstancesUsed": _taken(found["instances"]),
        "totalCoresUsed": _taken(found["cores"]),
        "totalRAMUsed": _taken(found["ram"]),
        "totalFloatingIpsUsed": _taken(found["floating_ips"]),
        "totalSecurityGroupsUsed": _taken(found["security_groups"]),
        "totalServerGroupsUsed": _taken(found["server_groups"]),
    }
    if microversions.spoken(request) >= _NETWORKS_LEFT:
        absolute = {name: value for name, value in absolute.items() if not name.endswith(_OF_NETWORKS_USED)}
    return kit.answer({"limits": {"rate": [], "absolute": absolute}})


@router.get("/os-quota-sets/{project_id}")
def show_quota(request: HttpRequest, project_id: str) -> HttpResponse:
    limits = {name: amount.limit for name, amount in _quota_of(request, project_id).items()}
    return kit.answer({"quota_set": {"id": project_id, **limits}})


@router.get("/os-quota-sets/{project_id}/defaults")
def show_default_quota(request: HttpRequest, project_id: str) -> HttpResponse:
    """What a project has is what was set for it: there are no defaults beside that."""
    return show_quota(request, project_id)


@router.get("/os-quota-sets/{project_id}/detail")
def show_quota_with_use(request: HttpRequest, project_id: str) -> HttpResponse:
    shown: dict[str, Any] = {"id": project_id}
    for name, amount in _quota_of(request, project_id).items():
        shown[name] = {"limit": amount.limit, "in_use": amount.used, "reserved": amount.reserved}
    return kit.answer({"quota_set": shown})


@router.get("/os-quota-class-sets/{class_name}")
def show_quota_class(request: HttpRequest, class_name: str) -> HttpResponse:
    """Every class is the same: the limits of the caller's project."""
    caller = kit.caller_of(request)
    if not caller.is_admin:
        raise Forbidden("Policy doesn't allow os_compute_api:os-quota-class-sets:show to be performed.")
    limits = {name: amount.limit for name, amount in _quota_of(request, caller.project).items()}
    return kit.answer({"quota_class_set": {"id": class_name, **limits}})


@router.put("/os-quota-class-sets/{class_name}")
def change_quota_class(request: HttpRequest, class_name: str) -> HttpResponse:
    raise Forbidden("Limits are those of projects: they are changed there.")


@router.get("/os-availability-zone")
def list_zones(request: HttpRequest) -> HttpResponse:
    return _zones(None)


@router.get("/os-availability-zone/detail")
def list_zones_with_hosts(request: HttpRequest) -> HttpResponse:
    """Engines are shown as hosts, to administrators."""
    if not kit.caller_of(request).is_admin:
        raise Forbidden("Policy doesn't allow os_compute_api:os-availability-zone:detail to be performed.")
    hosts = {}
    for row in Backend.objects.order_by("name"):
        hosts[row.name] = {
            "nova-compute": {
                "active": not row.drained,
                "available": not row.offline,
                "updated_at": kit.fine_stamp(row.updated),
            }
        }
    return _zones(hosts)


@router.get("/extensions")
def list_extensions(request: HttpRequest) -> HttpResponse:
    return kit.answer({"extensions": [_extension(alias) for alias in _EXTENSIONS]})


@router.get("/extensions/{alias}")
def show_extension(request: HttpRequest, alias: str) -> HttpResponse:
    if alias not in _EXTENSIONS:
        raise ItemNotFound(f"There is no extension {alias}.")
    return kit.answer({"extension": _extension(alias)})


def _authenticated(request: HttpRequest) -> Caller:
    """Who asks, and in which microversion; the request's id is told in a header of Nova's own, too."""
    request.answer_headers = {"X-Compute-Request-Id": request.id}  # type: ignore[attr-defined]
    microversions.negotiate(request)
    return _who(request)


_who = authenticated(Scope.PROJECT)
api = facade("compute", nova, auth=_authenticated, version="2.1")
for part in (flavors, keypairs, servers, measured, compute_hosts.router, compute_usage.router, router):
    api.add_router("/v2.1", part)


@api.get("/", auth=None)
def versions(request: HttpRequest) -> HttpResponse:
    return kit.answer({"versions": [_version(request)]})


@api.get("/v2.1", auth=None)
@api.get("/v2.1/", auth=None, url_name="version-with-slash")
def version(request: HttpRequest) -> HttpResponse:
    kinds = [{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}]
    return kit.answer({"version": {**_version(request), "media-types": kinds}})


@api.exception_handler(OverLimit)
def quota_exceeded(request: HttpRequest, fault: OverLimit) -> HttpResponse:
    """Nova answers 403 where quota does not allow a thing."""
    return render(request, Forbidden(f"Quota exceeded: {fault.message}"), nova)


def _quota_of(request: HttpRequest, project_id: str) -> dict[str, quotas.Amount]:
    found = quotas.amounts_of(kit.caller_of(request), project_id)
    shown = {**{name: found[name] for name in _QUOTAS}, "fixed_ips": quotas.Amount(quotas.UNLIMITED)}
    if microversions.spoken(request) >= _NETWORKS_LEFT:
        shown = {name: amount for name, amount in shown.items() if name not in _OF_NETWORKS}
    return shown


def _taken(amount: quotas.Amount) -> int:
    return amount.used + amount.reserved


def _zones(hosts: dict[str, Any] | None) -> HttpResponse:
    available = Backend.objects.filter(offline=False, drained=False).exists()
    zone = {"zoneName": ZONE, "zoneState": {"available": available}, "hosts": hosts}
    return kit.answer({"availabilityZoneInfo": [zone]})


def _extension(alias: str) -> dict[str, Any]:
    about = {"alias": alias, "name": _EXTENSIONS[alias], "updated": _EXTENDED}
    return {**about, "description": "", "namespace": "", "links": []}


def _version(request: HttpRequest) -> dict[str, Any]:
    return {
        "id": "v2.1",
        "status": "CURRENT",
        "version": f"2.{microversions.MOST}",
        "min_version": f"2.{microversions.LEAST}",
        "updated": _BORN,
        "links": [{"rel": "self", "href": kit.address(request, "compute/v2.1/")}],
    }
