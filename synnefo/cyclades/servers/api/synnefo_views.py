"""How Synnefo's compute v2.0 shows servers, for one or for a thousand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from synnefo.cyclades.flavors.api.synnefo import url_of as flavor_url
from synnefo.cyclades.images.api.synnefo import links_of as image_links
from synnefo.cyclades.networks.models import IPAddress, Port
from synnefo.cyclades.servers.models import Server, ServerMetadata, ServerTag
from synnefo.cyclades.synnefo_api import kit
from synnefo.engine.models import Operation

Oper, Task = Server.Oper, Server.Task
Row = dict[str, Any]

_STATUS: dict[str, str] = {
    Oper.BUILD: "BUILD",
    Oper.STARTED: "ACTIVE",
    Oper.STOPPED: "STOPPED",
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
}


def brief_of(request: HttpRequest, server: Server) -> Row:
    url = kit.address(request, f"compute/v2.0/servers/{server.pk}")
    return {"id": server.pk, "name": server.name, "links": kit.links(url)}


def details_of(request: HttpRequest, servers: Sequence[Server]) -> list[Row]:
    """All that is shown of servers, in six queries for any number of them."""
    keys = [server.pk for server in servers]
    metadata, cards, diagnostics = _metadata_of(keys), _cards_of(keys), diagnostics_of(keys)
    tags = _tags_of(keys)
    shown = []
    for server in servers:
        row = _own_details(request, server)
        row |= _nothing() | cards.get(server.pk, {})
        row["metadata"] = metadata.get(server.pk, {})
        row["tags"] = tags.get(server.pk, [])
        row["diagnostics"] = diagnostics.get(server.pk, [])[:1]
        shown.append(row)
    return shown


def addresses_of(server: Server) -> Row:
    """``addresses`` by network, floating ones under the network they come from, and ``attachments``."""
    return _cards_of([server.pk]).get(server.pk) or _nothing()


def metadata_of(server: Server) -> dict[str, str]:
    return _metadata_of([server.pk]).get(server.pk, {})


def diagnostics_of(keys: Sequence[int]) -> dict[int, list[Row]]:
    """By server, newest first: what was tried and failed."""
    rows = Operation.objects.filter(
        state=Operation.State.FAILED, targets__kind=Server.TARGET, targets__object_id__in=keys
    )
    found: dict[int, list[Row]] = {}
    columns = ("targets__object_id", "kind", "created", "finished", "error")
    for key, kind, created, finished, error in rows.order_by("-id").values_list(*columns):
        ended = kit.stamp(finished or created)
        found.setdefault(key, []).append(
            {
                "source": kind,
                "source_date": ended,
                "created": ended,
                "message": error,
                "details": "",
                "level": "ERROR",
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
        "volumes": [],
        "security_groups": [{"name": "default"}],
        "key_name": server.key_name or None,
        "SNF:key_names": [server.key_name] if server.key_name else [],
        "config_drive": "",
        "accessIPv4": "",
        "accessIPv6": "",
        "SNF:fqdn": _name_of(server),
        "SNF:port_forwarding": {},
        "deleted": server.deleted,
        "SNF:rescue": False,
    }


def _name_of(server: Server) -> str | None:
    template: str = settings.CYCLADES_SERVERS_FQDN
    return template % {"id": server.pk} if template else None


def _nothing() -> Row:
    return {"addresses": {}, "attachments": []}


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
    rows = ServerTag.objects.filter(server__in=keys).order_by("id")
    for server, tag in rows.values_list("server_id", "tag"):
        found.setdefault(server, []).append(tag)
    return found


def _cards_of(keys: Sequence[int]) -> dict[int, Row]:
    """By server: the cards that work, in order of their ids, and the addresses that lead to them."""
    found: dict[int, Row] = {}
    cards = Port.objects.filter(server__in=keys, state=Port.State.ACTIVE).order_by("id")
    columns = ("server_id", "id", "network_id", "mac", "addresses__address", "addresses__floating_ip")
    for server, port, network, mac, address, floating in cards.values_list(*columns):
        kind = "floating" if floating else "fixed"
        shown = found.setdefault(server, _nothing())
        shown["attachments"].append(
            {
                "id": port,
                "network_id": str(network),
                "mac_address": mac,
                "ipv4": address or "",
                "ipv6": "",
                "OS-EXT-IPS:type": kind,
            }
        )
        _add_address(shown, network, address, kind)
    leads = IPAddress.objects.filter(nat_port__server__in=keys, nat_port__state=Port.State.ACTIVE)
    for server, network, address in leads.order_by("id").values_list(
        "nat_port__server_id", "network_id", "address"
    ):
        _add_address(found.setdefault(server, _nothing()), network, address, "floating")
    return found


def _add_address(shown: Row, network: int, address: str | None, kind: str) -> None:
    listed = shown["addresses"].setdefault(str(network), [])
    if address is not None:
        listed.append({"version": 4, "addr": address, "OS-EXT-IPS:type": kind})
