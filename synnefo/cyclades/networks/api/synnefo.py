"""Networks and subnets in Synnefo's network v2.0. Ports and floating IPs are in files of their own."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden
from synnefo.common.http.plain import answer, empty
from synnefo.cyclades.networks import allocation, rules, subnets
from synnefo.cyclades.networks.api.synnefo_floating import ROUTES as FLOATING
from synnefo.cyclades.networks.models import Network, Subnet
from synnefo.cyclades.synnefo_api import kit

_IPV4, _IPV6 = 4, 6


def _list(request: HttpRequest, caller: Caller) -> HttpResponse:
    rows = rules.networks_for(caller, deleted=None).prefetch_related("subnets")
    found = kit.listed(request, rows)
    if found is None:
        return kit.not_modified()
    return answer({"networks": [_network(request, row) for row in found]})


def _create(request: HttpRequest, caller: Caller) -> HttpResponse:
    wanted = kit.part_of(request, "network")
    kind = kit.text_in(wanted, "type")
    if not kind:
        raise BadRequest("Invalid network type ''")
    project = kit.text_in(wanted, "project", caller.project)
    owner = kit.acting_in(caller, project, kit.flag_in(wanted, "shared_to_project"))
    made = rules.create(owner, name=kit.text_in(wanted, "name", ""), kind=kind)
    return answer({"network": _network(request, made)}, 201)


def _show(request: HttpRequest, caller: Caller, network_id: str) -> HttpResponse:
    return answer({"network": _network(request, rules.find(caller, kit.number_of(network_id, "network")))})


def _rename(request: HttpRequest, caller: Caller, network_id: str) -> HttpResponse:
    network = _existing(caller, network_id)
    name = kit.text_in(kit.part_of(request, "network"), "name")
    return answer({"network": _network(request, rules.rename(caller, network.uuid, name=name))})


def _delete(request: HttpRequest, caller: Caller, network_id: str) -> HttpResponse:
    network = _existing(caller, network_id)
    if network.public:
        raise Forbidden("Cannot delete the public network.")
    if network.ports.exists():
        raise Conflict(
            f"Cannot delete network. There are ports still configured on network network {network.pk}"
        )
    rules.delete(caller, network.uuid)
    return empty(204)


def _act(request: HttpRequest, caller: Caller, network_id: str) -> HttpResponse:
    network = _existing(caller, network_id)
    project, shared = kit.reassignment_of(request)
    rules.reassign(caller, network.pk, project, shared=shared)
    return empty(200)


def _list_subnets(request: HttpRequest, caller: Caller) -> HttpResponse:
    found = kit.listed(request, rules.subnets_for(caller))
    if found is None:
        return kit.not_modified()
    return answer({"subnets": [_subnet(request, row) for row in found]})


def _create_subnet(request: HttpRequest, caller: Caller) -> HttpResponse:
    wanted = kit.part_of(request, "subnet")
    if "network_id" not in wanted or "cidr" not in wanted:
        raise BadRequest("Malformed request. Missing attribute 'network_id' or 'cidr'.")
    network = _existing(caller, wanted["network_id"])
    if network.public or (network.userid != caller.user and not caller.is_admin):
        raise Forbidden("Forbidden operation")
    version = _version(wanted)
    cidr = _cidr(wanted)
    if network.subnets.filter(ip_version=version).exists():
        raise BadRequest("Only one subnet of IPv4/IPv6 per network is allowed")
    if network.in_backends.exists():
        raise BadRequest("Cannot create subnet in network, already existing network in backends")
    subnets.check_size(cidr, version)
    dhcp = kit.flag_in(wanted, "enable_dhcp", True)
    if version == _IPV6:
        dhcp = kit.flag_in(wanted, "enable_slaac", dhcp)
        if wanted.get("allocation_pools"):
            raise Conflict("Can only allocate an IP Pool in IPv4 subnets")
    made = rules.create_subnet(
        caller,
        network.uuid,
        cidr=cidr,
        version=version,
        name=kit.text_in(wanted, "name", ""),
        gateway=None if wanted.get("gateway_ip", "") is None else kit.text_in(wanted, "gateway_ip", ""),
        dhcp=dhcp,
        dns_nameservers=_texts(wanted, "dns_nameservers"),
        host_routes=_routes(wanted),
        pools=_pools(wanted),
        ipv6_mode="slaac" if version == _IPV6 and dhcp else "",
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
        "type": network.kind,
        "updated": kit.stamp(network.updated),
        "created": kit.stamp(network.created),
        "status": "SNF:DRAINED" if network.drained else network.state,
        "public": network.public,
        "shared": network.public,
        "router:external": network.public,
        "admin_state_up": network.admin_state_up,
        "subnets": [str(subnet.pk) for subnet in network.subnets.all()],
        "SNF:floating_ip_pool": network.floating_ip_pool,
        "deleted": network.deleted,
    }


def _subnet(request: HttpRequest, subnet: Subnet) -> dict[str, Any]:
    network, space = subnet.network, subnet.range
    owner = None if network.public else network.userid
    slaac = {"enable_slaac": subnet.dhcp} if subnet.ip_version == _IPV6 else {}
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
            if subnet.ip_version == _IPV4
        ],
        **slaac,
        "deleted": False,
        "links": kit.links(kit.address(request, f"network/v2.0/subnets/{subnet.pk}")),
    }


def _cidr(wanted: Mapping[str, Any]) -> str:
    text = kit.text_in(wanted, "cidr")
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise BadRequest(f"Malformed CIDR '{text}'") from None
    return text


def _version(wanted: Mapping[str, Any]) -> int:
    version = wanted.get("ip_version", _IPV4)
    if version not in (_IPV4, _IPV6) or isinstance(version, bool):
        raise BadRequest("Malformed IP version type")
    return int(version)


def _texts(wanted: Mapping[str, Any], name: str) -> list[str]:
    values = wanted.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadRequest(f"Malformed request. Invalid '{name}' attribute.")
    return values


def _routes(wanted: Mapping[str, Any]) -> list[dict[str, str]]:
    """Routes that guests are told, each with ``destination`` and ``nexthop``."""
    routes = wanted.get("host_routes", [])
    if not isinstance(routes, list) or not all(isinstance(route, dict) for route in routes):
        raise BadRequest("Malformed request. Invalid 'host_routes' attribute.")
    return [{name: kit.text_in(route, name) for name in ("destination", "nexthop")} for route in routes]


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
