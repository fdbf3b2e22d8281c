"""The page of flavors: the sizes that servers can have. Administrators make and retire them from here."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path

from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden, ItemNotFound
from synnefo.common.listing import Listing
from synnefo.common.pages import CALM_REFRESH_S, form_page, living
from synnefo.common.questions import asked, confirmed
from synnefo.common.units import GIB, MIB, show_amount
from synnefo.cyclades.flavors import rules
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.volume_types import rules as volume_types


def _find(rows: QuerySet[Flavor], words: str) -> QuerySet[Flavor]:
    """By name of its own, id, or the kind of its disks."""
    kinds = Q(volume_type__name__icontains=words) | Q(volume_type__disk_template__icontains=words)
    return rows.filter(Q(label__icontains=words) | Q(uuid=words) | Q(ref=words) | kinds)


FLAVORS = Listing(
    path="/ui/flavors/",
    noun="flavor",
    columns={
        "cpu": ("CPUs", ("cpu", "ram", "disk", "id")),
        "ram": ("RAM", ("ram", "cpu", "disk", "id")),
        "disk": ("Disk", ("disk", "cpu", "ram", "id")),
    },
    usual="cpu",
    find=_find,
)


class CreateForm(forms.Form):
    cpu = forms.IntegerField(min_value=1, error_messages={"required": "Say how many CPUs."})
    ram = forms.IntegerField(min_value=1, error_messages={"required": "Say how much RAM, in MB."})
    disk = forms.IntegerField(min_value=0, error_messages={"required": "Say how large its disk is, in GB."})
    kind = forms.CharField(error_messages={"required": "Choose the kind of its disk."})
    label = forms.CharField(max_length=255, required=False)
    public = forms.BooleanField(required=False)


@living("cyclades/flavors")
def listing(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    context = FLAVORS.context(rules.flavors_for(caller).prefetch_related("specs"), request.GET)
    rows = [
        (row, show_amount(row.ram * MIB, "bytes"), show_amount(row.disk * GIB, "bytes"), rules.specs_of(row))
        for row in context["page"].object_list
    ]
    return {**context, "flavors": rows, "makes": caller.is_admin, "refresh_s": CALM_REFRESH_S}


@form_page
def create(request: HttpRequest, caller: Caller) -> HttpResponse:
    _require_admin(caller)
    form = CreateForm(request.POST) if request.method == "POST" else CreateForm(initial={"public": True})

    def make() -> Flavor:
        typed = form.cleaned_data
        return rules.create(
            caller, cpu=typed["cpu"], ram=typed["ram"], disk=typed["disk"], volume_type=typed["kind"],
            label=typed["label"], public=typed["public"],
        )  # fmt: skip

    kinds = volume_types.types_for(caller).order_by("pk")
    return asked(
        request, form, make, template="cyclades/flavor_create.html", done="The flavor is there.",
        to=FLAVORS.path, context={"kinds": [(str(row.pk), row.name) for row in kinds]},
    )  # fmt: skip


@form_page
def retire(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: what it means. Told: no server is made with it any more."""
    _require_admin(caller)
    flavor = rules.flavors_for(caller).filter(uuid=uuid).first()
    if flavor is None:
        raise ItemNotFound("There is no such flavor.")
    number = flavor.pk
    if request.method == "POST":
        deed = lambda: rules.modify(caller, number, deleted=True)  # noqa: E731
        return confirmed(request, deed, done=f"Flavor {flavor} is retired.", to=FLAVORS.path)
    context = {"flavor": flavor, "url": request.path, "next": FLAVORS.path}
    return render(request, "cyclades/flavor_retire.html", context)


def _require_admin(caller: Caller) -> None:
    if not caller.is_admin:
        raise Forbidden("Only administrators make and change flavors.")


urlpatterns: list[URLPattern | URLResolver] = [
    path("flavors/", listing.page, name="flavors"),
    path("flavors/rows/", listing.part, name="flavor-rows"),
    path("flavors/create/", create, name="flavor-create"),
    path("flavors/<slug:uuid>/retire/", retire, name="flavor-retire"),
]
