"""Registering components, services and resources, and changing resources' defaults."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import secrets
from collections.abc import Mapping, Sequence

from django.db import transaction
from django.utils import timezone

from synnefo.astakos.catalog import listing
from synnefo.astakos.catalog.models import Component, Endpoint, Resource, Service
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.models import Project
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound, Unauthorized
from synnefo.common.fields import check_fields
from synnefo.common.sealing import Broken, seal, unseal
from synnefo.common.transactions import atomic
from synnefo.common.units import INFINITE

_TOKEN, _SHORTEST_TOKEN = "service token", 20


@dataclasses.dataclass(frozen=True, slots=True)
class EndpointDefinition:
    """``url`` is absolute, or begins with ``/`` for this very cloud."""

    url: str
    data: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class ResourceDefinition:
    name: str
    description: str
    unit: str = ""
    api_visible: bool = True
    ui_visible: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class ServiceDefinition:
    name: str
    type: str
    catalog: str = Service.Catalog.NONE
    endpoints: Sequence[EndpointDefinition] = ()
    resources: Sequence[ResourceDefinition] = ()


def register_component(caller: Caller, name: str, *, base_url: str = "", ui_url: str = "") -> Component:
    """A component by this name; one that is there already keeps the addresses it has."""
    with atomic():
        addresses = {"base_url": base_url, "url": ui_url}
        component, created = Component.objects.get_or_create(name=name, defaults=addresses)
        if created:
            audit.record(caller, "component.register", "component", component.pk, name=name)
    return component


def add_component(
    caller: Caller, name: str, *, base_url: str = "", ui_url: str = ""
) -> tuple[Component, str]:
    """A new component and its service token. Raises BadRequest, Conflict if there is one of this name."""
    check_fields(Component(name=name, base_url=base_url, url=ui_url), ("name", "base_url", "url"))
    with atomic():
        if Component.objects.filter(name=name).exists():
            raise Conflict(f"There is a component {name!r} already.")
        component = register_component(caller, name, base_url=base_url, ui_url=ui_url)
        return component, renew_service_token(caller, component)


def remove_component(caller: Caller, component: Component) -> None:
    """It goes with its services. Its resources stay, with all that is charged for them."""
    with atomic():
        audit.record(caller, "component.remove", "component", component.pk, name=component.name)
        component.delete()
        transaction.on_commit(listing.forget)


def purge_services(caller: Caller, component: Component, *, keep: Sequence[str] = ()) -> None:
    """Take the services of a component out, but those that are named. Their resources stay."""
    with atomic():
        gone = component.services.exclude(name__in=keep)
        for service in gone:
            audit.record(caller, "service.remove", "service", service.pk, name=service.name)
        gone.delete()
        transaction.on_commit(listing.forget)


def modify_component(
    caller: Caller, component: Component, *, base_url: str | None = None, ui_url: str | None = None
) -> Component:
    """Change its addresses. What begins with ``/`` is on this very cloud. Raises BadRequest."""
    with atomic():
        row = Component.objects.select_for_update().get(pk=component.pk)
        row.base_url = row.base_url if base_url is None else base_url
        row.url = row.url if ui_url is None else ui_url
        check_fields(row, ("base_url", "url"))
        row.save()
        audit.record(caller, "component.modify", "component", row.pk, name=row.name)
        transaction.on_commit(listing.forget)
    return row


def register_service(caller: Caller, component: Component, definition: ServiceDefinition) -> Service:
    """A service with its endpoints and resources; a known one of the same component is brought up to date.

    Raises Conflict if the name belongs to another component.
    """
    with atomic():
        service = Service.objects.filter(name=definition.name).first() or Service(name=definition.name)
        if service.pk and service.component_id != component.pk:
            raise Conflict(f"The service {definition.name} belongs to another component.")
        changed = (service.type, service.catalog) != (definition.type, definition.catalog)
        service.component, service.type, service.catalog = component, definition.type, definition.catalog
        service.save()
        changed |= _replace_endpoints(service, definition.endpoints)
        for resource in definition.resources:
            _register_resource(service, resource)
        if changed:
            audit.record(caller, "service.register", "service", service.pk, name=service.name)
            transaction.on_commit(listing.forget)
    return service


def remove_service(caller: Caller, service: Service) -> None:
    """Take a service out of the catalog, with its endpoints. Raises Conflict if resources belong to it."""
    with atomic():
        if Resource.objects.filter(service_origin=service.name).exists():
            raise Conflict(f"Resources belong to the service {service.name}.")
        audit.record(caller, "service.remove", "service", service.pk, name=service.name)
        service.delete()
        transaction.on_commit(listing.forget)


def modify_resource(
    caller: Caller,
    name: str,
    *,
    system_default: int | None = None,
    project_default: int | None = None,
    api_visible: bool | None = None,
    ui_visible: bool | None = None,
) -> Resource:
    """Change what new projects get, or who is shown it. Raises ItemNotFound.

    What is shown in pages is shown in the API: switching one on (or off) takes the other along.
    """
    with atomic():
        resource = Resource.objects.select_for_update().filter(name=name).first()
        if resource is None:
            raise ItemNotFound(f"No resource is called {name!r}.")
        if system_default is not None:
            resource.system_default = system_default
        if project_default is not None:
            resource.project_default = project_default
        if api_visible is not None:
            resource.api_visible = api_visible
            resource.ui_visible = resource.ui_visible and api_visible
        if ui_visible is not None:
            resource.ui_visible = ui_visible
            resource.api_visible = resource.api_visible or ui_visible
        resource.save()
        audit.record(caller, "resource.modify", "resource", name)
    return resource


def find_component(text: str) -> Component:
    """By name or id. Raises ItemNotFound."""
    rows = Component.objects.filter(name=text)
    if not rows.exists() and text.isascii() and text.isdigit():
        rows = Component.objects.filter(pk=int(text))
    component = rows.first()
    if component is None:
        raise ItemNotFound(f"No component {text!r}.")
    return component


def find_service(text: str) -> Service:
    """By name or id. Raises ItemNotFound."""
    rows = Service.objects.select_related("component")
    found = rows.filter(name=text).first()
    if found is None and text.isascii() and text.isdigit():
        found = rows.filter(pk=int(text[:18])).first()
    if found is None:
        raise ItemNotFound(f"No service {text!r}.")
    return found


def renew_service_token(
    caller: Caller, component: Component, *, token: str = "", expires: datetime.datetime | None = None
) -> str:
    """A new service token, which may be given; the old one stops working.

    Raises BadRequest for a given one that can be guessed, Conflict if it is another component's.
    """
    if token and (len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable()):
        raise BadRequest(f"A service token has at least {_SHORTEST_TOKEN} printable characters.")
    token = token or secrets.token_urlsafe(32)
    digest, sealed = kept_token(token)
    with atomic():
        row = Component.objects.select_for_update().get(pk=component.pk)
        if Component.objects.filter(token_digest=digest).exclude(pk=row.pk).exists():
            raise Conflict("Another component has this token.")
        row.token_digest, row.token_sealed = digest, sealed
        row.token_created, row.token_expires = timezone.now(), expires
        row.save()
        audit.record(caller, "component.token", "component", row.pk, name=row.name)
    return token


def kept_token(token: str) -> tuple[str, str]:
    """A service token as the table keeps it: its digest, and encrypted."""
    return _digest(token), seal(token, _TOKEN)


def reveal_service_token(caller: Caller, component: Component) -> str:
    """The service token, for who installs the component. Raises Conflict if it cannot be told any more."""
    if component.token_digest is None:
        raise Conflict(f"{component.name} has no service token; component-modify --renew-token makes one.")
    try:
        token = unseal(component.token_sealed, _TOKEN)
    except Broken:
        raise Conflict(
            f"The token of {component.name} cannot be read; component-modify --renew-token makes another."
        ) from None
    with atomic():
        audit.record(caller, "component.reveal", "component", component.pk, name=component.name)
    return token


def component_of_token(token: str) -> Component:
    """The component that a service token belongs to. Raises Unauthorized."""
    component = Component.objects.filter(token_digest=_digest(token)).first() if token else None
    if component is None:
        raise Unauthorized("Invalid X-Auth-Token")
    if component.token_expires is not None and component.token_expires <= timezone.now():
        raise Unauthorized("Authentication expired")
    return component


def _replace_endpoints(service: Service, endpoints: Sequence[EndpointDefinition]) -> bool:
    """Whether something changed. Rows that stay the same keep their ids, which clients may have noted."""
    old = {(row.public_url, tuple(sorted(row.data.items()))): row for row in service.endpoints.all()}
    wanted = {(given.url, tuple(sorted(given.data.items()))): given for given in endpoints}
    service.endpoints.filter(pk__in=[row.pk for key, row in old.items() if key not in wanted]).delete()
    for key, given in wanted.items():
        if key not in old:
            Endpoint.objects.create(service=service, public_url=given.url, data=dict(given.data))
    return old.keys() != wanted.keys()


def _register_resource(service: Service, definition: ResourceDefinition) -> None:
    """A new resource reaches all projects at once; a known one keeps its defaults and visibility."""
    if not definition.name.partition(".")[2]:
        raise BadRequest(f"The name of a resource has a dot: {definition.name!r}.")
    resource, created = Resource.objects.update_or_create(
        name=definition.name,
        defaults={
            "description": definition.description,
            "unit": definition.unit,
            "service_type": service.type,
            "service_origin": service.name,
        },
        create_defaults={
            "description": definition.description,
            "unit": definition.unit,
            "service_type": service.type,
            "service_origin": service.name,
            "system_default": INFINITE,
            "project_default": 0 if definition.api_visible else INFINITE,
            "api_visible": definition.api_visible,
            "ui_visible": definition.ui_visible and definition.api_visible,
        },
    )
    if created:
        existing = list(Project.objects.filter(state__in=Project.INITIALIZED))
        projects.fill_limits(existing, [resource])
        projects.sync(existing)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
