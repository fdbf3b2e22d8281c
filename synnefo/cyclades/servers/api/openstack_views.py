"""How compute v2.1 shows servers: exactly Nova's keys, for one or for a thousand."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import Any

from synnefo.cyclades.flavors.api.openstack import links_of as flavor_links
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.networks.api.openstack_ports import fixed_ip_view
from synnefo.cyclades.networks.models import IPAddress, Port
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.servers.api.openstack_bodies import DISK_CONFIG, GROUP, ZONE
from synnefo.cyclades.servers.models import Server, ServerMetadata
from synnefo.engine.models import Operation

Addresses = dict[str, list[dict[str, Any]]]
Oper, Task = Server.Oper, Server.Task

_STATUS: dict[str, str] = {
    Oper.BUILD: "BUILD",
    Oper.STARTED: "ACTIVE",
    Oper.STOPPED: "SHUTOFF",
    Oper.ERROR: "ERROR",
    Oper.DESTROYED: "DELETED",
}
_VM_STATE: dict[str, str] = {
    Oper.BUILD: "building",
    Oper.STARTED: "active",
    Oper.STOPPED: "stopped",
    Oper.ERROR: "error",
    Oper.DESTROYED: "deleted",
}
_TASK_STATE: dict[str, str | None] = {
    Task.NONE: None,
    Task.BUILD: "spawning",
    Task.START: "powering-on",
    Task.STOP: "powering-off",
    Task.REBOOT: "rebooting",
    Task.DESTROY: "deleting",
    Task.CONNECT: None,  # Nova has no word for it
    Task.DISCONNECT: None,
}
_NO_STATE, _RUNNING, _SHUTDOWN = 0, 1, 4
_POWER_STATE: dict[str, int] = {Oper.STARTED: _RUNNING, Oper.STOPPED: _SHUTDOWN}
_WITH_PROGRESS = ("ACTIVE", "BUILD")
_WITH_FAULT = ("ERROR", "DELETED")
_EXTENDED = {
    "OS-EXT-AZ:availability_zone", "OS-EXT-STS:vm_state", "OS-EXT-STS:task_state", "OS-EXT-STS:power_state",
    "OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at", "config_drive", "key_name",
    "os-extended-volumes:volumes_attached", "security_groups",
}  # fmt: skip
_ACTIONS = {"restore": "start"}


def brief_of(server: Server, compute_url: str) -> dict[str, Any]:
    return {"id": server.uuid, "name": server.name, "links": links_of(server.uuid, compute_url)}


def details_of(servers: Sequence[Server], compute_url: str) -> list[dict[str, Any]]:
    """All that Nova 2.1 shows of servers, in four queries for any number of them.

    What belongs to a server is read as plain rows: objects for each card and address of a thousand
    servers would take longer than everything else together.
    """
    keys = [server.pk for server in servers]
    flavors = {row.pk: row.openstack_id for row in Flavor.objects.filter(servers__in=keys)}
    metadata, addresses = _metadata_of(keys), _addresses_of(keys)
    shown = []
    for server in servers:
        row = _own_details(server, compute_url)
        flavor = flavors[server.flavor_id]
        row["flavor"] = {"id": flavor, "links": flavor_links(flavor, compute_url)[1:]}
        row["metadata"] = metadata.get(server.pk, {})
        row["addresses"] = addresses.get(server.pk, {})
        shown.append(row)
    return shown


def core_of(details: dict[str, Any]) -> dict[str, Any]:
    """Details without what Nova's extensions add: its answer to a change."""
    core = {key: value for key, value in details.items() if key not in _EXTENDED}
    return {**core, "addresses": {network: plain(rows) for network, rows in core["addresses"].items()}}


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Addresses without what extensions add."""
    return [{"version": row["version"], "addr": row["addr"]} for row in rows]


def addresses_of(server: Server) -> Addresses:
    """By the network's name: the fixed address of each card, then the floating ones that lead to it."""
    return _addresses_of([server.pk]).get(server.pk, {})


def metadata_of(server: Server) -> dict[str, str]:
    return _metadata_of([server.pk]).get(server.pk, {})


def _own_details(server: Server, compute_url: str) -> dict[str, Any]:
    """What the server's own row says."""
    status, oper = status_of(server), server.operstate
    shown = {
        **brief_of(server, compute_url),
        "status": status,
        "tenant_id": server.project,
        "user_id": server.userid,
        "hostId": _host_id(server.project, server.backend_id) if server.backend_id else "",
        "image": {
            "id": server.image,
            "links": [{"rel": "bookmark", "href": f"{compute_url}/images/{server.image}"}],
        },
        "created": kit.stamp(server.created),
        "updated": kit.stamp(server.updated),
        "accessIPv4": "",
        "accessIPv6": "",
        "OS-DCF:diskConfig": DISK_CONFIG,
        "OS-EXT-AZ:availability_zone": ZONE if server.backend_id else "",
        "OS-EXT-STS:vm_state": _VM_STATE[oper],
        "OS-EXT-STS:task_state": _TASK_STATE[server.task],
        "OS-EXT-STS:power_state": _POWER_STATE.get(oper, _NO_STATE),
        "OS-SRV-USG:launched_at": kit.fine_stamp(server.launched_at),
        "OS-SRV-USG:terminated_at": kit.fine_stamp(server.deleted_at),
        "config_drive": "",
        "key_name": server.key_name or None,
        "os-extended-volumes:volumes_attached": [],
        "security_groups": [{"name": GROUP}],
    }
    if status in _WITH_PROGRESS:
        shown["progress"] = 100 if status == "ACTIVE" else 0
    if status in _WITH_FAULT and server.fault:
        shown["fault"] = {"code": 500, "created": kit.stamp(server.updated), "message": server.fault}
    return shown


def status_of(server: Server) -> str:
    rebooting = server.task == Task.REBOOT and server.operstate in (Oper.STARTED, Oper.STOPPED)
    return "REBOOT" if rebooting else _STATUS[server.operstate]


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
    return {"version": 4, "addr": text, "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": mac}


@functools.lru_cache(maxsize=4096)
def _host_id(project: str, backend_id: int) -> str:
    """The same for two servers of a project on one host, without saying which host."""
    return hashlib.sha224(f"{project}{backend_id}".encode()).hexdigest()
