"""Pages of a network's subnets: a new one, another gateway or DNS, its end. Every change is the rules'."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path

from synnefo.common.caller import Caller
from synnefo.common.pages import form_page
from synnefo.common.questions import asked, confirmed
from synnefo.cyclades.networks import rules, subnets
from synnefo.cyclades.networks.addresses import SELF_MADE
from synnefo.cyclades.networks.allocation import address_text
from synnefo.cyclades.networks.models import Network, Subnet

_NONE = "none"
_MODES = [("", "set by hand"), *((mode, mode) for mode in subnets.IPV6_MODES)]


class Words(forms.CharField):
    """Words between spaces, commas or line ends."""

    def clean(self, value: Any) -> list[str]:
        return str(super().clean(value)).replace(",", " ").split()


class Pairs(forms.CharField):
    """Two words a line, with ``between`` or nothing but spaces between them."""

    def __init__(self, *, between: str, **options: Any) -> None:
        super().__init__(required=False, **options)
        self._between = between

    def clean(self, value: Any) -> list[tuple[str, str]]:
        found = []
        for line in str(super().clean(value)).splitlines():
            words = line.replace(self._between, " ").split()
            if len(words) not in (0, 2):
                raise forms.ValidationError(f"{line.strip()!r} is not of the form that is shown below.")
            if words:
                found.append((words[0], words[1]))
        return found


class EditForm(forms.Form):
    name = forms.CharField(max_length=255, required=False)
    gateway = forms.CharField(max_length=64, required=False)
    dhcp = forms.BooleanField(required=False)
    dns = Words(required=False)
    pools = Pairs(between="-")
    routes = Pairs(between=" via ")

    @property
    def wanted(self) -> dict[str, Any]:
        """What the rules are asked for."""
        typed = self.cleaned_data
        gateway = typed["gateway"]
        return {
            "name": typed["name"],
            "gateway": None if gateway.lower() == _NONE else gateway,
            "dhcp": typed["dhcp"],
            "dns_nameservers": typed["dns"],
            "pools": typed["pools"] or None,
            "host_routes": [{"destination": first, "nexthop": then} for first, then in typed["routes"]],
        }


class CreateForm(EditForm):
    cidr = forms.CharField(max_length=64, error_messages={"required": "Give it a range of addresses."})
    mode = forms.ChoiceField(choices=_MODES, required=False)

    @property
    def wanted(self) -> dict[str, Any]:
        cidr = self.cleaned_data["cidr"]
        version = 6 if ":" in cidr else 4
        return {**super().wanted, "cidr": cidr, "version": version, "ipv6_mode": self.cleaned_data["mode"]}


@form_page
def create(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    network = rules.get(caller, uuid, write=True)
    form = CreateForm(request.POST) if request.method == "POST" else CreateForm(initial={"dhcp": True})
    return asked(
        request, form, lambda: rules.create_subnet(caller, uuid, **form.wanted),
        template="cyclades/subnet_form.html", done="The subnet is there.", to=_page(network),
        context={"network": network, "new": True, "modes": _MODES},
    )  # fmt: skip


@form_page
def edit(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    subnet = rules.get_subnet(caller, uuid, write=True)
    form = EditForm(request.POST) if request.method == "POST" else EditForm(initial=_typed(subnet))
    return asked(
        request, form, lambda: rules.update_subnet(caller, uuid, **_changed(subnet, form.wanted)),
        template="cyclades/subnet_form.html", done=f"Subnet {subnet} is changed.", to=_page(subnet.network),
        context={"network": subnet.network, "subnet": subnet},
    )  # fmt: skip


@form_page
def delete(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: what exactly goes, or what is in the way. Told: it goes."""
    subnet = rules.get_subnet(caller, uuid, write=True)
    to = _page(subnet.network)
    if request.method == "POST":
        gone = f"Subnet {subnet} is deleted."
        return confirmed(request, lambda: rules.delete_subnet(caller, uuid), done=gone, to=to)
    used = 0 if subnet.ipv6_mode in SELF_MADE else subnet.addresses.count()
    context = {"subnet": subnet, "used": used, "url": request.path, "next": to}
    return render(request, "cyclades/subnet_delete.html", context)


def pools_of(subnet: Subnet) -> list[str]:
    """Its pools as first and last address."""
    space = subnet.range
    return [f"{address_text(low, space)}-{address_text(high, space)}" for low, high in subnet.pools]


def _typed(subnet: Subnet) -> dict[str, object]:
    """The subnet as it would have been typed."""
    routes = (f"{one['destination']} via {one['nexthop']}" for one in subnet.host_routes)
    return {
        "name": subnet.name, "gateway": subnet.gateway or _NONE, "dhcp": subnet.dhcp,
        "dns": " ".join(subnet.dns_nameservers), "pools": "\n".join(pools_of(subnet)),
        "routes": "\n".join(routes),
    }  # fmt: skip


def _changed(subnet: Subnet, wanted: dict[str, Any]) -> dict[str, Any]:
    """A gateway that was deleted from the form is none; pools that stayed are not set anew."""
    same = pools_of(subnet)
    pools = wanted["pools"]
    if pools is not None and [f"{first}-{last}" for first, last in pools] == same:
        pools = None
    return {**wanted, "gateway": wanted["gateway"] or None, "pools": pools}


def _page(network: Network) -> str:
    return f"/ui/networks/{network.uuid}/"


urlpatterns: list[URLPattern | URLResolver] = [
    path("networks/<slug:uuid>/subnets/create/", create, name="subnet-create"),
    path("subnets/<slug:uuid>/edit/", edit, name="subnet-edit"),
    path("subnets/<slug:uuid>/delete/", delete, name="subnet-delete"),
]
