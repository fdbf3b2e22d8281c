"""The page on which a server is created: its form, what is on offer, and the way to the rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url

from synnefo.common.accounts import QuotaUse, accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import Fault, OverLimit
from synnefo.common.pages import action, form_page
from synnefo.common.quota_shown import COMPUTE, Bar, bars, missing, told
from synnefo.common.same_request import Same
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.keypairs import rules as keypairs
from synnefo.cyclades.keypairs.pages import comment_of
from synnefo.cyclades.networks import floating
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import Network, Port
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import NicRequest, ServerRequest
from synnefo.cyclades.servers.same_request import Wanted, create_server
from synnefo.cyclades.servers.shown import size_of

#: Values of a choice that mean "make one for me" and "none".
NEW, NONE = "new", "none"
DEFAULT_NETWORK, DEFAULT_CIDR = "default", "192.168.0.0/24"
_FLOATING_COST = floating.COST
_FIELDS = ("name", "image", "flavor", "network", "key", "new_key_name", "new_key", "floating_ip", "user_data")


class CreateForm(forms.Form):
    """What is typed and chosen. Choices are what the caller may see; whether it is allowed, rules decide."""

    name = forms.CharField(max_length=255, error_messages={"required": "Give the server a name."})
    image = forms.ChoiceField(error_messages={"required": "Choose an image."})
    flavor = forms.ChoiceField(error_messages={"required": "Choose a size."})
    network = forms.ChoiceField(error_messages={"required": "Choose a network."})
    floating_ip = forms.BooleanField(required=False)
    key = forms.ChoiceField(error_messages={"required": "Choose a key, or none."})
    new_key_name = forms.CharField(max_length=255, required=False)
    new_key = forms.CharField(max_length=keypairs.MAX_CONTENT, required=False)
    user_data = forms.CharField(required=False, strip=False)

    def __init__(self, choices: Mapping[str, list[str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, values in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101  as declared above
            field.choices = [(value, value) for value in values]
            field.error_messages["invalid_choice"] = "What was chosen is not there any more. Choose again."

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        if cleaned.get("key") == NEW and not cleaned.get("new_key"):
            self.add_error("new_key", "Paste a public key, or choose another one above.")
        if cleaned.get("network") == NONE and cleaned.get("floating_ip"):
            self.add_error("floating_ip", "A floating IP leads to a network card; choose a network.")
        size = len(cleaned.get("user_data", "").encode())
        if size > settings.CYCLADES_USER_DATA_MAX_BYTES:
            self.add_error(
                "user_data", f"{size} bytes are too many; {settings.CYCLADES_USER_DATA_MAX_BYTES} fit."
            )
        return cleaned


@dataclasses.dataclass(frozen=True)
class FlavorOffer:
    """A size, and why it cannot be had ("" if it can)."""

    flavor: Flavor
    words: str
    forbidden: str


class Offer:
    """All that the page offers, read once."""

    def __init__(self, caller: Caller) -> None:
        self.quota: Mapping[str, QuotaUse] = accounts().quotas(caller.user, caller.project)
        self.images: list[Image] = list(
            images.listed(caller).filter(status=Image.Status.AVAILABLE, is_snapshot=False).order_by("name")
        )
        sizes = flavors.flavors_for(caller).filter(allow_create=True).order_by("cpu", "ram", "disk")
        self.flavors = [FlavorOffer(row, size_of(row), missing(self.quota, _cost(row))) for row in sizes]
        own = networks.networks_for(caller).filter(public=False, deleting=False)
        self.networks: list[Network] = list(own.order_by("created").prefetch_related("subnets"))
        self.keys = list(keypairs.keypairs_for(caller))
        self.pool = networks.networks_for(caller).filter(floating_ip_pool=True).order_by("id").first()
        self.no_network = missing(self.quota, networks.COST)
        self.no_floating_ip = (
            missing(self.quota, _FLOATING_COST) if self.pool else "there is no public network"
        )

    @property
    def new_network(self) -> bool:
        """Whether a network is made for the server: there is none, and one may be made."""
        return not self.networks and not self.no_network

    @property
    def choices(self) -> dict[str, list[str]]:
        return {
            "image": [row.uuid for row in self.images],
            "flavor": [row.flavor.uuid for row in self.flavors],
            "network": [*(row.uuid for row in self.networks), *([NEW] if self.new_network else []), NONE],
            "key": [*(row.name for row in self.keys), NEW, NONE],
        }

    def initial(self, image_uuid: str = "", flavor_uuid: str = "") -> dict[str, object]:
        """The sensible choice everywhere; the image and the flavor that are asked for, if there are such."""
        asked_for = [row for row in self.images if row.uuid == image_uuid]
        image = next(iter(asked_for or self.images), None)
        fitting = [row.flavor for row in self.flavors if not row.forbidden and _fits(row.flavor, image)]
        fitting.sort(key=lambda row: row.uuid != flavor_uuid)
        with_way_out = [row for row in self.networks if any(subnet.gateway for subnet in row.subnets.all())]
        network = next(iter(with_way_out or self.networks), None)
        return {
            "image": image.uuid if image else "",
            "flavor": fitting[0].uuid if fitting else "",
            "network": network.uuid if network else NEW if self.new_network else NONE,
            "floating_ip": not self.no_floating_ip,
            "key": self.keys[0].name if self.keys else NEW,
        }

    @property
    def bars(self) -> list[Bar]:
        return bars(self.quota, COMPUTE)

    def as_data(self) -> dict[str, object]:
        """What the page's script computes with."""
        return {
            "quota": {
                bar.resource: {"usage": bar.usage, "limit": bar.limit, "unit": bar.unit} for bar in self.bars
            },
            "flavors": {
                row.flavor.uuid: {
                    "cost": _cost(row.flavor), "ram": row.flavor.ram,
                    "disk": row.flavor.disk, "forbidden": row.forbidden,
                }
                for row in self.flavors
            },
            "images": {
                row.uuid: {"min_ram": row.min_ram_mib, "min_disk": row.min_disk_gib}
                for row in self.images
            },
        }  # fmt: skip


@form_page
def create(request: HttpRequest, caller: Caller) -> HttpResponse:
    offer = Offer(caller)
    if request.method != "POST":
        initial = offer.initial(request.GET.get("image", ""), request.GET.get("flavor", ""))
        return _show(request, caller, offer, CreateForm(offer.choices, initial=initial))
    form = CreateForm(offer.choices, request.POST)
    if not form.is_valid():
        return _show(request, caller, offer, form)
    wanted = form.cleaned_data
    try:
        server, password = _create(request, caller, wanted)
    except FieldFault as trouble:
        # What was made on the way (a key, a network) is there now, and is what the form goes on with.
        offer = Offer(caller)
        form = CreateForm(offer.choices, {**request.POST.dict(), **trouble.made})
        form.is_valid()
        form.add_error(trouble.field, told(trouble.fault))
        return _show(request, caller, offer, form)
    request.session[f"password-of-{server.uuid}"] = password
    return redirect("server", server.uuid)


@action
def same(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What is chosen so far, as commands."""
    offer = Offer(caller)
    form = CreateForm(offer.choices, request.POST)
    chosen = {name: form[name].value() for name in _FIELDS}
    return render(request, "parts/same_again.html", {"same": _same(caller, offer, chosen)})


class FieldFault(Exception):
    """A fault, the field that it is about, and fields whose choice has come true meanwhile."""

    def __init__(self, field: str | None, fault: Fault, made: Mapping[str, str]) -> None:
        super().__init__(fault.message)
        self.field, self.fault, self.made = field, fault, made


def _create(request: HttpRequest, caller: Caller, wanted: Mapping[str, Any]) -> tuple[Server, str]:
    """Key and network first where they are new, then the server, then its floating IP. Raises FieldFault."""
    made: dict[str, str] = {}
    field: str | None = "new_key"
    try:
        key = _key(caller, wanted)
        if wanted["key"] == NEW:
            made["key"] = key or NONE
        field = "network"
        network = _network(caller, wanted["network"])
        if wanted["network"] == NEW and network:
            made["network"] = network
        field = None
        server, password = rules.create(
            caller,
            ServerRequest(
                name=wanted["name"],
                image=wanted["image"],
                flavor=wanted["flavor"],
                nics=[NicRequest(network=network)] if network else [],
                key_name=key,
                user_data=wanted["user_data"].encode(),
                security_groups=[],  # as in Synnefo: whoever made it by clicks reaches it by SSH
            ),
        )
    except OverLimit as fault:
        raise FieldFault("flavor" if field is None else field, fault, made) from fault
    except Fault as fault:
        raise FieldFault(field, fault, made) from fault
    if wanted["floating_ip"]:
        _add_floating_ip(request, caller, server)
    return server, password


def _key(caller: Caller, wanted: Mapping[str, Any]) -> str | None:
    if wanted["key"] == NONE:
        return None
    if wanted["key"] != NEW:
        return str(wanted["key"])
    row, _ = keypairs.create(caller, _new_key_name(wanted), wanted["new_key"])
    return row.name


def _new_key_name(wanted: Mapping[str, Any]) -> str:
    return wanted["new_key_name"] or comment_of(wanted["new_key"]) or "my key"


def _network(caller: Caller, chosen: str) -> str | None:
    if chosen == NONE:
        return None
    if chosen != NEW:
        return chosen
    network = networks.create(caller, name=DEFAULT_NETWORK)
    networks.create_subnet(caller, network.uuid, cidr=DEFAULT_CIDR)
    return network.uuid


def _add_floating_ip(request: HttpRequest, caller: Caller, server: Server) -> None:
    """The server stands already, so a floating IP that cannot be had is told and no more."""
    port = Port.objects.filter(server=server).order_by("index").first()
    try:
        floating.create(caller, port_uuid=port.uuid if port else None)
    except Fault as fault:
        messages.warning(request, f"The server is being built, but it got no floating IP: {told(fault)}")


def _show(request: HttpRequest, caller: Caller, offer: Offer, form: CreateForm) -> HttpResponse:
    chosen = {name: form[name].value() for name in _FIELDS}
    context = {
        "offer": offer,
        "form": form,
        "chosen": chosen,
        "same": _same(caller, offer, chosen),
        "same_url": resolve_url("server-same"),
    }
    return render(request, "cyclades/server_create.html", context, status=422 if form.errors else 200)


def _same(caller: Caller, offer: Offer, chosen: Mapping[str, Any]) -> Same:
    """``chosen`` is not checked: what is not on offer is left open."""
    typed = {name: chosen[name] or "" for name in ("name", "new_key", "new_key_name", "user_data")}
    network = next((row for row in offer.networks if row.uuid == chosen["network"]), None)
    new_network = chosen["network"] == NEW and not network
    wanted = Wanted(
        name=typed["name"].strip(),
        image=next((row for row in offer.images if row.uuid == chosen["image"]), None),
        flavor=next((row.flavor for row in offer.flavors if row.flavor.uuid == chosen["flavor"]), None),
        network=network,
        new_network=(DEFAULT_NETWORK, DEFAULT_CIDR) if new_network else None,
        key=next((row.name for row in offer.keys if row.name == chosen["key"]), ""),
        new_key=(_new_key_name(typed), typed["new_key"].strip()) if chosen["key"] == NEW else None,
        pool=offer.pool if chosen["floating_ip"] and (network or new_network) else None,
        user_data=typed["user_data"].replace("\r\n", "\n"),
    )
    return create_server(caller, wanted)


def _cost(flavor: Flavor) -> dict[str, int]:
    return {**flavor.lasting_charge, **flavor.running_charge}


def _fits(flavor: Flavor, image: Image | None) -> bool:
    return image is None or (image.min_disk_gib <= flavor.disk and image.min_ram_mib <= flavor.ram)
