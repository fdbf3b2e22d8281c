"""Networks and subnets in Synnefo's network v2.0. Ports and floating IPs are in files of their own.

Every network of a tenant is a layer 2 of its own, which is what clients know as MAC_FILTERED.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden, NotImplementedFault, OverLimit
from synnefo.common.http.plain import answer, empty
from synnefo.cyclades.networks import allocation, rules
from synnefo.cyclades.networks.api.synnefo_floating import ROUTES as FLOATING
from synnefo.cyclades.networks.models import Network, Subnet
from synnefo.cyclades.synnefo_api import kit

_PRIVATE, _PUBLIC = "MAC_FILTERED", "CUSTOM"
_OTHERS = (_PUBLIC, "IP_LESS_ROUTED", "PHYSICAL_VLAN")
_IPV4, _IPV6 = 4, 6
_SMALLEST = 29


def _list(request: HttpRequest, caller: Caller) -> HttpResponse:
    rows = rules.networks_for(caller, deleted=None).prefetch_related("subnets")
    found = kit.listed(request, rows)
    if found is None:
        return kit.not_modified()
    return answer({"networks": [_network(request, row) for row in found]})


def _create(request: HttpRequest, caller: Caller) -> HttpResponse:
    wanted = kit.part_of(request, "network")
    _check_type(kit.text_in(wanted, "type"))
    project = kit.text_in(wanted, "project", caller.project)
    owner = kit.acting_in(caller, project, kit.flag_in(wanted, "shared_to_project"))
    made = rules.create(owner, name=kit.text_in(wanted, "name", ""))
    return answer({"network": _network(request, made)}, 201)


def _show(request: HttpRequest, caller: Caller, network_id: str) -> HttpResponse:
    return answer({"network": _network(request, rules.find(caller, kit.number_of(network_id, "network")))})


def _rename(request: HttpRequest, caller: Caller, network_id: str) -> HttpResponse:
    network = _existing(caller, network_id)
    name = kit.text_in(kit.part_of(request, "network"), "name")
    return answer({"network": _network(request, rules.rename(caller, network.uuid, name=name))})


def _delete(request: HttpRequest, caller: Caller, network_id: str) -> HttpResponse:
    rules.delete(caller, _existing(caller, network_id).uuid)
    return empty(204)


def _act(request: HttpRequest, caller: Caller, network_id: str) -> HttpResponse:
    network = _existing(caller, network_id)
    if list(kit.body_of(request)) != ["reassign"]:
        raise BadRequest("Malformed request: the action of a network is 'reassign'.")
    if network.public:
        raise Forbidden("A public network belongs to the cloud.")
    raise NotImplementedFault("Networks are not moved to other projects here.")


def _list_subnets(request: HttpRequest, caller: Caller) -> HttpResponse:
    found = kit.listed(request, rules.subnets_for(caller))
    if found is None:
        return kit.not_modified()
    return answer({"subnets": [_subnet(request, row) for row in found]})


def _create_subnet(request: HttpRequest, caller: Caller) -> HttpResponse:
    wanted = kit.part_of(request, "subnet")
    if "network_id" not in wanted or "cidr" not in wanted:
        raise BadRequest("Malformed request. Missing attribute 'network_id' or 'cidr'.")
    network = _existing(caller, wanted["network_id"], write=True)
    _check_version(wanted.get("ip_version", _IPV4))
    if network.subnets.exists():
        raise BadRequest("Only one subnet of IPv4/IPv6 per network is allowed")
    _check_size(kit.text_in(wanted, "cidr"))
    made = rules.create_subnet(
        caller,
        network.uuid,
        cidr=kit.text_in(wanted, "cidr"),
        name=kit.text_in(wanted, "name", ""),
        gateway=None if wanted.get("gateway_ip", "") is None else kit.text_in(wanted, "gateway_ip", ""),
        dhcp=kit.flag_in(wanted, "enable_dhcp", True),
        dns_nameservers=_texts(wanted, "dns_nameservers"),
        pools=_pools(wanted),
    )
    return answer({"subnet": _subnet(request, made)}, 201)


def _show_subnet(request: HttpRequest, caller: Caller, subnet_id: str) -> HttpResponse:
    return answer({"subnet": _subnet(request, rules.find_subnet(caller, kit.number_of(subnet_id, "subnet")))})


def _rename_subnet(request: HttpRequest, caller: Caller, subnet_id: str) -> HttpResponse:
    subnet = rules.find_subnet(caller, kit.number_of(subnet_id, "subnet"))
    wanted = kit.part_of(request, "subnet")
    if set(wanted) != {"name"}:
        raise BadRequest("Only the name of subnet can be updated.")
    changed = rules.update_subnet(caller, subnet.uuid, name=kit.text_in(wanted, "name"))
    return answer({"subnet": _subnet(request, changed)})


def _delete_subnet(request: HttpRequest, caller: Caller, subnet_id: str) -> HttpResponse:
    rules.find_subnet(caller, kit.number_of(subnet_id, "subnet"))
    raise BadRequest("Deletion of a subnet is not supported")


def _existing(caller: Caller, network_id: object, *, write: bool = False) -> Network:
    """A network that is there. Raises ItemNotFound; BadRequest for a deleted one; Forbidden."""
    network = rules.find(caller, kit.number_of(network_id, "network"))
    if network.deleted:
        raise BadRequest("Network has been deleted.")
    return rules.get(caller, network.uuid, write=True) if write else network


def _network(request: HttpRequest, network: Network) -> dict[str, Any]:
    """A public network is nobody's, whoever made it."""
    return {
        "id": str(network.pk),
        "name": network.name,
        "links": kit.links(kit.address(request, f"network/v2.0/networks/{network.pk}")),
        "user_id": None if network.public else network.userid,
        "tenant_id": None if network.public else network.project,
        "shared_to_project": network.shared_to_project,
        "type": _PUBLIC if network.public else _PRIVATE,
        "updated": kit.stamp(network.updated),
        "created": kit.stamp(network.created),
        "status": "SNF:DRAINED" if network.drained else network.state,
        "public": network.public,
        "shared": network.public,
        "router:external": network.public,
        "admin_state_up": True,
        "subnets": [str(subnet.pk) for subnet in network.subnets.all()],
        "SNF:floating_ip_pool": network.floating_ip_pool,
        "deleted": network.deleted,
    }


def _subnet(request: HttpRequest, subnet: Subnet) -> dict[str, Any]:
    network, space = subnet.network, subnet.range
    owner = None if network.public else network.userid
    return {
        "id": str(subnet.pk),
        "network_id": str(subnet.network_id),
        "name": subnet.name,
        "tenant_id": owner,
        "user_id": owner,
        "public": network.public,
        "gateway_ip": subnet.gateway,
        "ip_version": subnet.ip_version,
        "cidr": subnet.cidr,
        "enable_dhcp": subnet.dhcp,
        "dns_nameservers": subnet.dns_nameservers,
        "host_routes": subnet.host_routes,
        "allocation_pools": [
            {"start": allocation.address_text(low, space), "end": allocation.address_text(high, space)}
            for low, high in subnet.pools
        ],
        "deleted": False,
        "links": kit.links(kit.address(request, f"network/v2.0/subnets/{subnet.pk}")),
    }


def _check_type(kind: str) -> None:
    if kind in _OTHERS:
        raise Forbidden(f"Cannot create network of type '{kind}'.")
    if kind != _PRIVATE:
        raise BadRequest(f"Invalid network type '{kind}'")


def _check_version(version: object) -> None:
    if version == _IPV6:
        raise NotImplementedFault("Subnets of IPv6 are not offered here.")
    if version != _IPV4 or isinstance(version, bool):
        raise BadRequest("Malformed IP version type")


def _check_size(cidr: str) -> None:
    """What is no range at all is refused by the rule. Raises OverLimit."""
    prefix = cidr.rpartition("/")[2]
    if prefix.isascii() and prefix.isdigit() and not settings.MAX_CIDR_BLOCK <= int(prefix[:3]) <= _SMALLEST:
        raise OverLimit(f"Unsupported network mask: between /{settings.MAX_CIDR_BLOCK} and /{_SMALLEST}.")


def _texts(wanted: Mapping[str, Any], name: str) -> list[str]:
    values = wanted.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadRequest(f"Malformed request. Invalid '{name}' attribute.")
    return values


def _pools(wanted: Mapping[str, Any]) -> list[tuple[str, str]] | None:
    pools = wanted.get("allocation_pools")
    if pools is None:
        return None
    if not isinstance(pools, list) or not all(isinstance(pool, dict) for pool in pools):
        raise BadRequest("Malformed allocation pool.")
    return [(kit.text_in(pool, "start"), kit.text_in(pool, "end")) for pool in pools]


ROUTES: kit.Routes = {
    "/networks": kit.served(GET=_list, POST=_create),
    "/networks/detail": kit.served(GET=_list),
    "/networks/{network_id}": kit.served(GET=_show, PUT=_rename, DELETE=_delete),
    "/networks/{network_id}/action": kit.served(POST=_act),
    "/subnets": kit.served(GET=_list_subnets, POST=_create_subnet),
    "/subnets/detail": kit.served(GET=_list_subnets),
    "/subnets/{subnet_id}": kit.served(GET=_show_subnet, PUT=_rename_subnet, DELETE=_delete_subnet),
    **FLOATING,
}
