"""Pages of networks: the list, one network, a new one. Every change is a call of the rules.

Subnets, ports and routers have pages of their own (``pages_subnets``, ``pages_ports``, ``pages_routers``).
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import URLPattern, URLResolver, path

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller, visible
from synnefo.common.faults import Fault, ItemNotFound
from synnefo.common.pages import BUSY_REFRESH_S, CALM_REFRESH_S, action, form_page, go, living
from synnefo.common.quota_shown import bars, costs, missing, told
from synnefo.common.shown import State
from synnefo.cyclades.networks import ports, routers, rules
from synnefo.cyclades.networks.listing import NETWORKS
from synnefo.cyclades.networks.models import Network, Port, Subnet
from synnefo.cyclades.networks.pages_ports import Shown as PortShown
from synnefo.cyclades.networks.same_request import create_network
from synnefo.cyclades.networks.state import TARGET
from synnefo.cyclades.shown import deeds, events_on

_DEEDS, _PORTS = 10, 200


@dataclasses.dataclass(frozen=True)
class Shown:
    """A network as a row or a page shows it."""

    network: Network
    subnets: list[Subnet]
    servers: int

    @property
    def state(self) -> State:
        if self.network.deleting:
            return State("Deleting", "orange", busy=True)
        if self.network.state == Network.State.ERROR:
            return State("Error", "red")
        return State("Active", "green")

    @property
    def kind(self) -> str:
        if self.network.public:
            return "Public"
        return "Shared in the project" if self.network.shared_to_project else "Private"

    @property
    def changeable(self) -> bool:
        return not self.network.public and not self.network.deleting


class CreateForm(forms.Form):
    name = forms.CharField(max_length=255, error_messages={"required": "Give the network a name."})
    cidr = forms.CharField(max_length=18, error_messages={"required": "Give it a range of addresses."})
    dhcp = forms.BooleanField(required=False)
    gateway = forms.BooleanField(required=False)


@living("cyclades/networks")
def listing(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    context = NETWORKS.context(_with_servers(rules.networks_for(caller), caller), request.GET)
    networks = _shown(context["page"].object_list)
    return {
        **context,
        "networks": networks,
        "refresh_s": BUSY_REFRESH_S if any(row.state.busy for row in networks) else CALM_REFRESH_S,
        "bars": bars(accounts().quotas(caller.user, caller.project), rules.COST),
    }


@living("cyclades/network", gone=("The network is deleted.", "networks"))
def detail(request: HttpRequest, caller: Caller, uuid: str) -> Mapping[str, object]:
    found = _with_servers(rules.networks_for(caller).filter(uuid=uuid), caller).first()
    if found is None:
        raise ItemNotFound(f"Network {uuid} could not be found.")
    shown = _shown([found])[0]
    own = ports.ports_for(caller).filter(network=found).prefetch_related("floating_ips")
    rows = own.order_by("server__name", "router__name", "id")[:_PORTS]
    via = routers.gateways_of(subnet.pk for subnet in shown.subnets)
    events = [] if found.public else list(events_on(TARGET, found.pk)[:_DEEDS])
    return {
        "shown": shown,
        "network": found,
        "subnets": [(subnet, room, via.get(subnet.pk)) for subnet, room in _rooms(shown.subnets)],
        "ports": [PortShown(port, shown.changeable) for port in rows],
        "more_ports": max(0, own.count() - _PORTS),
        "deeds": deeds(events, caller, {(TARGET, str(found.pk)): (str(found), "")}),
        "refresh_s": BUSY_REFRESH_S if shown.state.busy else CALM_REFRESH_S,
        "here": f"/ui/networks/{uuid}/",
    }


@form_page
def create(request: HttpRequest, caller: Caller) -> HttpResponse:
    if request.method != "POST":
        first = not rules.networks_for(caller).filter(public=False).exists()
        proposed = {
            "name": "default" if first else "", "cidr": free_range(caller), "dhcp": True, "gateway": True,
        }  # fmt: skip
        return _show_form(request, caller, CreateForm(initial=proposed))
    form = CreateForm(request.POST)
    if form.is_valid():
        try:
            network = _create(caller, form.cleaned_data)
        except Fault as fault:
            form.add_error("cidr" if fault.status == 400 else None, told(fault))
        else:
            messages.success(request, f"Network {network.name} is there.")
            return go(request, "network", network.uuid)
    return _show_form(request, caller, form)


@action
def same(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What is typed so far, as commands."""
    return render(request, "parts/same_again.html", {"same": _same(caller, CreateForm(request.POST))})


@form_page
def rename(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    network = rules.get(caller, uuid, write=True)
    if request.method == "POST":
        try:
            rules.rename(caller, uuid, name=request.POST.get("name", "").strip())
        except Fault as fault:
            messages.error(request, told(fault))
        return go(request, "network", uuid)
    context = {
        "network": network,
        "url": resolve_url("network-rename", uuid),
        "next": f"/ui/networks/{uuid}/",
    }
    return render(request, "cyclades/network_rename.html", context)


@form_page
def delete(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: what exactly goes, or what is in the way. Told: it goes."""
    network = rules.get(caller, uuid, write=True)
    if request.method == "POST":
        try:
            rules.delete(caller, uuid)
        except Fault as fault:
            messages.error(request, f"{network}: {told(fault)}")
            return go(request, "network", uuid)
        messages.success(request, f"Network {network} is deleted.")
        return go(request, "networks")
    seen = list(ports.ports_for(caller).filter(network=network).order_by("server__name", "id"))
    context = {
        "network": network,
        "subnets": network.subnets.all(),
        "ports": seen,
        "unseen": network.ports.count() - len(seen),
        "url": resolve_url("network-delete", uuid),
        "next": f"/ui/networks/{uuid}/",
    }
    return render(request, "cyclades/network_delete.html", context)


@action
def remove_port(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Take away a port that no server has."""
    rules.get(caller, uuid, write=True)
    port = ports.get(caller, request.POST.get("port", ""))
    if port.network.uuid != uuid:
        raise ItemNotFound("The network has no such port.")
    try:
        ports.delete(caller, port.uuid)
    except Fault as fault:
        messages.error(request, told(fault))
    return go(request, "network", uuid)


def free_range(caller: Caller) -> str:
    """A range of private addresses that none of the caller's networks has: the first 192.168.n.0/24."""
    taken = [subnet.range for subnet in rules.subnets_for(caller).filter(ip_version=4)]
    candidates = (ipaddress.IPv4Network(f"192.168.{number}.0/24") for number in range(256))
    fitting = (str(one) for one in candidates if not any(one.overlaps(other) for other in taken))
    return next(fitting, "10.0.0.0/24")


def _create(caller: Caller, wanted: dict[str, Any]) -> Network:
    """Both or neither: a network whose subnet is refused goes again."""
    network = rules.create(caller, name=wanted["name"])
    try:
        rules.create_subnet(
            caller, network.uuid, cidr=wanted["cidr"], name=wanted["name"], dhcp=wanted["dhcp"],
            gateway="" if wanted["gateway"] else None,
        )  # fmt: skip
    except Fault:
        rules.delete(caller, network.uuid)
        raise
    return network


def _show_form(request: HttpRequest, caller: Caller, form: CreateForm) -> HttpResponse:
    quota = accounts().quotas(caller.user, caller.project)
    context = {
        "form": form,
        "costs": costs(quota, rules.COST),
        "forbidden": missing(quota, rules.COST),
        "button": "Create network",
        "same": _same(caller, form),
        "same_url": resolve_url("network-same"),
    }
    return render(request, "cyclades/network_create.html", context, status=422 if form.errors else 200)


def _same(caller: Caller, form: CreateForm) -> Any:
    typed = {name: form[name].value() for name in ("name", "cidr", "dhcp", "gateway")}
    return create_network(
        caller, name=typed["name"] or "NAME", cidr=typed["cidr"] or "CIDR", dhcp=bool(typed["dhcp"]),
        gateway=bool(typed["gateway"]),
    )  # fmt: skip


def _with_servers(rows: QuerySet[Network], caller: Caller) -> QuerySet[Network]:
    """Networks with the number of servers on them that the caller sees."""
    seen = Q(ports__in=visible(Port.objects.all(), caller))
    counted = rows.annotate(servers=Count("ports__server", filter=seen, distinct=True))
    return counted.prefetch_related("subnets")


def _shown(rows: Iterable[Network]) -> list[Shown]:
    return [Shown(row, list(row.subnets.all()), row.servers) for row in rows]  # type: ignore[attr-defined]


def _rooms(subnets: Sequence[Subnet]) -> list[tuple[Subnet, str]]:
    """Subnets with how many addresses are in use, of how many, by one query for all."""
    counted = Subnet.objects.filter(pk__in=[subnet.pk for subnet in subnets]).annotate(
        used=Count("addresses")
    )
    used = dict(counted.values_list("pk", "used"))
    return [(subnet, _room(subnet, used.get(subnet.pk, 0))) for subnet in subnets]


def _room(subnet: Subnet, used: int) -> str:
    total = sum(high - low + 1 for low, high in subnet.pools)
    return f"{used} addresses" if subnet.ip_version == 6 else f"{used} of {total} addresses"


urlpatterns: list[URLPattern | URLResolver] = [
    path("networks/", listing.page, name="networks"),
    path("networks/rows/", listing.part, name="network-rows"),
    path("networks/create/", create, name="network-create"),
    path("networks/create/same/", same, name="network-same"),
    path("networks/<slug:uuid>/", detail.page, name="network"),
    path("networks/<slug:uuid>/facts/", detail.part, name="network-facts"),
    path("networks/<slug:uuid>/rename/", rename, name="network-rename"),
    path("networks/<slug:uuid>/delete/", delete, name="network-delete"),
    path("networks/<slug:uuid>/ports/remove/", remove_port, name="network-remove-port"),
]
