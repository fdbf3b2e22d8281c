"""Ports in Synnefo's network v2.0; they may be cards of servers, so they stand with these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.common.http.plain import answer, empty
from synnefo.cyclades.networks import floating, ports, rules
from synnefo.cyclades.networks.addresses import FixedIp
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.servers import cards
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.api.synnefo_actions import in_state
from synnefo.cyclades.synnefo_api import kit


def _list(request: HttpRequest, caller: Caller) -> HttpResponse:
    rows = ports.ports_for(caller).order_by("pk")
    return answer({"ports": [_view(request, row) for row in rows]})


def _create(request: HttpRequest, caller: Caller) -> HttpResponse:
    """A card of a server, or a port that waits for one."""
    wanted = kit.part_of(request, "port")
    if "network_id" not in wanted:
        raise BadRequest("Malformed request. Missing attribute 'network_id'.")
    network = rules.find(caller, kit.number_of(wanted["network_id"], "network"))
    if network.deleted:
        raise BadRequest("Network has been deleted.")
    address, name = _fixed_ip(wanted), kit.text_in(wanted, "name", "")
    _check_no_groups(wanted)
    if network.public and address is None:
        raise BadRequest(
            "'fixed_ips' attribute must contain a floating IP address in order"
            " to connect to a public network."
        )
    if wanted.get("device_id") is not None:
        server = servers.find_changeable(caller, kit.number_of(wanted["device_id"], "server"))
        made = in_state(lambda: cards.plug(caller, server, network, address=address, name=name))
    elif network.public and address is not None:
        made = floating.create_port(caller, network, address, name=name)
    else:
        made = ports.create(
            caller, network.uuid, name=name, fixed_ips=[FixedIp(address)] if address else None
        )
    return answer({"port": _view(request, made)}, 201)


def _show(request: HttpRequest, caller: Caller, port_id: str) -> HttpResponse:
    return answer({"port": _view(request, ports.find(caller, kit.number_of(port_id, "port")))})


def _rename(request: HttpRequest, caller: Caller, port_id: str) -> HttpResponse:
    port = ports.find(caller, kit.number_of(port_id, "port"))
    wanted = kit.part_of(request, "port")
    name = kit.text_in(wanted, "name", port.name)
    _check_no_groups(wanted)
    return answer({"port": _view(request, ports.rename(caller, port.uuid, name=name, description=None))})


def _delete(request: HttpRequest, caller: Caller, port_id: str) -> HttpResponse:
    port = ports.find(caller, kit.number_of(port_id, "port"))
    in_state(lambda: cards.unplug(caller, port))
    return empty(204)


def _fixed_ip(wanted: Mapping[str, Any]) -> str | None:
    """The one address that is asked for. Raises BadRequest."""
    given = wanted.get("fixed_ips") or []
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise BadRequest("Malformed request. Invalid 'fixed_ips' attribute.")
    if len(given) > 1:
        raise BadRequest("'fixed_ips' attribute must contain only one fixed IP address.")
    address = kit.text_in(given[0], "ip_address") if given else None
    if address is not None and ":" in address:
        raise BadRequest("A port has addresses of IPv6 without asking.")
    return address


def _check_no_groups(wanted: Mapping[str, Any]) -> None:
    """This API has a place for security groups, but none. Raises BadRequest, ItemNotFound."""
    groups = wanted.get("security_groups") or []
    if not isinstance(groups, list):
        raise BadRequest("Malformed request. Invalid 'security_groups' attribute.")
    if groups:
        raise ItemNotFound("Not Found. The security group does not exist.")


def _view(request: HttpRequest, port: Port) -> dict[str, Any]:
    """A port belongs to its user; its ``tenant_id`` says so."""
    return {
        "id": str(port.pk),
        "name": port.name,
        "links": kit.links(kit.address(request, f"network/v2.0/ports/{port.pk}")),
        "user_id": port.userid,
        "tenant_id": port.userid,
        "device_id": None if port.server_id is None else str(port.server_id),
        "admin_state_up": True,
        "mac_address": None if port.state == Port.State.BUILD else port.mac,
        "status": port.state,
        "device_owner": None if port.server_id is None else "vm",
        "network_id": str(port.network_id),
        "updated": kit.stamp(port.updated),
        "created": kit.stamp(port.created),
        "fixed_ips": [{"ip_address": ip.address, "subnet": str(ip.subnet_id)} for ip in port.addresses.all()],
        "security_groups": [],
    }


ROUTES: kit.Routes = {
    "/ports": kit.served(GET=_list, POST=_create),
    "/ports/detail": kit.served(GET=_list),
    "/ports/{port_id}": kit.served(GET=_show, PUT=_rename, DELETE=_delete),
}
