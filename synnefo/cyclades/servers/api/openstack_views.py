"""How compute v2.1 shows servers: exactly Nova's keys, for one or for a thousand."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

from synnefo.cyclades.flavors.api.openstack import links_of as flavor_links
from synnefo.cyclades.networks.api.openstack_ports import fixed_ip_view
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.servers.api.openstack_bodies import DISK_CONFIG, GROUP, ZONE
from synnefo.cyclades.servers.models import Server
from synnefo.engine.models import Operation

Oper, Task = Server.Oper, Server.Task

_STATUS = {
    Oper.BUILD: "BUILD",
    Oper.STARTED: "ACTIVE",
    Oper.STOPPED: "SHUTOFF",
    Oper.ERROR: "ERROR",
    Oper.DESTROYED: "DELETED",
}
_VM_STATE = {
    Oper.BUILD: "building",
    Oper.STARTED: "active",
    Oper.STOPPED: "stopped",
    Oper.ERROR: "error",
    Oper.DESTROYED: "deleted",
}
_TASK_STATE = {
    Task.NONE: None,
    Task.BUILD: "spawning",
    Task.START: "powering-on",
    Task.STOP: "powering-off",
    Task.REBOOT: "rebooting",
    Task.DESTROY: "deleting",
}
_NO_STATE, _RUNNING, _SHUTDOWN = 0, 1, 4
_POWER_STATE = {Oper.STARTED: _RUNNING, Oper.STOPPED: _SHUTDOWN}
_WITH_PROGRESS = ("ACTIVE", "BUILD")
_WITH_FAULT = ("ERROR", "DELETED")
_ACTIONS = {"restore": "start"}


def brief_of(server: Server, compute_url: str) -> dict[str, Any]:
    return {"id": server.uuid, "name": server.name, "links": links_of(server.uuid, compute_url)}


def details_of(server: Server, compute_url: str) -> dict[str, Any]:
    """All that Nova 2.1 shows of a server; rows come from ``servers_for``, which fetches what is needed."""
    status = status_of(server)
    shown = {
        **brief_of(server, compute_url),
        "status": status,
        "tenant_id": server.project,
        "user_id": server.userid,
        "metadata": metadata_of(server),
        "hostId": _host_id(server.project, server.backend_id) if server.backend_id else "",
        "image": {
            "id": server.image,
            "links": [{"rel": "bookmark", "href": f"{compute_url}/images/{server.image}"}],
        },
        "flavor": {"id": server.flavor.uuid, "links": flavor_links(server.flavor.uuid, compute_url)[1:]},
        "created": kit.stamp(server.created),
        "updated": kit.stamp(server.updated),
        "addresses": addresses_of(server),
        "accessIPv4": "",
        "accessIPv6": "",
        "OS-DCF:diskConfig": DISK_CONFIG,
        "OS-EXT-AZ:availability_zone": ZONE if server.backend_id else "",
        "OS-EXT-STS:vm_state": _VM_STATE[Oper(server.operstate)],
        "OS-EXT-STS:task_state": _TASK_STATE[Task(server.task)],
        "OS-EXT-STS:power_state": _POWER_STATE.get(Oper(server.operstate), _NO_STATE),
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
    return "REBOOT" if rebooting else _STATUS[Oper(server.operstate)]


def metadata_of(server: Server) -> dict[str, str]:
    return {row.key: row.value for row in server.metadata.all()}


def addresses_of(server: Server, *, kinds: bool = True) -> dict[str, list[dict[str, Any]]]:
    """By the network's name: the fixed address of each card, then the floating ones that lead to it."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for port in server.ports.all():
        found = shown.setdefault(port.network.name, [])
        found += [_address(ip.address, "fixed", port, kinds) for ip in port.addresses.all()]
        found += [_address(ip.address, "floating", port, kinds) for ip in port.floating_ips.all()]
    return shown


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


def _address(text: str, kind: str, port: Port, kinds: bool) -> dict[str, Any]:
    if not kinds:
        return {"version": 4, "addr": text}
    return {"version": 4, "addr": text, "OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": port.mac}


@functools.lru_cache(maxsize=4096)
def _host_id(project: str, backend_id: int) -> str:
    """The same for two servers of a project on one host, without saying which host."""
    return hashlib.sha224(f"{project}{backend_id}".encode()).hexdigest()
