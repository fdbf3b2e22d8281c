"""Pages of a network's ports: a new one, its name, addresses and groups. Every change is the rules'."""

from __future__ import annotations

import dataclasses
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path

from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict
from synnefo.common.pages import form_page
from synnefo.common.questions import asked
from synnefo.common.shown import State
from synnefo.cyclades.networks import groups, ports, rules
from synnefo.cyclades.networks.addresses import FixedIp
from synnefo.cyclades.networks.models import IPAddress, Network, Port
from synnefo.cyclades.networks.pages_subnets import Words

_STATES = {
    Port.State.DOWN: State("Down", "secondary"),
    Port.State.BUILD: State("Being plugged in", "blue", busy=True),
    Port.State.ACTIVE: State("Active", "green"),
    Port.State.ERROR: State("Error", "red"),
}
_MOST_GROUPS = 200


@dataclasses.dataclass(frozen=True)
class Shown:
    """A port as a row shows it; ``changeable`` says whether the network lets people change it here."""

    port: Port
    changeable: bool

    @property
    def state(self) -> State:
        return _STATES[Port.State(self.port.state)]

    @property
    def can_edit(self) -> bool:
        return self.port.router_id is None

    @property
    def can_delete(self) -> bool:
        return self.changeable and self.port.server_id is None and self.port.router_id is None


class EditForm(forms.Form):
    name = forms.CharField(max_length=255, required=False)
    addresses = Words(required=False)
    secured = forms.BooleanField(required=False)

    def __init__(self, *args: Any, offered: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.offered = offered
        self.fields["groups"] = forms.MultipleChoiceField(choices=offered, required=False)

    @property
    def fixed(self) -> list[FixedIp]:
        return [FixedIp(address) for address in self.cleaned_data["addresses"]]

    @property
    def wanted(self) -> dict[str, Any]:
        """What the rules are asked for."""
        typed = self.cleaned_data
        return {
            "name": typed["name"], "security_groups": typed["groups"], "port_security": typed["secured"],
        }  # fmt: skip


class CreateForm(EditForm):
    mac = forms.CharField(max_length=17, required=False)


@form_page
def create(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    network = rules.get(caller, uuid)
    usual = [group.uuid for group in groups.usual(caller)] if network.port_security else []
    offered = _offered(caller)
    if request.method == "POST":
        form = CreateForm(request.POST, offered=offered)
    else:
        form = CreateForm(initial={"secured": network.port_security, "groups": usual}, offered=offered)

    def make() -> Port:
        mac = form.cleaned_data["mac"] or None
        return ports.create(caller, uuid, fixed_ips=form.fixed or None, mac=mac, **form.wanted)

    return asked(
        request, form, make, template="cyclades/port_form.html", done="The port is there.",
        to=_page(network), context={"network": network, "new": True, **_groups(form)},
    )  # fmt: skip


@form_page
def edit(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    port = ports.get(caller, uuid)
    if port.router_id is not None:
        raise Conflict("This port is a router's: it is changed on the router's page.")
    own = [ip.address for ip in port.addresses.all() if not ip.floating_ip]
    if request.method == "POST":
        form = EditForm(request.POST, offered=_offered(caller))
    else:
        typed = {
            "name": port.name, "addresses": " ".join(own), "secured": port.port_security,
            "groups": [group.uuid for group in port.security_groups.all()],
        }  # fmt: skip
        form = EditForm(initial=typed, offered=_offered(caller))

    def change() -> Port:
        keep = form.cleaned_data["addresses"] == own
        return ports.update(caller, uuid, fixed_ips=None if keep else form.fixed, **form.wanted)

    return asked(
        request, form, change, template="cyclades/port_form.html", done="The port is changed.",
        to=_page(port.network),
        context={"network": port.network, "port": port, "floating": _floating(port), **_groups(form)},
    )  # fmt: skip


def _floating(port: Port) -> list[IPAddress]:
    """Addresses of its own that are floating IPs: these are moved on their own page."""
    return [ip for ip in port.addresses.all() if ip.floating_ip]


def _offered(caller: Caller) -> list[tuple[str, str]]:
    rows = groups.groups_for(caller).order_by("name", "pk")
    return list(rows.values_list("uuid", "name")[:_MOST_GROUPS])


def _groups(form: EditForm) -> dict[str, object]:
    """The groups as the form ticks them."""
    ticked = set(form["groups"].value() or ())
    return {"groups": [(uuid, name, uuid in ticked) for uuid, name in form.offered]}


def _page(network: Network) -> str:
    return f"/ui/networks/{network.uuid}/"


urlpatterns: list[URLPattern | URLResolver] = [
    path("networks/<slug:uuid>/ports/create/", create, name="port-create"),
    path("ports/<slug:uuid>/edit/", edit, name="port-edit"),
]
