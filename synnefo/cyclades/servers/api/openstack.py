"""Servers in compute v2.1: lists, making, changing, removing; the rest is in the files beside this one."""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.dateparse import parse_datetime
from ninja import Query, Router
from pydantic import Field

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.flavors.rules import named
from synnefo.cyclades.networks import automatic
from synnefo.cyclades.networks import groups as security_groups
from synnefo.cyclades.networks.models import IPAddress
from synnefo.cyclades.openstack import kit, microversions
from synnefo.cyclades.servers import rules, several
from synnefo.cyclades.servers.api import (
    openstack_actions,
    openstack_attachments,
    openstack_groups,
    openstack_newer,
    openstack_parts,
    openstack_tags,
    openstack_views,
)
from synnefo.cyclades.servers.api import openstack_bodies as bodies
from synnefo.cyclades.servers.models import Server

router = Router()
for part in (openstack_parts, openstack_attachments, openstack_actions, openstack_groups, openstack_tags):
    router.add_router("", part.router)

View = Callable[[Sequence[Server], str], list[dict[str, Any]]]
Oper = Server.Oper
_WORKING = ~Q(operstate__in=openstack_views.NOT_WORKING)
_BUSY = _WORKING & Q(task__in=openstack_views.BUSY_STATUS)
_RESCUED = Q(operstate=Oper.STARTED, rescue=True)
#: Statuses as queries: the same as ``openstack_views.status_of`` says of one.
_STATUS = {
    **{status: _WORKING & Q(task=task) for task, status in openstack_views.BUSY_STATUS.items()},
    "BUILD": Q(operstate=Oper.BUILD),
    "ERROR": Q(operstate=Oper.ERROR),
    "DELETED": Q(operstate=Oper.DESTROYED),
    "RESCUE": _RESCUED & ~_BUSY,
    "ACTIVE": Q(operstate=Oper.STARTED) & ~_BUSY & ~_RESCUED,
    "SHUTOFF": Q(operstate=Oper.STOPPED) & ~_BUSY,
    "PAUSED": Q(operstate=Oper.PAUSED) & ~_BUSY,
    "SUSPENDED": Q(operstate=Oper.SUSPENDED) & ~_BUSY,
    "SHELVED_OFFLOADED": Q(operstate=Oper.SHELVED) & ~_BUSY,
    "VERIFY_RESIZE": Q(operstate=Oper.RESIZED) & ~_BUSY,
}
_NOBODY = Q(pk__in=())
#: A regular expression that is looked for as such: characters, classes and anchors, repeated twice at most.
_HARMLESS = re.compile(r"\^?(?:(?:[\w :@,-]|\\[^\w\s]|\.|\[[\w-]+\])[*+?]?)+\$?")
_MOST_REPEATED = 2


class ServerFilters(openstack_newer.TagFilters):
    """``deleted``, ``host`` and ``all_tenants`` are for administrators."""

    name: kit.Text | None = None
    status: list[kit.Text] | None = None
    image: kit.Text | None = None
    flavor: kit.Text | None = None
    ip: kit.Text | None = None
    ip6: kit.Text | None = None
    host: kit.Text | None = None
    user_id: kit.Text | None = None
    project_id: kit.Text | None = None
    tenant_id: kit.Text | None = None
    availability_zone: kit.Text | None = None
    reservation_id: kit.Text | None = None
    uuid: list[kit.Text] | None = None
    key_name: kit.Text | None = None
    changes_since: kit.Text | None = Field(None, alias="changes-since")
    deleted: bool | None = None
    all_tenants: bool | None = None
    all_projects: bool | None = None


@router.get("/servers")
def list_servers(request: HttpRequest, filters: Query[ServerFilters]) -> HttpResponse:
    return _listed(request, filters, "servers", _briefly)


@router.get("/servers/detail")
def list_servers_with_details(request: HttpRequest, filters: Query[ServerFilters]) -> HttpResponse:
    admin, spoken = kit.caller_of(request).is_admin, microversions.spoken(request)
    view = functools.partial(openstack_views.details_of, for_admin=admin, spoken=spoken)
    return _listed(request, filters, "servers/detail", view)


@router.post("/servers")
def create_server(request: HttpRequest, body: bodies.NewServerBody) -> HttpResponse:
    """One server, or several; Nova's answer tells of the first, or how to find all of them."""
    caller, wanted = kit.caller_of(request), body.server
    least, most = wanted.counts
    _check_networks(request, wanted)
    try:
        if wanted.networks == bodies.AUTO:
            automatic.ensure(caller)
        chosen = security_groups.named(caller, wanted.group_names) if wanted.group_names else None
        groups = None if chosen is None else [group.uuid for group in chosen]
        made, password = several.create(caller, wanted.request(groups, body.group), least, most)
    except ItemNotFound as fault:
        raise BadRequest(fault.message) from None  # Nova's answer where a body names what there is not
    if kit.is_true(wanted.return_reservation_id):
        return kit.answer({"reservation_id": openstack_newer.reservation(caller.request_id)}, 202)
    links = openstack_views.links_of(made[0].uuid, kit.address(request, "compute"))
    shown = {
        "id": made[0].uuid,
        "links": links,
        "OS-DCF:diskConfig": made[0].disk_config,
        "security_groups": [{"name": name} for name in wanted.group_names or [bodies.GROUP]],
        "adminPass": password,
    }
    response = kit.answer({"server": shown}, 202)
    response["Location"] = links[0]["href"]
    return response


@router.get("/servers/{server_id}")
def show_server(request: HttpRequest, server_id: str) -> HttpResponse:
    server = rules.get(kit.caller_of(request), kit.known_id(server_id, "Instance"))
    return kit.answer({"server": _details(request, server)})


@router.put("/servers/{server_id}")
def update_server(request: HttpRequest, server_id: str, body: bodies.ServerChangesBody) -> HttpResponse:
    caller, uuid = kit.caller_of(request), kit.known_id(server_id, "Instance")
    microversions.only_since(request, openstack_newer.DESCRIPTION, description=body.server.description)
    wanted = body.server.model_dump(exclude_none=True)
    server = rules.update(caller, uuid, **wanted) if wanted else rules.get(caller, uuid)
    return kit.answer({"server": openstack_views.core_of(_details(request, server))})


@router.delete("/servers/{server_id}")
def delete_server(request: HttpRequest, server_id: str) -> HttpResponse:
    rules.delete(kit.caller_of(request), kit.known_id(server_id, "Instance"))
    return kit.empty(204)


def _details(request: HttpRequest, server: Server) -> dict[str, Any]:
    admin, url = kit.caller_of(request).is_admin, kit.address(request, "compute")
    spoken = microversions.spoken(request)
    [shown] = openstack_views.details_of([server], url, for_admin=admin, spoken=spoken)
    return shown


def _check_networks(request: HttpRequest, wanted: bodies.NewServer) -> None:
    """Later microversions want to be told, and have words for all and nothing. Raises BadRequest."""
    strict = microversions.spoken(request) >= openstack_newer.NETWORKS
    if strict and wanted.networks is None:
        raise BadRequest("Invalid input for field/attribute server: 'networks' is a required property")
    if not strict and isinstance(wanted.networks, str):
        raise BadRequest(f"Invalid input for field/attribute networks: {wanted.networks!r} is not a list.")


def _briefly(servers: Sequence[Server], compute_url: str) -> list[dict[str, Any]]:
    return [openstack_views.brief_of(server, compute_url) for server in servers]


def _listed(request: HttpRequest, filters: ServerFilters, path: str, view: View) -> HttpResponse:
    rows = _rows(kit.caller_of(request), filters).select_related(None).prefetch_related(None)
    told = kit.caller_of(request).is_admin and microversions.spoken(request) >= openstack_newer.ATTRIBUTES
    found, more = kit.page_of(rows if told else rows.defer("user_data"), filters)
    url = kit.address(request, "compute")
    body: dict[str, Any] = {"servers": view(found, url)}
    if more:
        following = kit.next_page(request, f"{url}/v2.1/{path}", found[-1].uuid)
        body["servers_links"] = [{"rel": "next", "href": following}]
    return kit.answer(body)


def _rows(caller: Caller, filters: ServerFilters) -> QuerySet[Server]:
    """The servers that are asked for. Raises BadRequest, Forbidden."""
    if filters.all_tenants or filters.all_projects:
        caller = kit.everyone(caller)
    rows = rules.servers_for(caller, deleted=_deleted(caller, filters))
    if filters.status is not None:
        rows = rows.filter(_with_status(filters.status))
    if filters.flavor is not None:
        rows = rows.filter(flavor__in=Flavor.objects.filter(named(kit.wanted_id(filters.flavor))))
    if filters.changes_since is not None:
        rows = rows.filter(updated__gte=_moment(filters.changes_since))
    if filters.reservation_id is not None:
        rows = rows.filter(pk__in=openstack_newer.reserved(filters.reservation_id))
    for pattern in filter(None, (filters.ip, filters.ip6)):
        addresses = IPAddress.objects.filter(_matching("address", pattern), port__server__isnull=False)
        rows = rows.filter(pk__in=addresses.values("port__server"))
    for condition in (*_conditions(caller, filters), *filters.conditions()):
        rows = rows.filter(condition)
    return rows


def _conditions(caller: Caller, filters: ServerFilters) -> Iterator[Q]:
    """What a server's own row must say."""
    if filters.name is not None:
        yield _matching("name", filters.name)
    if filters.image is not None:
        yield Q(image=kit.wanted_id(filters.image))
    if filters.uuid is not None:
        yield Q(uuid__in=kit.wanted_ids(filters.uuid))
    if filters.key_name is not None:
        yield Q(key_name=filters.key_name)
    if filters.availability_zone not in (None, bodies.ZONE):
        yield _NOBODY
    if caller.is_admin and filters.host is not None:
        yield Q(backend__name=filters.host)
    if caller.is_admin and filters.user_id is not None:
        yield Q(userid=kit.wanted_id(filters.user_id))
    project = filters.project_id or filters.tenant_id
    if caller.is_admin and project is not None:
        yield Q(project=kit.wanted_id(project))


def _deleted(caller: Caller, filters: ServerFilters) -> bool | None:
    """Whether deleted servers are asked for; None: as well as the others, for who asks what has changed."""
    if filters.changes_since is not None and filters.deleted is None:
        return None
    return bool(filters.deleted) and caller.is_admin


def _matching(column: str, pattern: str) -> Q:
    """Text with the pattern in it, which clients send as a regular expression.

    Of a stranger's expressions only harmless ones are given to the database, which others would keep busy for
    hours; of these the two anchors are honoured, the rest is taken literally.
    """
    start, end = pattern.startswith("^"), pattern.endswith("$")
    inner = pattern.removeprefix("^").removesuffix("$")
    repeated = len(re.findall(r"[*+]", inner))
    if 1 <= repeated <= _MOST_REPEATED and len(pattern) <= 255 and _HARMLESS.fullmatch(pattern):
        return Q(**{f"{column}__iregex": pattern})
    text = re.sub(r"\\(.)", r"\1", inner)
    kind = {(True, True): "iexact", (True, False): "istartswith", (False, True): "iendswith"}
    return Q(**{f"{column}__{kind.get((start, end), 'icontains')}": text})


def _with_status(wanted: list[str]) -> Q:
    """Any of the statuses; one that does not exist finds nothing."""
    found = _NOBODY
    for status in wanted:
        found |= _STATUS.get(status.upper(), _NOBODY)
    return found


def _moment(text: str) -> datetime.datetime:
    """Raises BadRequest."""
    try:
        moment = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None:
        raise BadRequest(f"Invalid input for changes-since: {text!r} is not a time.")
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)
