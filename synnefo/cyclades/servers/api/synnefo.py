"""Servers in Synnefo's compute v2.0: lists, life, metadata, addresses. Actions are in ``synnefo_actions``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound, NotImplementedFault
from synnefo.common.http.plain import answer, empty
from synnefo.cyclades.servers import rules, vault
from synnefo.cyclades.servers.api import synnefo_views as views
from synnefo.cyclades.servers.api.synnefo_actions import act, in_state
from synnefo.cyclades.servers.api.synnefo_bodies import metadata_in, server_request
from synnefo.cyclades.servers.graphs import graph_secret
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.synnefo_api import kit

_GRAPHS = {
    "cpuBar": "cpu-bar",
    "cpuTimeSeries": "cpu-ts",
    "netBar": "net-bar",
    "netTimeSeries": "net-ts",
}


def _list(request: HttpRequest, caller: Caller) -> HttpResponse:
    found = _rows(request, caller)
    if found is None:
        return kit.not_modified()
    return answer({"servers": [views.brief_of(request, row) for row in found]})


def _list_detail(request: HttpRequest, caller: Caller) -> HttpResponse:
    found = _rows(request, caller)
    if found is None:
        return kit.not_modified()
    return answer({"servers": views.details_of(request, found)})


def _create(request: HttpRequest, caller: Caller) -> HttpResponse:
    wanted = kit.part_of(request, "server")
    project = kit.text_in(wanted, "project", caller.project)
    owner = kit.acting_in(caller, project, kit.flag_in(wanted, "shared_to_project"))
    server, password = rules.create(owner, server_request(owner, wanted))
    [shown] = views.details_of(request, [server])
    return answer({"server": {**shown, "adminPass": password}}, 202)


def _show(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    [shown] = views.details_of(request, [_found(caller, server_id)])
    return answer({"server": shown})


def _rename(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    server = _changeable(caller, server_id)
    rules.rename(caller, server.uuid, kit.text_in(kit.part_of(request, "server"), "name"))
    return empty(204)


def _delete(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    server = _changeable(caller, server_id)
    in_state(lambda: rules.delete(caller, server.uuid))
    return empty(204)


def _list_addresses(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    return answer(views.addresses_of(_found(caller, server_id)))


def _list_addresses_of_network(
    request: HttpRequest, caller: Caller, server_id: str, network_id: str
) -> HttpResponse:
    addresses = views.addresses_of(_found(caller, server_id))["addresses"]
    wanted = str(kit.number_of(network_id, "network"))
    if wanted not in addresses:
        raise ItemNotFound(f"Network {wanted} not found.")
    return answer({"network": {wanted: addresses[wanted]}})


def _list_diagnostics(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    server = _found(caller, server_id)
    return answer(views.diagnostics_of([server.pk]).get(server.pk, []))


def _show_password(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    """The administrator's password, while it is kept."""
    server = _found(caller, server_id)
    try:
        return answer({"password": vault.password_of(server)})
    except ItemNotFound as fault:
        fault.message = ""  # as 0.21 said it
        raise


def _forget_password(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    vault.forget_password(caller, _changeable(caller, server_id))
    return empty(204)


def _show_stats(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    """Where its graphs are, for whoever has been told."""
    base: str = settings.CYCLADES_STATS_URL
    server = _found(caller, server_id)
    if not base:
        raise NotImplementedFault("There is no statistics service here.")
    secret = quote(graph_secret(server.engine_name), safe="")
    graphs = {name: f"{base.rstrip('/')}/{graph}/{secret}" for name, graph in _GRAPHS.items()}
    refresh: int = settings.CYCLADES_STATS_REFRESH_S
    return answer({"stats": {"serverRef": server.pk, "refresh": refresh, **graphs}})


def _list_metadata(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    return answer({"metadata": views.metadata_of(_found(caller, server_id))})


def _merge_metadata(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    server = _changeable(caller, server_id)
    wanted = metadata_in(kit.body_of(request), "metadata")
    return answer({"metadata": _set_metadata(caller, server, wanted)}, 201)


def _show_metadata_item(request: HttpRequest, caller: Caller, server_id: str, key: str) -> HttpResponse:
    found = views.metadata_of(_found(caller, server_id))
    if key not in found:
        raise ItemNotFound("Metadata key not found.")
    return answer({"meta": {key: found[key]}})


def _set_metadata_item(request: HttpRequest, caller: Caller, server_id: str, key: str) -> HttpResponse:
    server = _changeable(caller, server_id)
    wanted = metadata_in(kit.body_of(request), "meta")
    if set(wanted) != {key}:
        raise BadRequest("Malformed request")
    _set_metadata(caller, server, wanted)
    return answer({"meta": dict(wanted)}, 201)


def _delete_metadata_item(request: HttpRequest, caller: Caller, server_id: str, key: str) -> HttpResponse:
    server = _changeable(caller, server_id)
    if key not in views.metadata_of(server):
        raise ItemNotFound("Metadata key not found.")
    in_state(lambda: rules.delete_metadata(caller, server.uuid, key))
    return empty(204)


def _act(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    body = kit.body_of(request)
    return act(request, caller, _changeable(caller, server_id), body)


def _rows(request: HttpRequest, caller: Caller) -> list[Server] | None:
    return kit.listed(request, rules.servers_for(caller, deleted=None).defer("user_data"))


def _found(caller: Caller, server_id: str) -> Server:
    return rules.find(caller, kit.number_of(server_id, "server"))


def _changeable(caller: Caller, server_id: str) -> Server:
    return rules.find_changeable(caller, kit.number_of(server_id, "server"))


def _set_metadata(caller: Caller, server: Server, wanted: Mapping[str, str]) -> dict[str, Any]:
    """All metadata after the change. More than there may be are a bad request here."""
    try:
        return in_state(lambda: rules.set_metadata(caller, server.uuid, wanted))
    except Forbidden as fault:
        raise BadRequest(fault.message) from None


ROUTES: kit.Routes = {
    "/servers": kit.served(GET=_list, POST=_create),
    "/servers/detail": kit.served(GET=_list_detail),
    "/servers/{server_id}": kit.served(GET=_show, PUT=_rename, DELETE=_delete),
    "/servers/{server_id}/action": kit.served(POST=_act),
    "/servers/{server_id}/ips": kit.served(GET=_list_addresses),
    "/servers/{server_id}/ips/{network_id}": kit.served(GET=_list_addresses_of_network),
    "/servers/{server_id}/metadata": kit.served(GET=_list_metadata, POST=_merge_metadata),
    "/servers/{server_id}/metadata/{key}": kit.served(
        GET=_show_metadata_item, PUT=_set_metadata_item, DELETE=_delete_metadata_item
    ),
    "/servers/{server_id}/password": kit.served(GET=_show_password, DELETE=_forget_password),
    "/servers/{server_id}/stats": kit.served(GET=_show_stats),
    "/servers/{server_id}/diagnostics": kit.served(GET=_list_diagnostics),
}
