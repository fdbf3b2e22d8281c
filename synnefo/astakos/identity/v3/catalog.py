"""``/v3/services``, ``/v3/endpoints``, ``/v3/regions``: the catalog, and what administrators add to it.

The services of this cloud itself are registered by its own set-up and stay as they are; those that are added
here belong to one component of their own, ``external``. There is one region, and endpoints are public.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from ninja import Router

from synnefo.astakos.catalog import listing, rules
from synnefo.astakos.catalog.models import Endpoint, Service
from synnefo.astakos.catalog.rules import EndpointDefinition, ServiceDefinition
from synnefo.astakos.identity.v3 import shapes
from synnefo.astakos.identity.v3.api import (
    argument,
    listed,
    nothing,
    require_admin,
    root_url,
    told,
    with_name,
)
from synnefo.astakos.identity.v3.schemas import EndpointRequest, ServiceRequest
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, Forbidden, ItemNotFound, NotImplementedFault
from synnefo.common.ids import parse_uuid

router = Router()

EXTERNAL = "external"


@router.get("/services")
def list_services(request: Any) -> HttpResponse:
    rows = with_name(request, _services())
    if (kind := argument(request, "type")) is not None:
        rows = rows.filter(type=kind)
    return listed(request, "services", rows, shapes.service, "pk")


@router.post("/services")
def create_service(request: Any, payload: ServiceRequest) -> HttpResponse:
    caller, given = require_admin(request, "create_service"), payload.service
    name = given.name or given.type
    if Service.objects.filter(name=name).exists():
        raise Conflict(f"There is a service {name!r} already.")
    component = rules.register_component(caller, EXTERNAL)
    definition = ServiceDefinition(name, given.type, Service.Catalog.OPENSTACK)
    row = rules.register_service(caller, component, definition)
    return JsonResponse({"service": shapes.service(row, root_url(request))}, status=201)


@router.get("/services/{service_id}")
def show_service(request: Any, service_id: str) -> HttpResponse:
    return JsonResponse({"service": shapes.service(_service(service_id), root_url(request))})


@router.delete("/services/{service_id}")
def delete_service(request: Any, service_id: str) -> HttpResponse:
    caller = require_admin(request, "delete_service")
    rules.remove_service(caller, _external(_service(service_id)))
    return nothing()


@router.get("/endpoints")
def list_endpoints(request: Any) -> HttpResponse:
    rows = _endpoints()
    if (service := argument(request, "service_id")) is not None:
        rows = rows.filter(service=_number(service))
    if argument(request, "interface") not in (None, "public") or argument(request, "region_id") not in (
        None,
        listing.REGION,
    ):
        rows = rows.none()
    return listed(request, "endpoints", rows, lambda row, root: _shown(request, row))


@router.post("/endpoints")
def create_endpoint(request: Any, payload: EndpointRequest) -> HttpResponse:
    caller, given = require_admin(request, "create_endpoint"), payload.endpoint
    service = _external(_service(given.service_id))
    if given.interface != "public" or (given.region_id or given.region) not in (None, listing.REGION):
        raise NotImplementedFault(f"Endpoints here are public, and in the region {listing.REGION}.")
    if service.endpoints.filter(public_url=given.url).exists():
        raise Conflict("The service has that endpoint already.")
    _register(caller, service, [*_urls(service), given.url])
    row = _endpoints().get(service=service, public_url=given.url)
    return JsonResponse({"endpoint": _shown(request, row)}, status=201)


@router.get("/endpoints/{endpoint_id}")
def show_endpoint(request: Any, endpoint_id: str) -> HttpResponse:
    return JsonResponse({"endpoint": _shown(request, _endpoint(endpoint_id))})


@router.delete("/endpoints/{endpoint_id}")
def delete_endpoint(request: Any, endpoint_id: str) -> HttpResponse:
    caller, row = require_admin(request, "delete_endpoint"), _endpoint(endpoint_id)
    service = _external(row.service)
    _register(caller, service, [url for url in _urls(service) if url != row.public_url])
    return nothing()


@router.get("/regions")
def list_regions(request: Any) -> HttpResponse:
    return told(request, "regions", [shapes.region(root_url(request))])


@router.post("/regions")
def create_region(request: Any) -> HttpResponse:
    require_admin(request, "create_region")
    raise Forbidden("This cloud has one region.")


@router.get("/regions/{region_id}")
def show_region(request: Any, region_id: str) -> HttpResponse:
    if region_id != listing.REGION:
        raise ItemNotFound(f"Could not find region: {region_id}.")
    return JsonResponse({"region": shapes.region(root_url(request))})


def _services() -> QuerySet[Service]:
    return Service.objects.filter(catalog=Service.Catalog.OPENSTACK).select_related("component")


def _service(text: str) -> Service:
    """Raises ItemNotFound."""
    row = _services().filter(pk=_number(text)).first()
    if row is None:
        raise ItemNotFound(f"Could not find service: {text}.")
    return row


def _number(text: str) -> int:
    """What ``shapes.service_id`` was made of; 0, which none has, for what cannot be one."""
    found = int(text, 16) if len(text) == 32 and all(c in "0123456789abcdef" for c in text) else 0
    return found if found < 2**63 else 0


def _endpoints() -> QuerySet[Endpoint]:
    return Endpoint.objects.filter(service__catalog=Service.Catalog.OPENSTACK).select_related(
        "service__component"
    )


def _endpoint(text: str) -> Endpoint:
    """Raises ItemNotFound."""
    row = _endpoints().filter(uuid=parse_uuid(text)).first()
    if row is None:
        raise ItemNotFound(f"Could not find endpoint: {text}.")
    return row


def _shown(request: Any, row: Endpoint) -> dict[str, Any]:
    return shapes.endpoint(row, listing.absolute(request, row.public_url), root_url(request))


def _external(row: Service) -> Service:
    if row.component.name != EXTERNAL:
        raise Forbidden(f"The service {row.name} is part of the cloud and stays as it is.")
    return row


def _urls(service: Service) -> list[str]:
    return list(service.endpoints.order_by("pk").values_list("public_url", flat=True))


def _register(caller: Caller, service: Service, urls: list[str]) -> None:
    endpoints = [EndpointDefinition(url) for url in urls]
    definition = ServiceDefinition(service.name, service.type, service.catalog, endpoints)
    rules.register_service(caller, service.component, definition)
    listing.forget()
