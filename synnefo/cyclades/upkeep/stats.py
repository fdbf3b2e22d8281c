"""Figures about the whole cloud, in the shapes of 0.21: a public count, and what operators look at."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from synnefo.common.units import GIB, MIB
from synnefo.cyclades.backends.base import Node
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.networks.models import IPAddress, Network, Subnet
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.volume_types.models import VolumeType

_GONE = (Server.Oper.STOPPED, Server.Oper.ERROR)
#: The parts of ``detail``, as the command's options call them.
PARTS = ("clusters", "servers", "ip_pools", "networks", "images")


def states() -> dict[str, Any]:
    """How many servers there are in each state and how large they are, and how many networks."""
    servers = _sums(Server.objects.filter(deleted=False), "operstate")
    networks = Network.objects.filter(deleted=False).order_by().values("state").annotate(count=Count("pk"))
    return {"servers": servers, "networks": {row["state"]: {"count": row["count"]} for row in networks}}


def simple() -> dict[str, int]:
    """What a front page may boast of."""
    live = Server.objects.filter(deleted=False).exclude(operstate=Server.Oper.ERROR)
    return {
        "spawned_servers": Server.objects.exclude(operstate=Server.Oper.ERROR).count(),
        "active_servers": live.count(),
        "spawned_networks": Network.objects.exclude(state=Network.State.ERROR).count(),
    }


def detail(backend: Backend | None = None) -> dict[str, Any]:
    """Everything; of servers and images only those on the engine, if one is given."""
    servers = Server.objects.filter(deleted=False).select_related("flavor__volume_type")
    if backend is not None:
        servers = servers.filter(backend=backend)
    return {
        "datetime": timezone.now().ctime(),
        "clusters": _clusters(backend),
        "servers": _servers(servers),
        "ip_pools": _ip_pools(),
        "networks": _networks(),
        "images": _images(servers),
    }


def _clusters(backend: Backend | None) -> dict[str, Any]:
    rows = Backend.objects.order_by("pk")
    sums = _sums(Server.objects.filter(deleted=False), "backend")
    nothing = dict.fromkeys(("count", "cpu", "ram", "disk"), 0)
    return {
        row.name: _cluster(row, sums.get(row.pk, nothing))
        for row in (rows if backend is None else rows.filter(pk=backend.pk))
    }


def _sums(servers: QuerySet[Server], field: str) -> dict[Any, dict[str, int]]:
    """How many there are, and how large they are together, by a field."""
    rows: Any = servers.order_by().values(field)
    found = rows.annotate(
        count=Count("pk"), cpu=Sum("flavor__cpu"), ram=Sum("flavor__ram"), disk=Sum("flavor__disk")
    )
    return {row.pop(field): row for row in found}


def _cluster(row: Backend, used: dict[str, int]) -> dict[str, Any]:
    return {
        "drained": row.drained,
        "offline": row.offline,
        "hypervisor": row.options.get("hypervisor", "kvm"),
        "disk_templates": row.options.get("volume_types") or [row.kind],
        "virtual_servers": used["count"],
        "virtual_cpu": used["cpu"],
        "virtual_ram": used["ram"] * MIB,
        "virtual_disk": used["disk"] * GIB,
        "nodes": {node.name: _node(node) for node in _nodes(row)},
    }


def _nodes(row: Backend) -> list[Node]:
    """Its machines; an engine that does not tell of them is told of as one."""
    whole = Node(
        name=row.name,
        vcpus=row.vcpus,
        ram_total_mib=row.ram_total_mib,
        ram_free_mib=row.ram_free_mib,
        disk_total_mib=row.disk_total_gib * 1024,
        disk_free_mib=row.disk_free_gib * 1024,
        instances=row.instances,
        drained=row.drained,
        offline=row.offline,
    )
    return [Node(**node) for node in row.nodes] or [whole]


def _node(node: Node) -> dict[str, Any]:
    return {
        "cpu": node.vcpus,
        "ram": {"total": node.ram_total_mib * MIB, "free": node.ram_free_mib * MIB},
        "disk": {"total": node.disk_total_mib * MIB, "free": node.disk_free_mib * MIB},
        "drained": node.drained,
        "offline": node.offline,
        "vm_capable": node.vm_capable,
        "instances": node.instances,
    }


def _servers(servers: QuerySet[Server]) -> dict[str, Any]:
    """How many have so many processors, and so on; keys are texts, as JSON has them."""
    groups = {
        "started": servers.exclude(operstate__in=_GONE),
        "stopped": servers.filter(operstate=Server.Oper.STOPPED),
        "error": servers.filter(operstate=Server.Oper.ERROR),
    }
    return {name: _histograms(rows) for name, rows in groups.items()}


def _histograms(servers: QuerySet[Server]) -> dict[str, Any]:
    cpu: Counter[str] = Counter()
    ram: Counter[str] = Counter()
    templates = VolumeType.objects.order_by("pk").values_list("disk_template", flat=True)
    disk: dict[str, Counter[str]] = defaultdict(Counter, {name: Counter() for name in templates})
    sizes = servers.order_by().values_list(
        "flavor__cpu", "flavor__ram", "flavor__disk", "flavor__volume_type__disk_template"
    )
    for cpus, ram_mib, disk_gib, template in sizes:
        cpu[str(cpus)] += 1
        ram[str(ram_mib * MIB)] += 1
        disk[template][str(disk_gib * GIB)] += 1
    return {
        "count": servers.count(),
        "cpu": dict(cpu),
        "ram": dict(ram),
        "disk": {name: dict(found) for name, found in disk.items()},
    }


def _ip_pools() -> dict[str, Any]:
    """Pools of floating IPs: how many networks, addresses in all, and free ones."""
    pools = Network.objects.filter(floating_ip_pool=True, deleted=False)
    return {
        name: _pool(pools.filter(drained=drained)) for name, drained in (("active", False), ("drained", True))
    }


def _pool(networks: QuerySet[Network]) -> dict[str, int]:
    ranges = Subnet.objects.filter(network__in=networks, deleted=False, ip_version=4).values_list(
        "pools", flat=True
    )
    total = sum(last - first + 1 for pools in ranges for first, last in pools)
    used = IPAddress.objects.filter(network__in=networks, ip_version=4).count()
    return {"count": networks.count(), "total": total, "free": max(0, total - used)}


def _networks() -> dict[str, Any]:
    error = Q(state=Network.State.ERROR)
    counted: dict[str, Any] = {
        row["kind"]: row
        for row in Network.objects.filter(deleted=False)
        .order_by()
        .values("kind")
        .annotate(active=Count("pk", filter=~error), error=Count("pk", filter=error))
    }
    return {
        kind: {state: counted.get(kind, {}).get(state, 0) for state in ("active", "error")}
        for kind in Network.Kind.values
    }


def _images(servers: QuerySet[Server]) -> dict[str, int]:
    """Servers by what they were made of: whose image, its family, its system."""
    clouds = Image.objects.filter(uuid=OuterRef("image"), userid="")
    rows = servers.order_by().annotate(of_the_cloud=Exists(clouds)).values("of_the_cloud", "osfamily", "os")
    found = {}
    for row in rows.annotate(count=Count("pk")):
        owner = "system" if row["of_the_cloud"] else "user"
        found[f"{owner}:{row['osfamily'] or 'unknown'}:{row['os'] or 'unknown'}"] = row["count"]
    return found
