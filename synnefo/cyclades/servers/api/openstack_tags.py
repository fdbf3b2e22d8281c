"""Tags of servers in compute v2.1, in those microversions that have them."""

from __future__ import annotations

import contextlib
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from ninja import Router

from synnefo.common.faults import ItemNotFound
from synnefo.cyclades.openstack import kit, microversions
from synnefo.cyclades.servers import rules, tags
from synnefo.cyclades.servers.api.openstack_newer import TAGS
from synnefo.cyclades.servers.models import Server

router = Router()


class TagsBody(kit.Body):
    tags: list[kit.Text]


@router.get("/servers/{server_id}/tags")
def list_tags(request: HttpRequest, server_id: str) -> HttpResponse:
    return kit.answer({"tags": tags.tags_of(_server(request, server_id))})


@router.put("/servers/{server_id}/tags")
def replace_tags(request: HttpRequest, server_id: str, body: TagsBody) -> HttpResponse:
    server = _server(request, server_id)
    tags.replace(kit.caller_of(request), server, body.tags)
    return kit.answer({"tags": tags.tags_of(server)})


@router.delete("/servers/{server_id}/tags")
def remove_tags(request: HttpRequest, server_id: str) -> HttpResponse:
    server = _server(request, server_id)
    with contextlib.suppress(ItemNotFound):  # there were none
        tags.remove(kit.caller_of(request), server)
    return kit.empty(204)


@router.get("/servers/{server_id}/tags/{tag}")
def look_for_tag(request: HttpRequest, server_id: str, tag: str) -> HttpResponse:
    server = _server(request, server_id)
    if tag not in tags.tags_of(server):
        raise ItemNotFound(f"Server {server.uuid} has no tag '{tag}'")
    return kit.empty(204)


@router.put("/servers/{server_id}/tags/{tag}")
def add_tag(request: HttpRequest, server_id: str, tag: str) -> HttpResponse:
    server = _server(request, server_id)
    if not tags.add(kit.caller_of(request), server, tag):
        return kit.empty(204)
    response = kit.empty(201)
    response["Location"] = kit.address(request, f"compute/v2.1/servers/{server.uuid}/tags/{quote(tag)}")
    return response


@router.delete("/servers/{server_id}/tags/{tag}")
def remove_tag(request: HttpRequest, server_id: str, tag: str) -> HttpResponse:
    tags.remove(kit.caller_of(request), _server(request, server_id), tag)
    return kit.empty(204)


def _server(request: HttpRequest, server_id: str) -> Server:
    microversions.need(request, first=TAGS)
    return rules.get(kit.caller_of(request), kit.known_id(server_id, "Instance"))
