"""Routers in network v2.0."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.cyclades.networks import routers
from synnefo.cyclades.networks.api.openstack_ports import fixed_ip_view
from synnefo.cyclades.networks.api.openstack_subnets import Route
from synnefo.cyclades.networks.models import Port, Subnet
from synnefo.cyclades.networks.models import Router as RouterRow
from synnefo.cyclades.openstack import kit, neutron

router = Router()

ZONE = "nova"
_COLUMNS = {"name": "name", "description": "description", "status": "state"}


class RouterFilters(neutron.Listing):
    status: list[kit.Text] | None = None
    admin_state_up: bool | None = None


class Gateway(kit.Body):
    network_id: kit.Text | None = None
    enable_snat: kit.Flag | None = None


class NewRouter(neutron.NewInProject):
    name: kit.Text = ""
    description: kit.Text = ""
    admin_state_up: kit.Flag = True
    external_gateway_info: Gateway | None = None
    availability_zone_hints: list[kit.Text] = Field(default_factory=list)


class NewRouterBody(kit.Body):
    router: NewRouter | None = None
    routers: list[NewRouter] | None = Field(None, min_length=1, max_length=20)


class RouterChanges(kit.Body):
    """``external_gateway_info`` null or {} takes the gateway away, ``routes`` null all routes."""

    name: kit.Text | None = None
    description: kit.Text | None = None
    admin_state_up: kit.Flag | None = None
    external_gateway_info: Gateway | None = None
    routes: list[Route] | None = None


class RouterChangesBody(kit.Body):
    router: RouterChanges


class Routes(kit.Body):
    routes: list[Route]


class RoutesBody(kit.Body):
    router: Routes


class Interface(kit.Body):
    subnet_id: kit.Text | None = None
    port_id: kit.Text | None = None

    def ids(self) -> dict[str, str | None]:
        if self.subnet_id is None and self.port_id is None:
            raise BadRequest("Either subnet_id or port_id must be specified.")
        subnet = None if self.subnet_id is None else kit.known_id(self.subnet_id, "Subnet")
        port = None if self.port_id is None else kit.known_id(self.port_id, "Port")
        return {"subnet_uuid": subnet, "port_uuid": port}


@router.get("/routers")
def list_routers(request: HttpRequest, filters: Query[RouterFilters]) -> HttpResponse:
    rows = neutron.matching(routers.routers_for(neutron.lister(request, filters)), filters, **_COLUMNS)
    if filters.admin_state_up is not None:
        rows = rows.filter(admin_state_up=filters.admin_state_up)
    return neutron.listed(request, "routers", rows, filters, neutron.each(router_view), status="state")


@router.post("/routers")
def create_router(request: HttpRequest, body: NewRouterBody) -> HttpResponse:
    caller = neutron.caller_of(request)

    def make(wanted: NewRouter) -> RouterRow:
        maker = wanted.maker(caller)
        for hint in wanted.availability_zone_hints:
            kit.only("availability_zone_hints", hint, ZONE)
        gateway = wanted.external_gateway_info or Gateway()
        return routers.create(
            maker,
            name=wanted.name,
            description=wanted.description,
            admin_state_up=kit.is_true(wanted.admin_state_up),
            external=None if gateway.network_id is None else kit.known_id(gateway.network_id, "Network"),
            snat=_snat(caller, gateway) is not False,
        )

    def unmake(made: RouterRow) -> None:
        routers.delete(caller, made.uuid)

    return neutron.created(body.router, body.routers, "router", make, router_view, unmake)


@router.get("/routers/{router_id}")
def show_router(request: HttpRequest, router_id: str, selection: Query[neutron.Selection]) -> HttpResponse:
    found = routers.get(neutron.caller_of(request), kit.known_id(router_id, "Router"))
    return kit.answer({"router": selection.of(router_view(found))})


@router.put("/routers/{router_id}")
def update_router(request: HttpRequest, router_id: str, body: RouterChangesBody) -> HttpResponse:
    caller, uuid, wanted = neutron.caller_of(request), kit.known_id(router_id, "Router"), body.router
    said = wanted.model_fields_set
    gateway = wanted.external_gateway_info or Gateway()
    changed = routers.update(
        caller,
        uuid,
        name=wanted.name,
        description=wanted.description,
        admin_state_up=kit.said(wanted.admin_state_up),
        snat=_snat(caller, gateway),
        routes=[route.model_dump() for route in wanted.routes or ()] if "routes" in said else None,
    )
    if "external_gateway_info" in said:
        network = gateway.network_id
        changed = routers.set_gateway(
            caller, uuid, None if network is None else kit.known_id(network, "Network")
        )
    return kit.answer({"router": router_view(changed)})


@router.delete("/routers/{router_id}")
def delete_router(request: HttpRequest, router_id: str) -> HttpResponse:
    routers.delete(neutron.caller_of(request), kit.known_id(router_id, "Router"))
    return kit.empty(204)


@router.put("/routers/{router_id}/add_router_interface")
def add_interface(request: HttpRequest, router_id: str, body: Interface) -> HttpResponse:
    uuid = kit.known_id(router_id, "Router")
    return _interface_answer(*routers.add_interface(neutron.caller_of(request), uuid, **body.ids()))


@router.put("/routers/{router_id}/remove_router_interface")
def remove_interface(request: HttpRequest, router_id: str, body: Interface) -> HttpResponse:
    uuid = kit.known_id(router_id, "Router")
    return _interface_answer(*routers.remove_interface(neutron.caller_of(request), uuid, **body.ids()))


@router.put("/routers/{router_id}/add_extraroutes")
def add_routes(request: HttpRequest, router_id: str, body: RoutesBody) -> HttpResponse:
    routes = [route.model_dump() for route in body.router.routes]
    changed = routers.change_routes(neutron.caller_of(request), kit.known_id(router_id, "Router"), add=routes)
    return kit.answer({"router": router_view(changed)})


@router.put("/routers/{router_id}/remove_extraroutes")
def remove_routes(request: HttpRequest, router_id: str, body: RoutesBody) -> HttpResponse:
    routes = [route.model_dump() for route in body.router.routes]
    changed = routers.change_routes(
        neutron.caller_of(request), kit.known_id(router_id, "Router"), remove=routes
    )
    return kit.answer({"router": router_view(changed)})


def router_view(row: RouterRow) -> dict[str, Any]:
    """A router as Neutron shows it; rows come from ``routers_for``, which fetches what is needed."""
    return {
        "id": row.uuid,
        "name": row.name,
        "description": row.description,
        "tenant_id": row.project,
        "project_id": row.project,
        "admin_state_up": row.admin_state_up,
        "status": row.state,
        "external_gateway_info": _gateway_view(row),
        "routes": row.routes,
        "availability_zones": [ZONE],
        "availability_zone_hints": [],
        "tags": [],
        "created_at": kit.stamp(row.created),
        "updated_at": kit.stamp(row.updated),
    }


def _gateway_view(row: RouterRow) -> dict[str, Any] | None:
    if row.external is None:
        return None
    own = [port for port in row.ports.all() if port.device_owner == routers.GATEWAY]
    fixed = [fixed_ip_view(ip) for port in own for ip in port.addresses.all()]
    return {"network_id": row.external.uuid, "enable_snat": row.snat, "external_fixed_ips": fixed}


def _interface_answer(row: RouterRow, port: Port, subnet: Subnet) -> HttpResponse:
    return kit.answer(
        {
            "id": row.uuid,
            "tenant_id": row.project,
            "project_id": row.project,
            "port_id": port.uuid,
            "network_id": port.network.uuid,
            "subnet_id": subnet.uuid,
            "subnet_ids": [subnet.uuid],
        }
    )


def _snat(caller: Caller, gateway: Gateway) -> bool | None:
    """Raises Forbidden: without it a network is open to the outside, which its cloud decides."""
    snat = kit.said(gateway.enable_snat)
    if snat is False and not caller.is_admin:
        raise Forbidden("Only administrators let networks out without address translation.")
    return snat
