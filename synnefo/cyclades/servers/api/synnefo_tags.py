"""Tags of servers in Synnefo's compute v2.0. They are there at once; what is new is told as pending."""

from __future__ import annotations

from urllib.parse import quote

from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest
from synnefo.common.http.plain import answer, empty
from synnefo.cyclades.servers import rules, tags
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.synnefo_api import kit

_ACTIVE, _PENDING = "ACTIVE", "PENDADD"


def _list(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    found = tags.statuses_of(_found(caller, server_id))
    return answer({"tags": list(found), "statuses": list(found.values())})


def _replace(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    server = _changeable(caller, server_id)
    wanted = kit.body_of(request).get("tags")
    if not isinstance(wanted, list) or not all(isinstance(tag, str) for tag in wanted):
        raise BadRequest("Malformed request. Invalid 'tags' attribute.")
    new = tags.replace(caller, server, wanted)
    found = tags.tags_of(server)
    return answer({"tags": found, "statuses": [_PENDING if tag in new else _ACTIVE for tag in found]})


def _remove_all(request: HttpRequest, caller: Caller, server_id: str) -> HttpResponse:
    tags.remove(caller, _changeable(caller, server_id))
    return empty(204)


def _look(request: HttpRequest, caller: Caller, server_id: str, tag: str) -> HttpResponse:
    found = tags.statuses_of(_found(caller, server_id))
    if tag not in found:
        return empty(404)
    response = empty(204)
    response["tag-status"] = found[tag]
    return response


def _add(request: HttpRequest, caller: Caller, server_id: str, tag: str) -> HttpResponse:
    server = _changeable(caller, server_id)
    if not tags.add(caller, server, tag):
        return empty(204)
    response = empty(201)
    response["Location"] = kit.address(request, f"compute/v2.0/servers/{server.pk}/tags/{quote(tag)}")
    return response


def _remove(request: HttpRequest, caller: Caller, server_id: str, tag: str) -> HttpResponse:
    tags.remove(caller, _changeable(caller, server_id), tag)
    return empty(204)


def _found(caller: Caller, server_id: str) -> Server:
    return rules.find(caller, kit.number_of(server_id, "server"))


def _changeable(caller: Caller, server_id: str) -> Server:
    return rules.find_changeable(caller, kit.number_of(server_id, "server"))


ROUTES: kit.Routes = {
    "/servers/{server_id}/tags": kit.served(GET=_list, PUT=_replace, DELETE=_remove_all),
    "/servers/{server_id}/tags/{tag}": kit.served(GET=_look, PUT=_add, DELETE=_remove),
}
