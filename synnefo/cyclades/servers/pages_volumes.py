"""Pages of volumes: the list, one volume, a new one, whose it is. Every change is a call of the rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render, resolve_url
from django.urls import URLPattern, URLResolver, path
from django.utils.http import urlencode

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault
from synnefo.common.listing import Listing
from synnefo.common.pages import BUSY_REFRESH_S, CALM_REFRESH_S, action, form_page, go, living, local_path
from synnefo.common.quota_shown import bars, costs, missing, told
from synnefo.common.shown import State
from synnefo.common.units import GIB
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers import volumes as attached
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.volumes import rules, snapshots
from synnefo.cyclades.volumes.models import Volume
from synnefo.cyclades.volumes.requests import VolumeRequest
from synnefo.cyclades.volumes.same_request import create_volume

_STATES = {
    Volume.Status.CREATING: State("Being made", "blue", busy=True),
    Volume.Status.AVAILABLE: State("Available", "green"),
    Volume.Status.ATTACHING: State("Being attached", "blue", busy=True),
    Volume.Status.IN_USE: State("In use", "green"),
    Volume.Status.DETACHING: State("Being detached", "blue", busy=True),
    Volume.Status.EXTENDING: State("Being extended", "blue", busy=True),
    Volume.Status.DELETING: State("Deleting", "orange", busy=True),
    Volume.Status.DELETED: State("Deleted", "secondary"),
    Volume.Status.ERROR: State("Error", "red"),
    Volume.Status.ERROR_DELETING: State("Error", "red"),
    Volume.Status.BACKING_UP: State("Being backed up", "blue", busy=True),
    Volume.Status.RESTORING: State("Being restored", "blue", busy=True),
    Volume.Status.ERROR_RESTORING: State("Error", "red"),
}
_USUAL_GIB, _MOST_SHOWN = 10, 200
_ERRORS = [status for status, state in _STATES.items() if state.word == "Error"]


def _find(rows: QuerySet[Volume], words: str) -> QuerySet[Volume]:
    return rows.filter(Q(name__icontains=words) | Q(uuid=words) | Q(server__name__icontains=words))


VOLUMES = Listing(
    path="/ui/volumes/",
    noun="volume",
    columns={
        "name": ("Name", ("name", "id")),
        "size": ("Size", ("size_gib", "id")),
        "created": ("Age", ("created", "id")),
    },
    usual="-created",
    find=_find,
    states={
        "free": Q(server__isnull=True),
        "in use": Q(server__isnull=False),
        "error": Q(status__in=_ERRORS),
    },
)


@dataclasses.dataclass(frozen=True)
class Shown:
    """A volume as a row or a page shows it; ``back`` is where one goes back to."""

    volume: Volume
    back: str

    @property
    def state(self) -> State:
        return _STATES[Volume.Status(self.volume.status)]

    @property
    def is_root(self) -> bool:
        return self.volume.server_id is not None and self.volume.index == 0

    @property
    def can_attach(self) -> bool:
        return self.volume.server_id is None and self.volume.status == Volume.Status.AVAILABLE

    @property
    def can_detach(self) -> bool:
        return self.volume.status == Volume.Status.IN_USE and not self.is_root

    @property
    def can_extend(self) -> bool:
        return self.volume.status in (Volume.Status.AVAILABLE, Volume.Status.IN_USE)

    @property
    def can_delete(self) -> bool:
        return not self.is_root and not self.state.busy

    @property
    def and_back(self) -> str:
        return "?" + urlencode({"next": self.back})


class CreateForm(forms.Form):
    name = forms.CharField(max_length=255, error_messages={"required": "Give the volume a name."})
    size = forms.IntegerField(
        min_value=1, error_messages={"required": "Say how large it is.", "invalid": "A whole number of GB."}
    )
    source = forms.CharField(required=False)


@living("cyclades/volumes")
def listing(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    context = VOLUMES.context(rules.volumes_for(caller), request.GET)
    shown = [Shown(row, context["here"]) for row in context["page"].object_list]
    return {
        **context,
        "volumes": shown,
        "refresh_s": BUSY_REFRESH_S if any(row.state.busy for row in shown) else CALM_REFRESH_S,
        "bars": bars(accounts().quotas(caller.user, caller.project), ("cyclades.disk",)),
    }


@living("cyclades/volume", gone=("The volume is deleted.", "volumes"))
def detail(request: HttpRequest, caller: Caller, uuid: str) -> Mapping[str, object]:
    volume = rules.get(caller, uuid)
    shown = Shown(volume, f"/ui/volumes/{uuid}/")
    return {
        "volume": volume,
        "shown": shown,
        "source": _source_of(caller, volume),
        "snapshots": snapshots.snapshots_for(caller).filter(volume_id=volume.pk).order_by("-created", "-id"),
        "refresh_s": BUSY_REFRESH_S if shown.state.busy else CALM_REFRESH_S,
    }


@form_page
def create(request: HttpRequest, caller: Caller) -> HttpResponse:
    if request.method != "POST":
        source = next(
            (f"{kind}:{request.GET[kind]}" for kind in ("snapshot", "image") if kind in request.GET), ""
        )
        offered = _sources(caller)
        least = next((gib for value, _, gib in offered if value == source), _USUAL_GIB)
        proposed = {"name": "", "size": max(least, _USUAL_GIB), "source": source}
        return _show_form(request, caller, CreateForm(initial=proposed))
    form = CreateForm(request.POST)
    if form.is_valid():
        try:
            volume = rules.create(caller, _wanted(form.cleaned_data))
        except Fault as fault:
            form.add_error("size" if fault.status == 400 else None, told(fault))
        else:
            messages.success(request, f"Volume {volume} is there.")
            return go(request, "volume", volume.uuid)
    return _show_form(request, caller, form)


@action
def same(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What is typed so far, as commands, and what it costs."""
    form = CreateForm(request.POST)
    context = {"same": _same(caller, form), **_cost(caller, form), "again": True}
    return render(request, "cyclades/volume_same.html", context)


@form_page
def attach(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: the servers that can take it. Told: it is given to one."""
    volume = rules.get(caller, uuid)
    if request.method == "POST":
        _try(request, volume, lambda: attached.attach(caller, request.POST.get("server", ""), uuid))
        return HttpResponseRedirect(_next(request.POST), status=303)
    running = servers.servers_for(caller).filter(operstate__in=("STARTED", "STOPPED")).order_by("name", "id")
    context = {"volume": volume, "servers": running[:_MOST_SHOWN]}
    return _ask(request, "attach", volume, context)


@form_page
def detach(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: what becomes of it. Told: the server loses it."""
    volume = rules.get(caller, uuid)
    if request.method == "POST":
        server = _server_of(volume)
        _try(request, volume, lambda: attached.detach(caller, server.uuid, uuid))
        return HttpResponseRedirect(_next(request.POST), status=303)
    return _ask(request, "detach", volume, {"volume": volume})


@form_page
def extend(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: how large. Told: it grows."""
    volume = rules.get(caller, uuid)
    if request.method == "POST":
        text = request.POST.get("size", "")
        if not (text.isascii() and text.isdecimal() and len(text) < 9):
            messages.error(request, f"{volume}: the size is a whole number of GB.")
        elif volume.server is not None:
            server = volume.server
            _try(request, volume, lambda: attached.extend(caller, server.uuid, uuid, int(text)))
        else:
            _try(request, volume, lambda: rules.extend(caller, uuid, int(text)))
        return HttpResponseRedirect(_next(request.POST), status=303)
    largest: int = settings.CYCLADES_VOLUME_MAX_SIZE
    context = {"volume": volume, "least": volume.size_gib + 1, "largest": largest}
    return _ask(request, "extend", volume, context)


@form_page
def rename(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    volume = rules.get(caller, uuid)
    if request.method == "POST":
        name, description = (request.POST.get(field, "").strip() for field in ("name", "description"))
        _try(request, volume, lambda: rules.describe(caller, uuid, name=name, description=description))
        return HttpResponseRedirect(_next(request.POST), status=303)
    return _ask(request, "rename", volume, {"volume": volume})


@form_page
def snapshot(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: how it is called. Told: what the volume holds now is kept."""
    volume = rules.get(caller, uuid)
    if request.method == "POST":
        name = request.POST.get("name", "").strip()
        _try(request, volume, lambda: snapshots.create(caller, uuid, name=name))
        return HttpResponseRedirect(_next(request.POST), status=303)
    return _ask(request, "snapshot", volume, {"volume": volume})


@form_page
def delete(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: what exactly goes. Told: it goes, out of its server if it is in one."""
    volume = rules.get(caller, uuid)
    if request.method == "POST":
        if volume.server is not None:
            server = volume.server
            done = _try(request, volume, lambda: attached.delete(caller, server.uuid, uuid))
        else:
            done = _try(request, volume, lambda: rules.delete(caller, uuid))
        if done:
            messages.success(request, f"Volume {volume} is being deleted.")
        return go(request, "volumes")
    kept = snapshots.snapshots_for(caller).filter(volume_id=volume.pk).count()
    return _ask(request, "delete", volume, {"volume": volume, "kept": kept})


def _ask(request: HttpRequest, what: str, volume: Volume, context: Mapping[str, object]) -> HttpResponse:
    more = {"url": resolve_url(f"volume-{what}", volume.uuid), "next": _next(request.GET)}
    return render(request, f"cyclades/volume_{what}.html", {**context, **more})


def _try(request: HttpRequest, volume: Volume, do: Any) -> bool:
    """Do it, or say why not."""
    try:
        do()
    except Fault as fault:
        messages.error(request, f"{volume}: {told(fault)}")
        return False
    return True


def _server_of(volume: Volume) -> Server:
    if volume.server is None:
        raise BadRequest("No server has this volume.")
    return volume.server


def _wanted(typed: Mapping[str, Any]) -> VolumeRequest:
    kind, _, uuid = typed["source"].partition(":")
    source = Volume.Source(kind) if kind in ("image", "snapshot") else Volume.Source.BLANK
    return VolumeRequest(
        size_gib=typed["size"], name=typed["name"], source=source,
        source_uuid="" if source is Volume.Source.BLANK else uuid,
    )  # fmt: skip


def _sources(caller: Caller) -> list[tuple[str, str, int]]:
    """What a volume can be made of: value, words, least size in GB."""
    rows = images.listed(caller).filter(status=Image.Status.AVAILABLE).order_by("is_snapshot", "name")
    found = []
    for row in rows[:_MOST_SHOWN]:
        kind = "snapshot" if row.is_snapshot else "image"
        found.append((f"{kind}:{row.uuid}", f"{kind.capitalize()} {row.name}", row.min_disk_gib))
    return found


def _source_of(caller: Caller, volume: Volume) -> str:
    """What its first content was, in words; what the caller does not see any more has no name."""
    if not volume.source_uuid:
        return "Nothing: it was blank"
    kind = Volume.Source(volume.source)
    named: Volume | Image | None
    if kind is Volume.Source.VOLUME:
        named = rules.volumes_for(caller, deleted=None).filter(uuid=volume.source_uuid).first()
    else:
        named = images.images_for(caller, deleted=None).filter(uuid=volume.source_uuid).first()
    return f"{kind.label} {named}" if named else f"{kind.label} that is gone"


def _cost(caller: Caller, form: CreateForm) -> dict[str, object]:
    typed = str(form["size"].value() or "")
    size_gib = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 9 else 0
    cost = {"cyclades.disk": size_gib * GIB}
    quota = accounts().quotas(caller.user, caller.project)
    return {"costs": costs(quota, cost), "forbidden": missing(quota, cost), "button": "Create volume"}


def _same(caller: Caller, form: CreateForm) -> Any:
    kind, _, uuid = str(form["source"].value() or "").partition(":")
    source = Volume.Source(kind) if kind in Volume.Source.values else Volume.Source.BLANK
    typed = str(form["size"].value() or "")
    return create_volume(
        caller, name=form["name"].value() or "NAME", size_gib=typed if typed.isdecimal() else "",
        source=source, source_uuid=uuid,
    )  # fmt: skip


def _show_form(request: HttpRequest, caller: Caller, form: CreateForm) -> HttpResponse:
    context = {
        "form": form,
        "sources": _sources(caller),
        "chosen": form["source"].value() or "",
        **_cost(caller, form),
        "same": _same(caller, form),
        "same_url": resolve_url("volume-same"),
    }
    return render(request, "cyclades/volume_create.html", context, status=422 if form.errors else 200)


def _next(asked: QueryDict) -> str:
    return local_path(asked.get("next", ""), VOLUMES.path)


urlpatterns: list[URLPattern | URLResolver] = [
    path("volumes/", listing.page, name="volumes"),
    path("volumes/rows/", listing.part, name="volume-rows"),
    path("volumes/create/", create, name="volume-create"),
    path("volumes/create/same/", same, name="volume-same"),
    path("volumes/<slug:uuid>/", detail.page, name="volume"),
    path("volumes/<slug:uuid>/facts/", detail.part, name="volume-facts"),
    path("volumes/<slug:uuid>/attach/", attach, name="volume-attach"),
    path("volumes/<slug:uuid>/detach/", detach, name="volume-detach"),
    path("volumes/<slug:uuid>/extend/", extend, name="volume-extend"),
    path("volumes/<slug:uuid>/rename/", rename, name="volume-rename"),
    path("volumes/<slug:uuid>/snapshot/", snapshot, name="volume-snapshot"),
    path("volumes/<slug:uuid>/delete/", delete, name="volume-delete"),
]
