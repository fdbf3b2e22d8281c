"""Floating IPs in Synnefo's network v2.0, and in the older shape of its compute v2.0."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, NotImplementedFault
from synnefo.common.http.plain import answer, empty
from synnefo.cyclades.networks import floating, rules
from synnefo.cyclades.networks.models import IPAddress, Network, Port
from synnefo.cyclades.synnefo_api import kit


def _list(request: HttpRequest, caller: Caller) -> HttpResponse:
    found = kit.listed(request, floating.floating_ips_for(caller))
    if found is None:
        return kit.not_modified()
    return answer({"floatingips": [_view(row) for row in found]})


def _create(request: HttpRequest, caller: Caller) -> HttpResponse:
    wanted = kit.part_of(request, "floatingip")
    owner = kit.acting_in(
        caller, kit.text_in(wanted, "project", caller.project), kit.flag_in(wanted, "shared_to_project")
    )
    network = wanted.get("floating_network_id")
    address = wanted.get("floating_ip_address")
    pool = None if network is None else _pool(caller, network)
    if address is not None:
        address = kit.text_in(wanted, "floating_ip_address")
        _check_of(pool, address)
    made = floating.create(owner, None if pool is None else pool.uuid, address=address)
    return answer({"floatingip": _view(made)})


def _show(request: HttpRequest, caller: Caller, floating_id: str) -> HttpResponse:
    return answer({"floatingip": _view(_found(caller, floating_id))})


def _update(request: HttpRequest, caller: Caller, floating_id: str) -> HttpResponse:
    _found(caller, floating_id)
    raise NotImplementedFault("Updating floating IPs is not supported.")


def _delete(request: HttpRequest, caller: Caller, floating_id: str) -> HttpResponse:
    floating.delete(caller, _found(caller, floating_id).uuid, unless_used=True)
    return empty(204)


def _act(request: HttpRequest, caller: Caller, floating_id: str) -> HttpResponse:
    found = _found(caller, floating_id)
    project, shared = kit.reassignment_of(request)
    floating.reassign(caller, found.pk, project, shared=shared)
    return empty(200)


def _list_old(request: HttpRequest, caller: Caller) -> HttpResponse:
    rows = floating.floating_ips_for(caller).order_by("pk")
    return answer({"floating_ips": [_old_view(row) for row in rows]})


def _create_old(request: HttpRequest, caller: Caller) -> HttpResponse:
    return answer({"floating_ip": _old_view(floating.create(caller))})


def _check_of(network: Network | None, address: str) -> None:
    """Raises BadRequest for an address that is of no subnet of the network, before anything is charged."""
    if network is not None and not any(
        floating.within(address, subnet.cidr) for subnet in network.subnets.all()
    ):
        raise BadRequest(f"Address {address} does not belong to network {network.pk}")


def _pool(caller: Caller, number: object) -> Network:
    """Raises ItemNotFound; BadRequest for a deleted network, Conflict for one without floating IPs."""
    network = rules.find(caller, kit.number_of(number, "network"))
    if network.deleted:
        raise BadRequest("Network has been deleted.")
    if not network.floating_ip_pool:
        raise Conflict(f"Cannot reserve floating IP. Network '{network.pk}' is not a floating IP pool.")
    return network


def _found(caller: Caller, floating_id: str) -> IPAddress:
    return floating.find(caller, kit.number_of(floating_id, "floating IP"))


def _view(ip: IPAddress) -> dict[str, Any]:
    """The port is the one that has the address, or that it leads to."""
    port = _port_of(ip)
    return {
        "id": str(ip.pk),
        "fixed_ip_address": None,
        "instance_id": _server_of(ip),
        "floating_ip_address": ip.address,
        "port_id": None if port is None else str(port.pk),
        "floating_network_id": str(ip.network_id),
        "user_id": ip.userid,
        "tenant_id": ip.project,
        "shared_to_project": ip.shared_to_project,
        "deleted": False,
    }


def _old_view(ip: IPAddress) -> dict[str, Any]:
    return {"id": ip.pk, "ip": ip.address, "fixed_ip": None, "instance_id": _server_of(ip), "pool": None}


def _port_of(ip: IPAddress) -> Port | None:
    return ip.port if ip.port is not None else ip.nat_port


def _server_of(ip: IPAddress) -> str | None:
    port = _port_of(ip)
    return None if port is None or port.server_id is None else str(port.server_id)


ROUTES: kit.Routes = {
    "/floatingips": kit.served(GET=_list, POST=_create),
    "/floatingips/detail": kit.served(GET=_list),
    "/floatingips/{floating_id}": kit.served(GET=_show, PUT=_update, DELETE=_delete),
    "/floatingips/{floating_id}/action": kit.served(POST=_act),
}
COMPUTE_ROUTES: kit.Routes = {
    "/os-floating-ips": kit.served(GET=_list_old, POST=_create_old),
    "/os-floating-ips/{floating_id}": kit.served(GET=_show, DELETE=_delete),
}
