"""How compute v2.1 shows servers: exactly Nova's keys, for one or for a thousand."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import Any

from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.flavors.api.openstack import links_of as flavor_links
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.networks.api.openstack_ports import fixed_ip_view
from synnefo.cyclades.networks.models import IPAddress, Port, SecurityGroup, SecurityRule
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.openstack.microversions import LEAST
from synnefo.cyclades.servers.api import openstack_newer as newer
from synnefo.cyclades.servers.api.openstack_bodies import ZONE
from synnefo.cyclades.servers.models import Server, ServerMetadata
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine.models import Operation

Addresses = dict[str, list[dict[str, Any]]]
Oper, Task = Server.Oper, Server.Task

#: Being built, broken or gone is told before what is being done.
NOT_WORKING = (Oper.BUILD, Oper.ERROR, Oper.DESTROYED)
#: By state: the status, and Nova's vm_state.
_STATES: dict[str, tuple[str, str]] = {
    Oper.BUILD: ("BUILD", "building"),
    Oper.STARTED: ("ACTIVE", "active"),
    Oper.STOPPED: ("SHUTOFF", "stopped"),
    Oper.PAUSED: ("PAUSED", "paused"),
    Oper.SUSPENDED: ("SUSPENDED", "suspended"),
    Oper.SHELVED: ("SHELVED_OFFLOADED", "shelved_offloaded"),
    Oper.RESIZED: ("VERIFY_RESIZE", "resized"),
    Oper.ERROR: ("ERROR", "error"),
    Oper.DESTROYED: ("DELETED", "deleted"),
}
VM_STATES = {oper: words[1] for oper, words in _STATES.items()}
#: What is being done to a server that works is told as its status, too.
BUSY_STATUS: dict[str, str] = {
    Task.REBOOT: "REBOOT",
    Task.RESIZE: "RESIZE",
    Task.REVERT: "REVERT_RESIZE",
    Task.REBUILD: "REBUILD",
    Task.PASSWORD: "PASSWORD",
}
#: Nova has no words for what happens to cards and volumes of a server.
_TASK_STATE: dict[str, str] = {
    Task.BUILD: "spawning",
    Task.START: "powering-on",
    Task.STOP: "powering-off",
    Task.REBOOT: "rebooting",
    Task.DESTROY: "deleting",
    Task.RESIZE: "resize_migrating",
    Task.REVERT: "resize_reverting",
    Task.REBUILD: "rebuilding",
    Task.RESCUE: "rescuing",
    Task.UNRESCUE: "unrescuing",
    Task.PAUSE: "pausing",
    Task.UNPAUSE: "unpausing",
    Task.SUSPEND: "suspending",
    Task.RESUME: "resuming",
    Task.SHELVE: "shelving",
    Task.UNSHELVE: "unshelving",
    Task.SNAPSHOT: "image_snapshot",
    Task.IMAGE: "image_snapshot",
    Task.PASSWORD: "updating_password",
}
_NO_STATE, _RUNNING, _PAUSED, _SHUTDOWN = 0, 1, 3, 4
_POWER_STATE: dict[str, int] = {
    Oper.STARTED: _RUNNING,
    Oper.RESIZED: _RUNNING,
    Oper.PAUSED: _PAUSED,
    Oper.STOPPED: _SHUTDOWN,
    Oper.SUSPENDED: _SHUTDOWN,
    Oper.SHELVED: _SHUTDOWN,
}
_WITH_PROGRESS = ("ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE")
_WITH_FAULT = ("ERROR", "DELETED")
_EXTENDED = {
    "OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:hypervisor_hostname", "OS-EXT-SRV-ATTR:instance_name",
    "OS-EXT-AZ:availability_zone", "OS-EXT-STS:vm_state", "OS-EXT-STS:task_state", "OS-EXT-STS:power_state",
    "OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at", "config_drive", "key_name",
    "os-extended-volumes:volumes_attached", "security_groups",
}  # fmt: skip
#: Nova's words for what operations are called otherwise here.
_ACTIONS = {
    "restore": "start", "attach-volume": "attach_volume", "detach-volume": "detach_volume",
    "plug": "attach_interface", "unplug": "detach_interface", "confirm-resize": "confirmResize",
    "revert-resize": "revertResize", "password": "changePassword",
}  # fmt: skip
_HOST_KEYS = ("OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:hypervisor_hostname")


def brief_of(server: Server, compute_url: str) -> dict[str, Any]:
    return {"id": server.uuid, "name": server.name, "links": links_of(server.uuid, compute_url)}


def details_of(
    servers: Sequence[Server], compute_url: str, *, for_admin: bool = False, spoken: int = LEAST
) -> list[dict[str, Any]]:
    """All that Nova shows of servers in a microversion, in as many queries for a thousand as for one.

    Administrators are also told on which engine they are.

    What belongs to a server is read as plain rows: objects for each card and address of a thousand
    servers would take longer than everything else together.
    """
    keys = [server.pk for server in servers]
    flavors = {row.pk: row.openstack_id for row in Flavor.objects.filter(servers__in=keys)}
    metadata, addresses = _metadata_of(keys), _addresses_of(keys)
    groups, volumes = _groups_of(keys), _volumes_of(keys)
    hosts = dict(Backend.objects.values_list("pk", "name")) if for_admin else None
    shown = []
    for server in servers:
        row = _own_details(server, compute_url)
        flavor = flavors[server.flavor_id]
        row["flavor"] = {"id": flavor, "links": flavor_links(flavor, compute_url)[1:]}
        row["metadata"] = metadata.get(server.pk, {})
        row["addresses"] = addresses.get(server.pk, {})
        row["os-extended-volumes:volumes_attached"] = [
            {"id": uuid, **({"delete_on_termination": goes} if spoken >= newer.ATTRIBUTES else {})}
            for uuid, index, goes in volumes.get(server.pk, ())
            if is_told(server, index)
        ]
        if server.pk in groups:
            row["security_groups"] = [{"name": name} for name in groups[server.pk]]
        if hosts is not None:
            row["OS-EXT-SRV-ATTR:instance_name"] = server.engine_name
            row.update(dict.fromkeys(_HOST_KEYS, hosts.get(server.backend_id or 0)))
        shown.append(row)
    newer.tell(servers, shown, spoken, for_admin=for_admin)
    return shown


def core_of(details: dict[str, Any]) -> dict[str, Any]:
    """Details without what Nova's extensions add: its answer to a change."""
    extended = _EXTENDED | newer.EXTENDED
    core = {key: value for key, value in details.items() if key not in extended}
    return {**core, "addresses": {network: plain(rows) for network, rows in core["addresses"].items()}}


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Addresses without what extensions add."""
    return [{"version": row["version"], "addr": row["addr"]} for row in rows]


def addresses_of(server: Server) -> Addresses:
    """By the network's name: the fixed address of each card, then the floating ones that lead to it."""
    return _addresses_of([server.pk]).get(server.pk, {})


def metadata_of(server: Server) -> dict[str, str]:
    return _metadata_of([server.pk]).get(server.pk, {})


def _image_of(server: Server, compute_url: str) -> dict[str, Any] | str:
    """Empty for a server that boots from a volume."""
    if not server.image:
        return ""
    links = [{"rel": "bookmark", "href": f"{compute_url}/images/{server.image}"}]
    return {"id": server.image, "links": links}


def _groups_of(keys: Sequence[int]) -> dict[int, list[str]]:
    """The names of the security groups of each server's cards."""
    found: dict[int, list[str]] = {}
    rows = Port.security_groups.through.objects.filter(port__server__in=keys)
    for server, name in sorted(set(rows.values_list("port__server_id", "securitygroup__name"))):
        found.setdefault(server, []).append(name)
    return found


def _volumes_of(keys: Sequence[int]) -> dict[int, list[tuple[str, int | None, bool]]]:
    """Uuid and place of each server's volumes, and whether they go with it."""
    found: dict[int, list[tuple[str, int | None, bool]]] = {}
    rows = Volume.objects.filter(server__in=keys, deleted=False).order_by("index", "id")
    for server, uuid, index, goes in rows.values_list("server_id", "uuid", "index", "delete_on_termination"):
        found.setdefault(server, []).append((uuid, index, goes))
    return found


def _own_details(server: Server, compute_url: str) -> dict[str, Any]:
    """What the server's own row says."""
    status, oper = status_of(server), server.operstate
    shown = {
        **brief_of(server, compute_url),
        "status": status,
        "tenant_id": server.project,
        "user_id": server.userid,
        "hostId": _host_id(server.project, server.backend_id) if server.backend_id else "",
        "image": _image_of(server, compute_url),
        "created": kit.stamp(server.created),
        "updated": kit.stamp(server.updated),
        "accessIPv4": server.access_ipv4,
        "accessIPv6": server.access_ipv6,
        "OS-DCF:diskConfig": server.disk_config,
        "OS-EXT-AZ:availability_zone": ZONE if server.backend_id else "",
        "OS-EXT-STS:vm_state": "rescued" if rescued(server) else VM_STATES[oper],
        "OS-EXT-STS:task_state": _TASK_STATE.get(server.task),
        "OS-EXT-STS:power_state": _POWER_STATE.get(oper, _NO_STATE),
        "OS-SRV-USG:launched_at": kit.fine_stamp(server.launched_at),
        "OS-SRV-USG:terminated_at": kit.fine_stamp(server.deleted_at),
        "config_drive": "True" if server.config_drive else "",
        "key_name": server.key_name or None,
    }
    if status in _WITH_PROGRESS:
        shown["progress"] = 100 if status == "ACTIVE" else 0
    if status in _WITH_FAULT and server.fault:
        shown["fault"] = {"code": 500, "created": kit.stamp(server.updated), "message": server.fault}
    return shown


def status_of(server: Server) -> str:
    if server.operstate not in NOT_WORKING and server.task in BUSY_STATUS:
        return BUSY_STATUS[server.task]
    return "RESCUE" if rescued(server) else _STATES[server.operstate][0]


def rescued(server: Server) -> bool:
    """Whether Nova would say so: one that is off is off."""
    return server.rescue and server.operstate == Oper.STARTED


def is_told(server: Server, index: int | None) -> bool:
    """Whether a volume is told of: the disk that is a copy of the server's image is no volume for Nova."""
    return bool(index) or not server.image


def attached(server: Server) -> list[Volume]:
    """The server's volumes, in their order."""
    rows = server.volumes.filter(deleted=False).order_by("index", "id")
    return [volume for volume in rows if is_told(server, volume.index)]


def attachment_of(server: Server, volume: Volume) -> dict[str, Any]:
    """``device`` is what most guests call a disk of its place."""
    return {
        "id": volume.uuid,
        "volumeId": volume.uuid,
        "serverId": server.uuid,
        "device": f"/dev/vd{chr(ord('a') + (volume.index or 0) % 26)}",
    }


def security_group_of(group: SecurityGroup) -> dict[str, Any]:
    """A group as Nova tells it: only what it lets in, with -1 for all."""
    return {
        "id": group.uuid,
        "name": group.name,
        "description": group.description,
        "tenant_id": group.project,
        "rules": [_rule_of(group, rule) for rule in group.rules.all() if rule.direction == "ingress"],
    }


def _rule_of(group: SecurityGroup, rule: SecurityRule) -> dict[str, Any]:
    peer = rule.remote_group
    anywhere = "0.0.0.0/0" if rule.ethertype == "IPv4" else "::/0"
    return {
        "id": rule.uuid,
        "parent_group_id": group.uuid,
        "ip_protocol": rule.protocol or None,
        "from_port": rule.port_min if rule.protocol else None,
        "to_port": rule.port_max if rule.protocol else None,
        "group": {"name": peer.name, "tenant_id": peer.project} if peer else {},
        "ip_range": {} if peer else {"cidr": rule.remote_cidr or anywhere},
    }


def interface_of(port: Port) -> dict[str, Any]:
    return {
        "port_id": port.uuid,
        "net_id": port.network.uuid,
        "mac_addr": port.mac,
        "port_state": port.state,
        "fixed_ips": [fixed_ip_view(ip) for ip in port.addresses.all()],
    }


def action_of(server: Server, operation: Operation) -> dict[str, Any]:
    verb = operation.kind.partition(".")[2]
    return {
        "action": _ACTIONS.get(verb, verb),
        "instance_uuid": server.uuid,
        "request_id": operation.request_id,
        "user_id": operation.actor,
        "project_id": operation.project,
        "start_time": kit.fine_stamp(operation.created),
        "message": "Error" if operation.error else None,
    }


def events_of(operation: Operation) -> list[dict[str, Any]]:
    """What was done for an action: one event, with the outcome where there is one."""
    result = {Operation.State.SUCCEEDED: "Success", Operation.State.FAILED: "Error"}
    return [
        {
            "event": operation.kind,
            "start_time": kit.fine_stamp(operation.created),
            "finish_time": kit.fine_stamp(operation.finished),
            "result": result.get(Operation.State(operation.state)),
            "traceback": None,
        }
    ]


def links_of(uuid: str, compute_url: str) -> list[dict[str, str]]:
    return [
        {"rel": "self", "href": f"{compute_url}/v2.1/servers/{uuid}"},
        {"rel": "bookmark", "href": f"{compute_url}/servers/{uuid}"},
    ]


def _metadata_of(keys: Sequence[int]) -> dict[int, dict[str, str]]:
    """By server; keys in the order in which they were set."""
    found: dict[int, dict[str, str]] = {}
    rows = ServerMetadata.objects.filter(server__in=keys).order_by("id")
    for server, key, value in rows.values_list("server_id", "key", "value"):
        found.setdefault(server, {})[key] = value
    return found


def _addresses_of(keys: Sequence[int]) -> dict[int, Addresses]:
    """By server."""
    floating: dict[int, list[str]] = {}
    leads = IPAddress.objects.filter(nat_port__server__in=keys).order_by("id")
    for port, address in leads.values_list("nat_port_id", "address"):
        floating.setdefault(port, []).append(address)
    found: dict[int, Addresses] = {}
    cards = Port.objects.filter(server__in=keys).order_by("index", "id")
    for server, port, mac, network, address in cards.values_list(
        "server_id", "id", "mac", "network__name", "addresses__address"
    ):
        shown = found.setdefault(server, {}).setdefault(network, [])
        if address is not None:
            shown.append(_address(address, "fixed", mac))
        shown += [_address(outer, "floating", mac) for outer in floating.get(port, ())]
    return found


def _address(text: str, kind: str, mac: str) -> dict[str, Any]:
    version = 6 if ":" in text else 4
    return {"version": version, "addr": text, "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": mac}


@functools.lru_cache(maxsize=4096)
def _host_id(project: str, backend_id: int) -> str:
    """The same for two servers of a project on one host, without saying which host."""
    return hashlib.sha224(f"{project}{backend_id}".encode()).hexdigest()
