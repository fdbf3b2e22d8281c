"""Pages of routers: the list, one with gateway, interfaces and routes, a new one. Changes are the rules'."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import URLPattern, URLResolver, path

from synnefo.common.caller import Caller
from synnefo.common.faults import Fault
from synnefo.common.listing import Listing
from synnefo.common.pages import CALM_REFRESH_S, action, form_page, go, living
from synnefo.common.questions import asked, confirmed
from synnefo.common.quota_shown import told
from synnefo.common.same_request import Same
from synnefo.common.shown import State
from synnefo.cyclades.networks import routers, rules
from synnefo.cyclades.networks.models import Network, Port, Router, Subnet
from synnefo.cyclades.networks.same_request import create_router
from synnefo.cyclades.networks.state import ROUTER
from synnefo.cyclades.shown import deeds, events_on

_DEEDS, _MOST = 10, 200


def _find(rows: QuerySet[Router], words: str) -> QuerySet[Router]:
    """By name, uuid, or the name of a network that it joins."""
    joining = Port.objects.filter(router__isnull=False, network__name__icontains=words).values("router")
    return rows.filter(Q(name__icontains=words) | Q(uuid=words) | Q(pk__in=joining))


ROUTERS = Listing(
    path="/ui/routers/",
    noun="router",
    columns={"name": ("Name", ("name", "id")), "created": ("Age", ("created", "id"))},
    usual="-created",
    find=_find,
)


@dataclasses.dataclass(frozen=True)
class Shown:
    """A router as a row or a page shows it; ``seen`` are the networks that the reader sees."""

    router: Router
    seen: Mapping[int, Network]

    @property
    def state(self) -> State:
        if self.router.state == Router.State.ERROR:
            return State("Error", "red")
        return State("Active", "green") if self.router.admin_state_up else State("Off", "secondary")

    @property
    def legs(self) -> list[Port]:
        """Its interfaces."""
        return _legs(self.router)

    @property
    def joined(self) -> list[tuple[Port, Network | None]]:
        return [(leg, self.seen.get(leg.network_id)) for leg in self.legs]

    @property
    def addresses(self) -> list[str]:
        """What it has on the public network that it leads out to."""
        ports = [port for port in self.router.ports.all() if port.device_owner == routers.GATEWAY]
        return [ip.address for port in ports for ip in port.addresses.all()]


class CreateForm(forms.Form):
    name = forms.CharField(max_length=255, error_messages={"required": "Give the router a name."})
    external = forms.CharField(required=False)


class EditForm(forms.Form):
    name = forms.CharField(max_length=255, required=False)
    up = forms.BooleanField(required=False)


class GatewayForm(forms.Form):
    external = forms.CharField(required=False)
    snat = forms.BooleanField(required=False)


class InterfaceForm(forms.Form):
    subnet = forms.CharField(error_messages={"required": "Choose a subnet."})


class RouteForm(forms.Form):
    destination = forms.CharField(max_length=64, error_messages={"required": "Say where it leads."})
    nexthop = forms.CharField(max_length=64, error_messages={"required": "Say by way of whom."})


@living("cyclades/routers")
def listing(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    context = ROUTERS.context(routers.routers_for(caller), request.GET)
    shown = _shown(caller, context["page"].object_list)
    return {**context, "routers": shown, "refresh_s": CALM_REFRESH_S}


@living("cyclades/router", gone=("The router is deleted.", "routers"))
def detail(request: HttpRequest, caller: Caller, uuid: str) -> Mapping[str, object]:
    router = routers.get(caller, uuid)
    events = list(events_on(ROUTER, router.pk)[:_DEEDS])
    return {
        "shown": _shown(caller, [router])[0],
        "router": router,
        "deeds": deeds(events, caller, {(ROUTER, str(router.pk)): (str(router), "")}),
        "refresh_s": CALM_REFRESH_S,
    }


@form_page
def create(request: HttpRequest, caller: Caller) -> HttpResponse:
    public = _public(caller)
    initial = {"external": public[0].uuid if public else ""}
    form = CreateForm(request.POST) if request.method == "POST" else CreateForm(initial=initial)
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            router = routers.create(caller, name=typed["name"], external=typed["external"] or None)
        except Fault as fault:
            form.add_error(None, told(fault))
        else:
            messages.success(request, f"Router {router} is there. It joins no network yet.")
            return go(request, "router", router.uuid)
    context = {
        "form": form, "public": public, "same": _same(caller, form), "same_url": resolve_url("router-same"),
        "chosen": form["external"].value() or "",
    }  # fmt: skip
    return render(request, "cyclades/router_create.html", context, status=422 if form.errors else 200)


@action
def same(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What is typed so far, as commands."""
    return render(request, "parts/same_again.html", {"same": _same(caller, CreateForm(request.POST))})


@form_page
def edit(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    router = routers.get(caller, uuid)
    typed = {"name": router.name, "up": router.admin_state_up}
    form = EditForm(request.POST) if request.method == "POST" else EditForm(initial=typed)

    def change() -> Router:
        wanted = form.cleaned_data
        return routers.update(caller, uuid, name=wanted["name"], admin_state_up=wanted["up"])

    return _asked(request, router, form, change, what="edit", done="The router is changed.")


@form_page
def gateway(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: through which public network it leads out. Told: it does, or does no more."""
    router = routers.get(caller, uuid)
    typed = {"external": router.external.uuid if router.external else "", "snat": router.snat}
    form = GatewayForm(request.POST) if request.method == "POST" else GatewayForm(initial=typed)

    def lead() -> None:
        wanted = form.cleaned_data
        routers.set_gateway(caller, uuid, wanted["external"] or None)
        if wanted["snat"] != router.snat:
            routers.update(caller, uuid, snat=wanted["snat"])

    context = {"public": _public(caller), "chosen": form["external"].value() or ""}
    return _asked(request, router, form, lead, what="gateway", done="The gateway is set.", **context)


@form_page
def join(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: which subnet. Told: the router is its gateway."""
    router = routers.get(caller, uuid)
    form = InterfaceForm(request.POST if request.method == "POST" else None)
    return _asked(
        request, router, form,
        lambda: routers.add_interface(caller, uuid, subnet_uuid=form.cleaned_data["subnet"]),
        what="join", done="The interface is there.", subnets=_joinable(caller, router),
    )  # fmt: skip


@form_page
def leave(request: HttpRequest, caller: Caller, uuid: str, port: str) -> HttpResponse:
    """Asked: whether servers can do without. Told: the interface goes."""
    router = routers.get(caller, uuid)
    to = _page(router)
    if request.method == "POST":
        deed = lambda: routers.remove_interface(caller, uuid, port_uuid=port)  # noqa: E731
        return confirmed(request, deed, done="The interface is removed.", to=to)
    leg = next((leg for leg in _legs(router) if leg.uuid == port), None)
    context = {"router": router, "leg": leg, "url": request.path, "next": to}
    return render(request, "cyclades/router_leave.html", context)


@form_page
def add_route(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    router = routers.get(caller, uuid)
    form = RouteForm(request.POST if request.method == "POST" else None)
    return _asked(
        request, router, form, lambda: routers.change_routes(caller, uuid, add=[form.cleaned_data]),
        what="route", done="The route is there.",
    )  # fmt: skip


@action
def remove_route(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """``do`` is ``destination nexthop``: that route is taken away."""
    destination, _, nexthop = request.POST.get("do", "").partition(" ")
    one = {"destination": destination, "nexthop": nexthop}
    deed = lambda: routers.change_routes(caller, uuid, remove=[one])  # noqa: E731
    return confirmed(request, deed, done="The route is removed.", to=_page(routers.get(caller, uuid)))


@form_page
def delete(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: what exactly goes, or what is in the way. Told: it goes."""
    router = routers.get(caller, uuid)
    legs = _legs(router)
    if request.method == "POST":
        gone = f"Router {router} is deleted."
        to = _page(router) if legs else ROUTERS.path
        return confirmed(request, lambda: routers.delete(caller, uuid), done=gone, to=to)
    networks = (
        rules.networks_for(caller).filter(pk__in=[leg.network_id for leg in legs]).order_by("name", "pk")
    )
    context = {
        "router": router,
        "networks": networks,
        "legs": legs,
        "url": request.path,
        "next": _page(router),
    }
    return render(request, "cyclades/router_delete.html", context)


def _legs(router: Router) -> list[Port]:
    return [port for port in router.ports.all() if port.device_owner == routers.INTERFACE]


def _shown(caller: Caller, rows: Iterable[Router]) -> list[Shown]:
    """Routers with the networks that they join, by one query for all."""
    found = list(rows)
    seen = rules.networks_for(caller).in_bulk({leg.network_id for row in found for leg in _legs(row)})
    return [Shown(row, seen) for row in found]


def _asked(
    request: HttpRequest, router: Router, form: forms.Form, deed: Any, *, what: str, done: str, **context: Any
) -> HttpResponse:
    return asked(
        request, form, deed, template=f"cyclades/router_{what}.html", done=done, to=_page(router),
        context={"router": router, **context},
    )  # fmt: skip


def _public(caller: Caller) -> list[Network]:
    """Networks that routers lead out to."""
    rows = rules.networks_for(caller).filter(floating_ip_pool=True, drained=False, deleting=False)
    return list(rows.order_by("name", "pk")[:_MOST])


def _joinable(caller: Caller, router: Router) -> list[Subnet]:
    """Subnets that it could be the gateway of: of private networks, and nobody is yet."""
    rows = rules.subnets_for(caller).filter(
        network__public=False, network__deleting=False, gateway__isnull=False
    )
    found = list(rows.order_by("network__name", "network", "ip_version", "pk")[:_MOST])
    led = routers.gateways_of(subnet.pk for subnet in found)
    return [subnet for subnet in found if subnet.pk not in led]


def _same(caller: Caller, form: CreateForm) -> Same:
    external = rules.networks_for(caller).filter(uuid=form["external"].value() or "").first()
    return create_router(name=form["name"].value() or "NAME", external=external)


def _page(router: Router) -> str:
    return f"{ROUTERS.path}{router.uuid}/"


urlpatterns: list[URLPattern | URLResolver] = [
    path("routers/", listing.page, name="routers"),
    path("routers/rows/", listing.part, name="router-rows"),
    path("routers/create/", create, name="router-create"),
    path("routers/create/same/", same, name="router-same"),
    path("routers/<slug:uuid>/", detail.page, name="router"),
    path("routers/<slug:uuid>/facts/", detail.part, name="router-facts"),
    path("routers/<slug:uuid>/edit/", edit, name="router-edit"),
    path("routers/<slug:uuid>/gateway/", gateway, name="router-gateway"),
    path("routers/<slug:uuid>/join/", join, name="router-join"),
    path("routers/<slug:uuid>/leave/<slug:port>/", leave, name="router-leave"),
    path("routers/<slug:uuid>/route/", add_route, name="router-route"),
    path("routers/<slug:uuid>/route/remove/", remove_route, name="router-remove-route"),
    path("routers/<slug:uuid>/delete/", delete, name="router-delete"),
]
