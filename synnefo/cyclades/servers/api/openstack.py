"""Servers in compute v2.1: lists, life, actions. What hangs on one server is in ``openstack_parts``."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.dateparse import parse_datetime
from ninja import Body, Query, Router
from pydantic import BaseModel, Field, ValidationError

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.cyclades.console import rules as console
from synnefo.cyclades.networks.models import IPAddress
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.api import openstack_bodies as bodies
from synnefo.cyclades.servers.api import openstack_parts, openstack_views
from synnefo.cyclades.servers.models import Server

router = Router()
router.add_router("", openstack_parts.router)

M = TypeVar("M", bound=BaseModel)
View = Callable[[Sequence[Server], str], list[dict[str, Any]]]
Oper, Task = Server.Oper, Server.Task
_REBOOTING = Q(task=Task.REBOOT, operstate__in=(Oper.STARTED, Oper.STOPPED))
_STATUS = {
    "BUILD": Q(operstate=Oper.BUILD),
    "ACTIVE": Q(operstate=Oper.STARTED) & ~_REBOOTING,
    "SHUTOFF": Q(operstate=Oper.STOPPED) & ~_REBOOTING,
    "REBOOT": _REBOOTING,
    "ERROR": Q(operstate=Oper.ERROR),
    "DELETED": Q(operstate=Oper.DESTROYED),
}
_NOBODY = Q(pk__in=())


class ServerFilters(kit.Listing):
    """``deleted`` and ``all_tenants`` are for administrators."""

    name: kit.Text | None = None
    status: list[kit.Text] | None = None
    image: kit.Text | None = None
    flavor: kit.Text | None = None
    ip: kit.Text | None = None
    uuid: list[kit.Text] | None = None
    key_name: kit.Text | None = None
    changes_since: kit.Text | None = Field(None, alias="changes-since")
    deleted: bool = False
    all_tenants: bool | None = None
    all_projects: bool | None = None


@router.get("/servers")
def list_servers(request: HttpRequest, filters: Query[ServerFilters]) -> HttpResponse:
    return _listed(request, filters, "servers", _briefly)


@router.get("/servers/detail")
def list_servers_with_details(request: HttpRequest, filters: Query[ServerFilters]) -> HttpResponse:
    return _listed(request, filters, "servers/detail", openstack_views.details_of)


@router.post("/servers")
def create_server(request: HttpRequest, body: bodies.NewServerBody) -> HttpResponse:
    wanted = body.server.request()
    try:
        server, password = rules.create(kit.caller_of(request), wanted)
    except ItemNotFound as fault:
        raise BadRequest(fault.message) from None  # Nova's answer where a body names what there is not
    links = openstack_views.links_of(server.uuid, kit.address(request, "compute"))
    made = {
        "id": server.uuid,
        "links": links,
        "OS-DCF:diskConfig": bodies.DISK_CONFIG,
        "security_groups": [{"name": bodies.GROUP}],
        "adminPass": password,
    }
    response = kit.answer({"server": made}, 202)
    response["Location"] = links[0]["href"]
    return response


@router.get("/servers/{server_id}")
def show_server(request: HttpRequest, server_id: str) -> HttpResponse:
    server = rules.get(kit.caller_of(request), kit.known_id(server_id, "Instance"))
    return kit.answer({"server": _details(request, server)})


@router.put("/servers/{server_id}")
def update_server(request: HttpRequest, server_id: str, body: bodies.ServerChangesBody) -> HttpResponse:
    caller, uuid = kit.caller_of(request), kit.known_id(server_id, "Instance")
    name = body.server.name
    server = rules.get(caller, uuid) if name is None else rules.rename(caller, uuid, name)
    return kit.answer({"server": openstack_views.core_of(_details(request, server))})


@router.delete("/servers/{server_id}")
def delete_server(request: HttpRequest, server_id: str) -> HttpResponse:
    rules.delete(kit.caller_of(request), kit.known_id(server_id, "Instance"))
    return kit.empty(204)


@router.post("/servers/{server_id}/action")
def act(request: HttpRequest, server_id: str, body: Body[dict[str, Any]]) -> HttpResponse:
    """One action: the key of the body says which."""
    caller, uuid = kit.caller_of(request), kit.known_id(server_id, "Instance")
    if len(body) != 1:
        raise BadRequest("The request must name one action.")
    name, arguments = next(iter(body.items()))
    if name == "os-start":
        rules.start(caller, uuid)
    elif name == "os-stop":
        rules.stop(caller, uuid)
    elif name == "reboot":
        rules.reboot(caller, uuid, hard=_arguments(bodies.Reboot, name, arguments).type == "HARD")
    elif name == "os-getConsoleOutput":
        lines = _arguments(bodies.ConsoleOutput, name, arguments or {}).lines
        return kit.answer({"output": console.console_log(caller, uuid, lines)})
    elif name == "os-getVNCConsole":
        kind = _arguments(bodies.VncConsole, name, arguments).type
        url = console.open_console(caller, uuid, base=kit.origin(request))
        return kit.answer({"console": {"type": kind, "url": url}})
    else:
        raise BadRequest(f"There is no such action: {name}")
    return kit.empty(202)


def _arguments(kind: type[M], name: str, value: object) -> M:
    """What an action was given. Raises BadRequest."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([name, *map(str, first["loc"])])
        raise BadRequest(f"{place}: {first['msg']}") from None


def _details(request: HttpRequest, server: Server) -> dict[str, Any]:
    [shown] = openstack_views.details_of([server], kit.address(request, "compute"))
    return shown


def _briefly(servers: Sequence[Server], compute_url: str) -> list[dict[str, Any]]:
    return [openstack_views.brief_of(server, compute_url) for server in servers]


def _listed(request: HttpRequest, filters: ServerFilters, path: str, view: View) -> HttpResponse:
    rows = _rows(kit.caller_of(request), filters).select_related(None).prefetch_related(None)
    found, more = kit.page_of(rows.defer("user_data"), filters)
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
    rows = rules.servers_for(caller, deleted=filters.deleted and caller.is_admin)
    if filters.name is not None:
        rows = rows.filter(_matching("name", filters.name))
    if filters.status is not None:
        rows = rows.filter(_with_status(filters.status))
    if filters.image is not None:
        rows = rows.filter(image=kit.wanted_id(filters.image))
    if filters.flavor is not None:
        rows = rows.filter(flavor__uuid=kit.wanted_id(filters.flavor))
    if filters.uuid is not None:
        rows = rows.filter(uuid__in=kit.wanted_ids(filters.uuid))
    if filters.key_name is not None:
        rows = rows.filter(key_name=filters.key_name)
    if filters.ip is not None:
        addresses = IPAddress.objects.filter(_matching("address", filters.ip), port__server__isnull=False)
        rows = rows.filter(pk__in=addresses.values("port__server"))
    if filters.changes_since is not None:
        rows = rows.filter(updated__gte=_moment(filters.changes_since))
    return rows


def _matching(column: str, pattern: str) -> Q:
    """Text with the pattern in it. Clients send regular expressions; of these the two anchors are honoured,
    the rest is taken literally, since an expression of a stranger may keep a database busy for hours."""
    start, end = pattern.startswith("^"), pattern.endswith("$")
    text = re.sub(r"\\(.)", r"\1", pattern.removeprefix("^").removesuffix("$"))
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
