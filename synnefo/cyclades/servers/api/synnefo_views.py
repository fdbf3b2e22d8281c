"""How Synnefo's compute v2.0 shows servers, for one or for a thousand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from synnefo.cyclades.flavors.api.synnefo import url_of as flavor_url
from synnefo.cyclades.images.api.synnefo import links_of as image_links
from synnefo.cyclades.networks.models import IPAddress, Port
from synnefo.cyclades.servers import diagnostics
from synnefo.cyclades.servers.models import Server, ServerMetadata, ServerTag
from synnefo.cyclades.synnefo_api import kit
from synnefo.cyclades.volumes.models import Volume

Oper, Task = Server.Oper, Server.Task
Row = dict[str, Any]

_STATUS: dict[str, str] = {
    Oper.BUILD: "BUILD",
    Oper.STARTED: "ACTIVE",
    Oper.STOPPED: "STOPPED",
    Oper.PAUSED: "PAUSED",
    Oper.SUSPENDED: "SUSPENDED",
    Oper.SHELVED: "SHELVED",
    Oper.RESIZED: "VERIFY_RESIZE",
    Oper.ERROR: "ERROR",
    Oper.DESTROYED: "DELETED",
}
_TASK_STATE: dict[str, str] = {
    Task.NONE: "",
    Task.BUILD: "BUILDING",
    Task.START: "STARTING",
    Task.STOP: "STOPPING",
    Task.REBOOT: "REBOOTING",
    Task.DESTROY: "DESTROYING",
    Task.CONNECT: "CONNECTING",
    Task.DISCONNECT: "DISCONNECTING",
    Task.RESIZE: "RESIZING",
    Task.REVERT: "REVERTING",
    Task.REBUILD: "REBUILDING",
    Task.RESCUE: "RESCUING",
    Task.UNRESCUE: "UNRESCUING",
    Task.PAUSE: "PAUSING",
    Task.UNPAUSE: "UNPAUSING",
    Task.SUSPEND: "SUSPENDING",
    Task.RESUME: "RESUMING",
    Task.SHELVE: "SHELVING",
    Task.UNSHELVE: "UNSHELVING",
    Task.ATTACH_VOLUME: "ATTACHING_VOLUME",
    Task.DETACH_VOLUME: "DETACHING_VOLUME",
    Task.DELETE_VOLUME: "DELETING_VOLUME",
    Task.MODIFY_VOLUME: "MODIFYING_VOLUME",
    Task.PASSWORD: "CHANGING_PASSWORD",
}


def brief_of(request: HttpRequest, server: Server) -> Row:
    url = kit.address(request, f"compute/v2.0/servers/{server.pk}")
    return {"id": server.pk, "name": server.name, "links": kit.links(url)}


def details_of(request: HttpRequest, servers: Sequence[Server]) -> list[Row]:
    """All that is shown of servers, in seven queries for any number of them."""
    keys = [server.pk for server in servers]
    metadata, cards, told = _metadata_of(keys), _cards_of(keys), diagnostics_of(keys)
    tags, volumes = _tags_of(keys), _volumes_of(keys)
    shown = []
    for server in servers:
        row = _own_details(request, server)
        row |= _nothing() | cards.get(server.pk, {})
        row["metadata"] = metadata.get(server.pk, {})
        row["tags"] = tags.get(server.pk, [])
        row["volumes"] = volumes.get(server.pk, [])
        row["diagnostics"] = told.get(server.pk, [])[:1]
        row["SNF:port_forwarding"] = _forwarded(server, row)
        shown.append(row)
    return shown


def addresses_of(server: Server) -> Row:
    """``addresses`` by network, floating ones under the network they come from, and ``attachments``."""
    return _cards_of([server.pk]).get(server.pk) or _nothing()


def metadata_of(server: Server) -> dict[str, str]:
    return _metadata_of([server.pk]).get(server.pk, {})


def diagnostics_of(keys: Sequence[int]) -> dict[int, list[Row]]:
    """By server, newest first: what went wrong."""
    found: dict[int, list[Row]] = {}
    for row in diagnostics.of_servers(list(keys)):
        found.setdefault(row.server_id, []).append(
            {
                "source": row.source,
                **({"source_date": kit.stamp(row.source_date)} if row.source_date else {}),
                "created": kit.stamp(row.created),
                "message": row.message,
                "details": row.details,
                "level": row.level,
            }
        )
    return found


def status_of(server: Server) -> str:
    if server.deleted:
        return "DELETED"
    if server.operstate == Oper.STARTED and server.task == Task.REBOOT:
        return "REBOOT"
    return _STATUS[server.operstate]


def _own_details(request: HttpRequest, server: Server) -> Row:
    """What the server's own row says."""
    status = status_of(server)
    return {
        **brief_of(request, server),
        "user_id": server.userid,
        "tenant_id": server.project,
        "shared_to_project": server.shared_to_project,
        "status": status,
        "SNF:task_state": _TASK_STATE[server.task],
        "progress": 100 if status == "ACTIVE" else 0,
        "hostId": "",
        "updated": kit.stamp(server.updated),
        "created": kit.stamp(server.created),
        "flavor": {"id": server.flavor_id, "links": kit.links(flavor_url(request, server.flavor_id))},
        "image": {"id": server.image, "links": image_links(request, server.image)},
        "suspended": server.suspended,
        "security_groups": [{"name": "default"}],
        "key_name": server.key_name or None,
        "SNF:key_names": server.key_names,
        "config_drive": "True" if server.config_drive else "",
        "accessIPv4": server.access_ipv4,
        "accessIPv6": server.access_ipv6,
        "SNF:fqdn": _name_of(server),
        "deleted": server.deleted,
        "SNF:rescue": server.rescue,
    }


def _name_of(server: Server) -> str | None:
    template: str = settings.CYCLADES_SERVERS_FQDN
    return template % {"id": server.pk} if template else None


def _forwarded(server: Server, row: Row) -> dict[str, dict[str, str]]:
    """Ports of the cloud's gateway that lead to a server with a public IPv4 address."""
    forwarding: Mapping[Any, Any] = settings.CYCLADES_PORT_FORWARDING
    cards = row["attachments"]
    address = next((c["ipv4"] for c in cards if c["OS-EXT-IPS:type"] == "floating" and c["ipv4"]), None)
    if not forwarding or address is None:
        return {}
    about = (address, server.pk, _name_of(server), server.userid)
    leads = {port: to(*about) if callable(to) else to for port, to in forwarding.items()}
    return {str(port): {"host": host, "port": str(target)} for port, (host, target) in leads.items()}


def _nothing() -> Row:
    return {"addresses": {}, "attachments": []}


def _volumes_of(keys: Sequence[int]) -> dict[int, list[int]]:
    """By server, the one that it boots from first."""
    found: dict[int, list[int]] = {}
    rows = Volume.objects.filter(server__in=keys, deleted=False).order_by("index")
    for server, volume in rows.values_list("server_id", "id"):
        found.setdefault(server, []).append(volume)
    return found


def _metadata_of(keys: Sequence[int]) -> dict[int, dict[str, str]]:
    """By server; keys in the order in which they were set."""
    found: dict[int, dict[str, str]] = {}
    rows = ServerMetadata.objects.filter(server__in=keys).order_by("id")
    for server, key, value in rows.values_list("server_id", "key", "value"):
        found.setdefault(server, {})[key] = value
    return found


def _tags_of(keys: Sequence[int]) -> dict[int, list[str]]:
    """By server, in the order in which they were put on."""
    found: dict[int, list[str]] = {}
    rows = ServerTag.objects.filter(
        server__in=keys, namespace="user", status=ServerTag.Status.ACTIVE
    ).order_by("id")
    for server, tag in rows.values_list("server_id", "tag"):
        found.setdefault(server, []).append(tag)
    return found


def _cards_of(keys: Sequence[int]) -> dict[int, Row]:
    """By server: the cards that work, in order of their ids, and the addresses that lead to them."""
    found: dict[int, Row] = {}
    cards = Port.objects.filter(server__in=keys, state=Port.State.ACTIVE).order_by("id")
    for port in cards.prefetch_related("addresses"):
        shown = found.setdefault(port.server_id or 0, _nothing())
        shown["attachments"].append(_card(port))
        shown["addresses"].setdefault(str(port.network_id), [])
        for ip in port.addresses.all():
            _add_address(shown, ip, "floating" if ip.floating_ip else "fixed")
    leads = IPAddress.objects.filter(nat_port__server__in=keys, nat_port__state=Port.State.ACTIVE)
    for ip in leads.select_related("nat_port").order_by("id"):
        if ip.nat_port is not None:
            _add_address(found.setdefault(ip.nat_port.server_id or 0, _nothing()), ip, "floating")
    return found


def _card(port: Port) -> Row:
    addresses = sorted(port.addresses.all(), key=lambda ip: ip.pk)
    by_version = {version: [ip.address for ip in addresses if ip.ip_version == version] for version in (4, 6)}
    shown = {
        "id": port.pk,
        "network_id": str(port.network_id),
        "mac_address": port.mac,
        "ipv4": next(iter(by_version[4]), ""),
        "ipv6": next(iter(by_version[6]), ""),
        "OS-EXT-IPS:type": "floating" if any(ip.floating_ip for ip in addresses) else "fixed",
    }
    return {**shown, "firewallProfile": port.firewall_profile} if port.firewall_profile else shown


def _add_address(shown: Row, ip: IPAddress, kind: str) -> None:
    listed = shown["addresses"].setdefault(str(ip.network_id), [])
    listed.append({"version": ip.ip_version, "addr": ip.address, "OS-EXT-IPS:type": kind})
