"""Pages of servers: the list, one server, its actions. Every change is a call of the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render, resolve_url
from django.urls import URLPattern, URLResolver, path
from django.utils.http import urlencode
from django.views.decorators.http import conditional_page

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Fault, ItemNotFound, OverLimit
from synnefo.common.pages import (
    BUSY_REFRESH_S,
    CALM_REFRESH_S,
    action,
    form_page,
    go,
    living,
    local_path,
    page,
)
from synnefo.common.quota_shown import COMPUTE, bars, told
from synnefo.cyclades.networks import floating
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.servers import life, rules, sizes, systems, tags
from synnefo.cyclades.servers.listing import SERVERS
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.pages_create import create, same
from synnefo.cyclades.servers.shown import Shown, shown
from synnefo.cyclades.shown import operation_shown
from synnefo.cyclades.volumes.rules import volumes_for
from synnefo.engine import rules as engine

Act = Callable[[Caller, str], object]

_MOST_AT_ONCE = 100
_OPERATIONS = 10

_ACTS: dict[str, tuple[str, Act]] = {
    "start": ("is starting", rules.start),
    "stop": ("is stopping", rules.stop),
    "reboot": ("is rebooting", lambda caller, uuid: rules.reboot(caller, uuid, hard=False)),
    "hard-reboot": ("is rebooting", lambda caller, uuid: rules.reboot(caller, uuid, hard=True)),
    "pause": ("is pausing", life.pause),
    "unpause": ("goes on", life.unpause),
    "suspend": ("is suspending", life.suspend),
    "resume": ("is resuming", life.resume),
    "shelve": ("is shelving", life.shelve),
    "unshelve": ("is unshelving", life.unshelve),
    "unrescue": ("leaves rescue", lambda caller, uuid: systems.unrescue(caller, uuid, run=True)),
    "lock": ("is locked", life.lock),
    "unlock": ("is unlocked", life.unlock),
    "confirm-resize": ("keeps its size", sizes.confirm_resize),
    "revert-resize": ("goes back to its old size", sizes.revert_resize),
}


@living("cyclades/servers")
def listing(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    context = SERVERS.context(rules.with_cards(rules.servers_for(caller)), request.GET)
    servers = shown(caller, context["page"].object_list)
    return {
        **context,
        "servers": servers,
        "refresh_s": _refresh_s(servers),
        "bars": bars(accounts().quotas(caller.user, caller.project), COMPUTE),
    }


@page
def detail(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    context = _detail_context(caller, uuid)
    password = request.session.pop(f"password-of-{uuid}", "")
    return render(request, "cyclades/server.html", {**context, "password": password})


@conditional_page
@page
def facts(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """The part of a server's page that lives; when the server is gone, on to the list."""
    try:
        context = _detail_context(caller, uuid)
    except ItemNotFound:
        messages.info(request, "The server is deleted.")
        return go(request, "servers")
    return render(request, "cyclades/server_live.html", context)


@action
def act(request: HttpRequest, caller: Caller) -> HttpResponse:
    """``do`` is an action for all ``server``s that are ticked, or ``action:uuid`` for one."""
    name, _, one = request.POST.get("do", "").partition(":")
    uuids = [one] if one else request.POST.getlist("server")
    back = local_path(request.POST.get("next", ""), SERVERS.path)
    if name == "delete":
        return go(request, "/ui/servers/delete/" + _query(uuids))
    if name not in _ACTS:
        raise BadRequest("There is no such action.")
    words, rule = _ACTS[name]
    _do_to_all(request, caller, uuids, words, rule)
    return go_back(request, back)


@form_page
def rename(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    server = rules.get(caller, uuid)
    if request.method == "POST":
        try:
            rules.rename(caller, uuid, request.POST.get("name", "").strip())
        except Fault as fault:
            messages.error(request, told(fault))
        return go_back(request, f"/ui/servers/{uuid}/")
    context = {"server": server, "url": resolve_url("server-rename", uuid), "next": f"/ui/servers/{uuid}/"}
    return render(request, "cyclades/server_rename.html", context)


@page
def ask_delete(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What exactly goes, before it goes."""
    return _question(request, caller, request.GET)


@action
def delete(request: HttpRequest, caller: Caller) -> HttpResponse:
    uuids = _checked(request.POST.getlist("server"))
    if request.POST.get("typed", "").strip() != _to_type([rules.get(caller, uuid) for uuid in uuids]):
        return _question(request, caller, request.POST, mistyped=True)
    addresses = _floating_of(caller, uuids) if request.POST.get("release") else []
    gone = _do_to_all(request, caller, uuids, "is being deleted", rules.delete)
    for server_uuid, address_uuid in addresses:
        if server_uuid in gone:
            _release(request, caller, address_uuid)
    return go_back(request, local_path(request.POST.get("next", ""), SERVERS.path))


@action
def add_floating_ip(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Take a floating IP and lead it to the server's first card that may have one."""
    server = rules.get(caller, uuid)
    port = next(filter(_may_get_floating_ip, server.ports.all()), None)
    if port is None:
        raise BadRequest("The server has no network card that could have a floating IP.")
    try:
        ip = floating.create(caller, port_uuid=port.uuid)
    except (OverLimit, Conflict) as fault:
        messages.error(request, told(fault))
    else:
        messages.success(request, f"{ip.address} leads to {server.name} now.")
    return go_back(request, f"/ui/servers/{uuid}/")


@action
def remove_floating_ip(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Give a floating IP of this server back."""
    server = rules.get(caller, uuid)
    wanted = request.POST.get("address", "")
    if wanted not in {ip.uuid for port in server.ports.all() for ip in port.floating_ips.all()}:
        raise ItemNotFound("The server has no such floating IP.")
    address = floating.get(caller, wanted).address
    floating.delete(caller, wanted)
    messages.success(request, f"{address} is released; {server.name} cannot be reached by it any more.")
    return go_back(request, f"/ui/servers/{uuid}/")


def go_back(request: HttpRequest, to: str) -> HttpResponse:
    """To the page that shows the outcome; a script follows and takes the part that it needs."""
    return HttpResponseRedirect(to, status=303)


def _question(
    request: HttpRequest, caller: Caller, asked: QueryDict, *, mistyped: bool = False
) -> HttpResponse:
    found = [rules.get(caller, uuid) for uuid in _checked(asked.getlist("server"))]
    if not found:
        raise BadRequest("No server is ticked.")
    going = shown(caller, found)
    context = {
        "servers": going,
        "floating_ips": [ip.address for server in going for ip in server.leading_floating_ips],
        "kept": [ip.address for server in going for ip in server.own_floating_ips],
        "url": resolve_url("server-delete"),
        "next": local_path(asked.get("next", ""), SERVERS.path),
        "typed": _to_type(found),
        "mistyped": mistyped,
    }
    return render(request, "cyclades/servers_delete.html", context, status=422 if mistyped else 200)


def _to_type(servers: Sequence[Server]) -> str:
    """What one types before data is lost for good."""
    return servers[0].name.strip() if len(servers) == 1 else f"{len(servers)} servers"


def _detail_context(caller: Caller, uuid: str) -> dict[str, object]:
    server = rules.get(caller, uuid)
    history = list(engine.history_of(Server.TARGET, server.pk)[:_OPERATIONS])
    names = accounts().names({row.actor for row in history if row.actor})
    found = shown(caller, [server])[0]
    return {
        "shown": found,
        "server": server,
        "tags": tags.tags_of(server),
        "volumes": volumes_for(caller).filter(server=server).order_by("index", "pk"),
        "operations": [operation_shown(row, caller, names) for row in history],
        "refresh_s": _refresh_s([found]),
        "here": f"/ui/servers/{server.uuid}/",
        "and_back": "&" + urlencode({"next": f"/ui/servers/{server.uuid}/"}),
        "may_get_floating_ip": any(map(_may_get_floating_ip, server.ports.all())),
    }


def _may_get_floating_ip(port: Port) -> bool:
    return bool(port.addresses.all()) and not port.floating_ips.all() and not port.network.public


def _refresh_s(servers: Sequence[Shown]) -> int:
    return BUSY_REFRESH_S if any(server.state.busy for server in servers) else CALM_REFRESH_S


def _do_to_all(request: HttpRequest, caller: Caller, uuids: list[str], words: str, rule: Act) -> list[str]:
    """Call a rule for each; tell what became of it. Returns the uuids for which it went well."""
    done: list[str] = []
    names: list[str] = []
    for server in [rules.get(caller, uuid) for uuid in _checked(uuids)]:
        try:
            rule(caller, server.uuid)
        except Fault as fault:
            messages.error(request, f"{server.name}: {told(fault)}")
        else:
            done.append(server.uuid)
            names.append(server.name)
    if len(names) == 1:
        messages.success(request, f"{names[0]} {words}.")
    elif names:
        messages.success(request, f"{len(names)} servers: each {words}.")
    return done


def _checked(uuids: list[str]) -> list[str]:
    if len(uuids) > _MOST_AT_ONCE:
        raise BadRequest(f"At most {_MOST_AT_ONCE} servers at once.")
    return list(dict.fromkeys(uuids))


def _release(request: HttpRequest, caller: Caller, address_uuid: str) -> None:
    """Give a floating IP back; the server goes anyway, so a refusal is told and no more."""
    try:
        floating.delete(caller, address_uuid)
    except Fault as fault:
        messages.warning(request, f"A floating IP was not released: {told(fault)}")


def _floating_of(caller: Caller, uuids: list[str]) -> list[tuple[str, str]]:
    """(server, floating IP) of the addresses that lead to these servers."""
    found = [rules.get(caller, uuid) for uuid in uuids]
    return [
        (row.uuid, ip.uuid) for row in found for port in row.ports.all() for ip in port.floating_ips.all()
    ]


def _query(uuids: list[str]) -> str:
    return "?" + "&".join(f"server={uuid}" for uuid in uuids) if uuids else ""


urlpatterns: list[URLPattern | URLResolver] = [
    path("servers/", listing.page, name="servers"),
    path("servers/rows/", listing.part, name="server-rows"),
    path("servers/create/", create, name="server-create"),
    path("servers/create/same/", same, name="server-same"),
    path("servers/act/", act, name="server-act"),
    path("servers/delete/", ask_delete, name="server-ask-delete"),
    path("servers/delete/now/", delete, name="server-delete"),
    path("servers/<slug:uuid>/", detail, name="server"),
    path("servers/<slug:uuid>/facts/", facts, name="server-facts"),
    path("servers/<slug:uuid>/rename/", rename, name="server-rename"),
    path("servers/<slug:uuid>/floating-ip/add/", add_floating_ip, name="server-add-floating-ip"),
    path("servers/<slug:uuid>/floating-ip/remove/", remove_floating_ip, name="server-remove-floating-ip"),
]
