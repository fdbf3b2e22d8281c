"""Pages of floating IPs: the list, a new one, where one leads. Every change is a call of the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render, resolve_url
from django.urls import URLPattern, URLResolver, path
from django.utils.http import urlencode

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault
from synnefo.common.pages import CALM_REFRESH_S, action, form_page, go, living, local_path, page
from synnefo.common.quota_shown import bars, costs, missing, told
from synnefo.cyclades.networks import floating, ports, rules
from synnefo.cyclades.networks.listing import FLOATING_IPS
from synnefo.cyclades.networks.models import IPAddress, Network, Port
from synnefo.cyclades.networks.same_request import create_floating_ip
from synnefo.cyclades.servers import cards
from synnefo.cyclades.servers.models import Server

_MOST_AT_ONCE, _MOST_CARDS = 100, 200


class CreateForm(forms.Form):
    network = forms.CharField(error_messages={"required": "Choose a network."})
    port = forms.CharField(required=False)


@living("cyclades/floating_ips")
def listing(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    context = FLOATING_IPS.context(floating.floating_ips_for(caller), request.GET)
    return {
        **context,
        "ips": [(ip, _server_of(ip)) for ip in context["page"]],
        "refresh_s": CALM_REFRESH_S,
        "bars": bars(accounts().quotas(caller.user, caller.project), floating.COST),
        "and_back": "?" + urlencode({"next": context["here"]}),
    }


@form_page
def create(request: HttpRequest, caller: Caller) -> HttpResponse:
    if request.method != "POST":
        first = _pools(caller).first()
        return _show_form(request, caller, CreateForm(initial={"network": first.uuid if first else ""}))
    form = CreateForm(request.POST)
    if form.is_valid():
        wanted = form.cleaned_data
        try:
            ip = floating.create(caller, wanted["network"], port_uuid=wanted["port"] or None)
        except Fault as fault:
            form.add_error("port" if wanted["port"] and fault.status in (400, 404) else None, told(fault))
        else:
            messages.success(request, f"{ip.address} is yours{' and' if ip.nat_port else ''}{_leads_to(ip)}.")
            return go(request, "floating-ips")
    return _show_form(request, caller, form)


@action
def same(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What is chosen so far, as commands."""
    return render(request, "parts/same_again.html", {"same": _same(caller, CreateForm(request.POST))})


@action
def act(request: HttpRequest, caller: Caller) -> HttpResponse:
    """``do`` is ``detach`` or ``release`` for all ``ip``s that are ticked, or ``detach:uuid`` for one."""
    name, _, one = request.POST.get("do", "").partition(":")
    uuids = [one] if one else request.POST.getlist("ip")
    back = _next(request.POST)
    if name == "release":
        return go(request, "/ui/floating-ips/release/?" + urlencode({"ip": uuids, "next": back}, doseq=True))
    if name != "detach":
        raise BadRequest("There is no such action.")
    _do_to_all(request, caller, uuids, "leads nowhere now", lambda ip: _detach(caller, ip))
    return HttpResponseRedirect(back, status=303)


@form_page
def attach(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: the network cards that can take it. Told: it leads there."""
    ip = floating.get(caller, uuid)
    if request.method == "POST":
        try:
            ip = floating.associate(caller, uuid, request.POST.get("port", ""))
        except Fault as fault:
            messages.error(request, f"{ip.address}: {told(fault)}")
        else:
            messages.success(request, f"{ip.address}{_leads_to(ip)}.")
        return HttpResponseRedirect(_next(request.POST), status=303)
    context = {
        "ip": ip,
        "server": _server_of(ip),
        "cards": cards_for(caller)[:_MOST_CARDS],
        "url": resolve_url("floating-ip-attach", uuid),
        "next": _next(request.GET),
    }
    return render(request, "cyclades/floating_ip_attach.html", context)


@page
def ask_release(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What exactly goes, before it goes."""
    asked = _ticked(caller, request.GET.getlist("ip"))
    context = {
        "ips": [(ip, _server_of(ip)) for ip in asked if ip.port is None],
        "held": [(ip, _server_of(ip)) for ip in asked if ip.port is not None],
        "url": resolve_url("floating-ip-release-now"),
        "next": _next(request.GET),
    }
    return render(request, "cyclades/floating_ips_release.html", context)


@action
def release(request: HttpRequest, caller: Caller) -> HttpResponse:
    uuids = request.POST.getlist("ip")
    _do_to_all(request, caller, uuids, "is released", lambda ip: floating.delete(caller, ip.uuid))
    return HttpResponseRedirect(_next(request.POST), status=303)


def cards_for(caller: Caller) -> QuerySet[Port]:
    """Network cards of the caller's servers that a floating IP can lead to."""
    own = ports.ports_for(caller).filter(
        server__isnull=False, network__public=False, addresses__isnull=False, floating_ips__isnull=True,
        network__subnets__gateway__isnull=False,
    )  # fmt: skip
    return own.distinct().order_by("server__name", "index", "id")


def _pools(caller: Caller) -> QuerySet[Network]:
    return rules.networks_for(caller).filter(floating_ip_pool=True).order_by("id")


def _detach(caller: Caller, ip: IPAddress) -> None:
    """Lead it nowhere; where it is a card's own address, the card goes."""
    if ip.port is not None:
        cards.unplug(caller, ip.port)
    else:
        floating.associate(caller, ip.uuid, None)


def _server_of(ip: IPAddress) -> Server | None:
    """The server that is reached by it."""
    port = ip.port or ip.nat_port
    return port.server if port else None


def _leads_to(ip: IPAddress) -> str:
    server = _server_of(ip)
    return f" leads to {server.name} now" if server else ""


def _show_form(request: HttpRequest, caller: Caller, form: CreateForm) -> HttpResponse:
    quota = accounts().quotas(caller.user, caller.project)
    pools = list(_pools(caller).prefetch_related("subnets"))
    context = {
        "form": form,
        "pools": pools,
        "cards": cards_for(caller)[:_MOST_CARDS],
        "chosen": {name: form[name].value() for name in form.fields},
        "costs": costs(quota, floating.COST),
        "forbidden": missing(quota, floating.COST) if pools else "There is no public network",
        "button": "Allocate floating IP",
        "same": _same(caller, form),
        "same_url": resolve_url("floating-ip-same"),
    }
    return render(request, "cyclades/floating_ip_create.html", context, status=422 if form.errors else 200)


def _same(caller: Caller, form: CreateForm) -> Any:
    pool = _pools(caller).filter(uuid=form["network"].value() or "").first()
    port = ports.ports_for(caller).filter(uuid=form["port"].value() or "").first()
    return create_floating_ip(caller, pool, port)


def _ticked(caller: Caller, uuids: list[str]) -> list[IPAddress]:
    if not uuids:
        raise BadRequest("No floating IP is ticked.")
    if len(uuids) > _MOST_AT_ONCE:
        raise BadRequest(f"At most {_MOST_AT_ONCE} floating IPs at once.")
    return [floating.get(caller, uuid) for uuid in dict.fromkeys(uuids)]


def _do_to_all(
    request: HttpRequest, caller: Caller, uuids: list[str], words: str, do: Callable[[IPAddress], object]
) -> None:
    """Do it to each; tells what became of it."""
    done = []
    for ip in _ticked(caller, uuids):
        try:
            do(ip)
        except Fault as fault:
            messages.error(request, f"{ip.address}: {told(fault)}")
        else:
            done.append(ip.address)
    if len(done) == 1:
        messages.success(request, f"{done[0]} {words}.")
    elif done:
        messages.success(request, f"{len(done)} floating IPs: each {words}.")


def _next(asked: QueryDict) -> str:
    return local_path(asked.get("next", ""), FLOATING_IPS.path)


urlpatterns: list[URLPattern | URLResolver] = [
    path("floating-ips/", listing.page, name="floating-ips"),
    path("floating-ips/rows/", listing.part, name="floating-ip-rows"),
    path("floating-ips/create/", create, name="floating-ip-create"),
    path("floating-ips/create/same/", same, name="floating-ip-same"),
    path("floating-ips/act/", act, name="floating-ip-act"),
    path("floating-ips/release/", ask_release, name="floating-ip-release"),
    path("floating-ips/release/now/", release, name="floating-ip-release-now"),
    path("floating-ips/<slug:uuid>/attach/", attach, name="floating-ip-attach"),
]
