"""What hangs on one server in compute v2.1: metadata, addresses, groups, password, what was done to it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router

from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound
from synnefo.cyclades.networks.models import SecurityGroup
from synnefo.cyclades.openstack import kit, microversions
from synnefo.cyclades.servers import rules, vault
from synnefo.cyclades.servers.api import openstack_views as views
from synnefo.cyclades.servers.api.openstack_bodies import MetaBody, MetadataBody
from synnefo.cyclades.servers.models import Server
from synnefo.engine.rules import history_of

router = Router()
#: The microversion that tells what was done to servers that are deleted, too.
_DELETED_TOO = 21
#: The one that has moves of servers below them.
_MIGRATIONS = 23


@router.get("/servers/{server_id}/metadata")
def show_metadata(request: HttpRequest, server_id: str) -> HttpResponse:
    return kit.answer({"metadata": views.metadata_of(_server(request, server_id))})


@router.post("/servers/{server_id}/metadata")
def merge_metadata(request: HttpRequest, server_id: str, body: MetadataBody) -> HttpResponse:
    uuid = kit.known_id(server_id, "Instance")
    return kit.answer({"metadata": rules.set_metadata(kit.caller_of(request), uuid, body.metadata)})


@router.put("/servers/{server_id}/metadata")
def replace_metadata(request: HttpRequest, server_id: str, body: MetadataBody) -> HttpResponse:
    uuid = kit.known_id(server_id, "Instance")
    kept = rules.set_metadata(kit.caller_of(request), uuid, body.metadata, replace=True)
    return kit.answer({"metadata": kept})


@router.get("/servers/{server_id}/metadata/{key}")
def show_metadata_item(request: HttpRequest, server_id: str, key: str) -> HttpResponse:
    found = views.metadata_of(_server(request, server_id))
    if key not in found:
        raise ItemNotFound("Metadata item was not found")
    return kit.answer({"meta": {key: found[key]}})


@router.put("/servers/{server_id}/metadata/{key}")
def set_metadata_item(request: HttpRequest, server_id: str, key: str, body: MetaBody) -> HttpResponse:
    uuid = kit.known_id(server_id, "Instance")
    if key not in body.meta:
        raise BadRequest("Request body and URI mismatch")
    rules.set_metadata(kit.caller_of(request), uuid, body.meta)
    return kit.answer({"meta": body.meta})


@router.delete("/servers/{server_id}/metadata/{key}")
def delete_metadata_item(request: HttpRequest, server_id: str, key: str) -> HttpResponse:
    uuid = kit.known_id(server_id, "Instance")
    if "\x00" in key:
        raise ItemNotFound("Metadata item was not found")
    rules.delete_metadata(kit.caller_of(request), uuid, key)
    return kit.empty(204)


@router.get("/servers/{server_id}/ips")
def list_addresses(request: HttpRequest, server_id: str) -> HttpResponse:
    found = views.addresses_of(_server(request, server_id))
    return kit.answer({"addresses": {network: views.plain(rows) for network, rows in found.items()}})


@router.get("/servers/{server_id}/ips/{path:network}")
def list_addresses_of_network(request: HttpRequest, server_id: str, network: str) -> HttpResponse:
    found = views.addresses_of(_server(request, server_id))
    if network not in found:
        raise ItemNotFound("Instance is not a member of specified network")
    return kit.answer({network: views.plain(found[network])})


@router.get("/servers/{server_id}/os-security-groups")
def list_security_groups(request: HttpRequest, server_id: str) -> HttpResponse:
    """The groups of all its cards, with Nova's words for their rules."""
    server = _server(request, server_id)
    found = SecurityGroup.objects.filter(ports__server=server).distinct().order_by("name", "id")
    rows = found.prefetch_related("rules__remote_group")
    return kit.answer({"security_groups": [views.security_group_of(group) for group in rows]})


@router.get("/servers/{server_id}/os-server-password")
def show_password(request: HttpRequest, server_id: str) -> HttpResponse:
    """The administrator's password while it is kept; afterwards, as from Nova, an empty text."""
    server = _server(request, server_id)
    try:
        password = vault.password_of(server)
    except ItemNotFound:
        password = ""
    return kit.answer({"password": password})


@router.delete("/servers/{server_id}/os-server-password")
def forget_password(request: HttpRequest, server_id: str) -> HttpResponse:
    vault.forget_password(kit.caller_of(request), _server(request, server_id))
    return kit.empty(204)


@router.get("/servers/{server_id}/os-instance-actions")
def list_actions(request: HttpRequest, server_id: str) -> HttpResponse:
    server = _acted_on(request, server_id)
    history = history_of(Server.TARGET, server.pk)
    return kit.answer({"instanceActions": [views.action_of(server, operation) for operation in history]})


@router.get("/servers/{server_id}/os-instance-actions/{request_id}")
def show_action(request: HttpRequest, server_id: str, request_id: str) -> HttpResponse:
    server = _acted_on(request, server_id)
    history = history_of(Server.TARGET, server.pk)
    operation = next((row for row in history if row.request_id == request_id), None)
    if operation is None:
        raise ItemNotFound(f"Action for request_id {request_id} on instance {server.uuid} not found")
    shown = {**views.action_of(server, operation), "events": views.events_of(operation)}
    return kit.answer({"instanceAction": shown})


@router.get("/servers/{server_id}/migrations")
def list_migrations(request: HttpRequest, server_id: str) -> HttpResponse:
    """Servers stay on their engines; only administrators may ask."""
    microversions.need(request, first=_MIGRATIONS)
    _server(request, server_id)
    if not kit.caller_of(request).is_admin:
        raise Forbidden("Policy doesn't allow os_compute_api:servers:migrations:index to be performed.")
    return kit.answer({"migrations": []})


def _acted_on(request: HttpRequest, server_id: str) -> Server:
    if microversions.spoken(request) < _DELETED_TOO:
        return _server(request, server_id)
    uuid = kit.known_id(server_id, "Instance")
    found = rules.servers_for(kit.caller_of(request), deleted=None).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Instance {uuid} could not be found.")
    return found


def _server(request: HttpRequest, server_id: str) -> Server:
    return rules.get(kit.caller_of(request), kit.known_id(server_id, "Instance"))
