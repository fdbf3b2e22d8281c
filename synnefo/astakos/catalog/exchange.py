"""Definitions of services as JSON, in the form that Synnefo's components hand to Astakos.

    {"cyclades_compute": {"component": "cyclades", "type": "compute",
                          "endpoints": [{"publicURL": "https://...", "versionId": "v2.0", ...}],
                          "resources": {"vm": {"name": "cyclades.vm", "desc": "...", "unit": null,
                                               "service_type": "compute",
                                               "service_origin": "cyclades_compute",
                                               "api_visible": true, "ui_visible": true}}}}

``catalog`` says which facade lists a service where that is not identity v2.0: ``openstack``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from synnefo.astakos.catalog import rules
from synnefo.astakos.catalog.models import Component, Service
from synnefo.astakos.catalog.rules import EndpointDefinition, ResourceDefinition, ServiceDefinition
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.common.transactions import atomic

_URL = "publicURL"


class ResourceGiven(BaseModel):
    name: str
    desc: str = ""
    unit: str | None = None
    service_type: str
    service_origin: str
    api_visible: bool = True
    ui_visible: bool = True


class ServiceGiven(BaseModel):
    component: str = ""
    type: str = Field(min_length=1, max_length=255)
    catalog: Literal["synnefo", "openstack", ""] = "synnefo"
    endpoints: list[dict[str, str | int | bool | None]] = []
    resources: dict[str, ResourceGiven] = {}


class ComponentGiven(BaseModel):
    base_url: str = ""
    ui_url: str = ""
    services: dict[str, ServiceGiven] = {}


_services = TypeAdapter(dict[str, ServiceGiven])
_components = TypeAdapter(dict[str, ComponentGiven])


def exported(component: str, services: Iterable[ServiceDefinition]) -> dict[str, Any]:
    """What ``import_services`` reads."""
    return {service.name: _written(component, service) for service in services}


def import_services(caller: Caller, text: str) -> list[str]:
    """Register services, all or none; returns warnings.

    Raises BadRequest, ItemNotFound (component), Conflict (a service of another component).
    """
    with atomic():
        return [
            line
            for name, given in _read(_services, text).items()
            for line in _register(caller, _component(given.component), name, given)
        ]


def apply(caller: Caller, text: str) -> tuple[dict[str, str], list[str]]:
    """Components as ``{name: {base_url, ui_url, services}}``: made, or changed until they are like that.

    Services of theirs that are not there go. All or nothing; returns the tokens of new ones, and warnings.
    Raises as ``import_services`` does.
    """
    tokens: dict[str, str] = {}
    warnings: list[str] = []
    with atomic():
        for name, given in _read(_components, text).items():
            urls = {"base_url": given.base_url, "ui_url": given.ui_url}
            row = Component.objects.filter(name=name).first()
            if row is None:
                row, tokens[name] = rules.add_component(caller, name, **urls)
            elif (row.base_url, row.url) != (given.base_url, given.ui_url):
                row = rules.modify_component(caller, row, **urls)
            for service in row.services.exclude(name__in=given.services):
                rules.remove_service(caller, service)
            for service_name, service_given in given.services.items():
                warnings += _register(caller, row, service_name, service_given)
    return tokens, warnings


def _read(adapter: TypeAdapter[Any], text: str) -> Any:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadRequest(f"{place}: {first['msg']}" if place else first["msg"]) from error


def _component(name: str) -> Component:
    row = Component.objects.filter(name=name).first()
    if row is None:
        raise ItemNotFound(f"There is no component {name!r}; component-add makes one.")
    return row


def _register(caller: Caller, component: Component, name: str, given: ServiceGiven) -> list[str]:
    rules.register_service(caller, component, _definition(name, given))
    base = component.base_url
    urls = [str(endpoint[_URL]) for endpoint in given.endpoints]
    return [
        f"The address {url} of {name} does not begin with {base}, that of its component."
        for url in urls
        if not url.startswith(base)
    ]


def _definition(name: str, given: ServiceGiven) -> ServiceDefinition:
    """Raises BadRequest for endpoints without an address and resources of other services."""
    endpoints = []
    for endpoint in given.endpoints:
        data = {key: str(value) for key, value in endpoint.items() if value is not None}
        url = data.pop(_URL, "")
        if not url:
            raise BadRequest(f"{name}: an endpoint has no {_URL}.")
        endpoints.append(EndpointDefinition(url, data))
    for resource in given.resources.values():
        if resource.service_origin != name:
            raise BadRequest(f"{name}: the resource {resource.name} names another service as its origin.")
    resources = [
        ResourceDefinition(row.name, row.desc, row.unit or "", row.api_visible, row.ui_visible)
        for row in given.resources.values()
    ]
    return ServiceDefinition(name, given.type, Service.Catalog(given.catalog), endpoints, resources)


def _written(component: str, service: ServiceDefinition) -> dict[str, Any]:
    resources = {
        row.name.partition(".")[2]: {
            "name": row.name,
            "desc": row.description,
            "unit": row.unit or None,
            "service_type": service.type,
            "service_origin": service.name,
            "api_visible": row.api_visible,
            "ui_visible": row.ui_visible,
        }
        for row in service.resources
    }
    written: dict[str, Any] = {
        "component": component,
        "type": service.type,
        "endpoints": [{_URL: row.url, **row.data} for row in service.endpoints],
        "resources": resources,
    }
    return written if service.catalog == Service.Catalog.SYNNEFO else {**written, "catalog": service.catalog}


def as_text(definitions: dict[str, Any]) -> str:
    return json.dumps(definitions, indent=2)
