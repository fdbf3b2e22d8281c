"""Pages of one file: facts, a look at it, metadata, versions, download."""

from __future__ import annotations

import base64
import shlex
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import Fault
from synnefo.common.pages import action, page
from synnefo.common.quota_shown import told
from synnefo.common.units import show_amount
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import read
from synnefo.pithos.faces import view
from synnefo.pithos.faces.attributes import OBJECT_META, shaped
from synnefo.pithos.namespace import browsing, objects
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.objects import Overrides, Path, Source
from synnefo.pithos.pages_places import Place, address, data_url, folder_of, leaf_of
from synnefo.pithos.pages_shown import VersionShown, kind_of
from synnefo.pithos.seam.adapter import location_of

_VERSIONS = 20
#: No disk is smaller than a sector.
_SMALLEST_DISK_BYTES = 512
_MOST_TEXT_BYTES = 64 * 1024
_MOST_IMAGE_BYTES = 512 * 1024
#: Images that browsers draw and that cannot carry scripts.
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif")
_TEXTS = ("application/json", "application/xml", "application/x-yaml", "application/javascript")


@page
def detail(request: HttpRequest, caller: Caller) -> HttpResponse:
    place, name = Place.of(request.GET), request.GET.get("name", "")
    return render(request, "pithos/object.html", _context(request, caller, place.path(caller, name)))


@page
def get(request: HttpRequest, caller: Caller) -> HttpResponse:
    """On to where the content comes from, by a link that is good for some minutes."""
    at = Place.of(request.GET).path(caller, request.GET.get("name", ""))
    found = objects.get(caller, at, _number(request.GET.get("version", "")))
    return HttpResponseRedirect(f"{data_url(request)}/{view.link_to_file(caller, at, found)}")


@action
def set_metadata(request: HttpRequest, caller: Caller) -> HttpResponse:
    """All ``key``s with their ``value``s; keys that are not among them go."""
    at = Place.of(request.POST).path(caller, request.POST.get("name", ""))
    pairs = zip(request.POST.getlist("key"), request.POST.getlist("value"), strict=False)
    wanted = {OBJECT_META + shaped(key.strip()): value.strip() for key, value in pairs if key.strip()}
    try:
        old = objects.get(caller, at).own_attributes
        removed = {key: "" for key in old if key.startswith(OBJECT_META) and key not in wanted}
        if removed or any(old.get(key, "") != value for key, value in wanted.items()):
            objects.set_attributes(caller, at, {**removed, **wanted}, merge=True)
        messages.success(request, "The metadata is saved.")
    except Fault as fault:
        messages.error(request, f"The metadata was not saved. {told(fault)}")
    return HttpResponseRedirect(address("object", at.container, name=at.name), status=303)


@action
def restore(request: HttpRequest, caller: Caller) -> HttpResponse:
    """A copy of an old version over what is there now, which stays as a version."""
    at = Place.of(request.POST).path(caller, request.POST.get("name", ""))
    number = _number(request.POST.get("version", ""))
    try:
        objects.copy(caller, Source(at, number), at, Overrides())
        messages.success(request, "The old version is the current one again. What it replaced is kept.")
    except Fault as fault:
        messages.error(request, told(fault))
    return HttpResponseRedirect(address("object", at.container, name=at.name), status=303)


def _context(request: HttpRequest, caller: Caller, at: Path) -> dict[str, Any]:
    current = objects.get(caller, at)
    before = _number(request.GET.get("before", ""))
    found = browsing.history(caller, at, older_than=before, limit=_VERSIONS + 1)
    names = accounts().names({row.modified_by for row in (current, *found)})
    older = found[_VERSIONS - 1].pk if len(found) > _VERSIONS else None
    own = current.own_attributes
    return {
        "place": Place(at.container, folder_of(at.name)),
        "name": at.name,
        "leaf": leaf_of(at.name),
        "version": current,
        "size": show_amount(current.size_bytes, "bytes"),
        "kind": kind_of(current.content_type),
        "by": names.get(current.modified_by, current.modified_by),
        "download": address("get", at.container, name=at.name),
        "share": address("share", at.container, name=at.name),
        "metadata": [
            (key.removeprefix(OBJECT_META), own[key]) for key in sorted(own) if key.startswith(OBJECT_META)
        ],
        "versions": [_shown(row, at, names, current) for row in found[:_VERSIONS]],
        "older": address("object", at.container, name=at.name, before=str(older)) if older else "",
        "disk_at": location_of(at) if current.size_bytes >= _SMALLEST_DISK_BYTES else "",
        "look": _look(current),
        "command": f"kamaki file download {shlex.quote(f'/{at.container}/{at.name}')}",
        "in_folder": address("folder", at.container, under=folder_of(at.name)),
    }


def _shown(row: Version, at: Path, names: dict[str, str], current: Version) -> VersionShown:
    link = address("get", at.container, name=at.name, version=str(row.pk))
    return VersionShown(row, names.get(row.modified_by, row.modified_by), row.pk == current.pk, link)


def _look(version: Version) -> dict[str, str]:
    """A small picture as data, or the beginning of a text: neither can do anything in a page."""
    kind = version.content_type.partition(";")[0].strip().lower()
    if kind in _IMAGES and 0 < version.size_bytes <= _MOST_IMAGE_BYTES:
        data = base64.b64encode(_beginning(version, _MOST_IMAGE_BYTES)).decode()
        return {"image": f"data:{kind};base64,{data}"}
    if (kind.startswith("text/") or kind in _TEXTS) and version.size_bytes:
        text = _beginning(version, _MOST_TEXT_BYTES).decode("utf-8", errors="replace")
        cut = show_amount(_MOST_TEXT_BYTES, "bytes") if version.size_bytes > _MOST_TEXT_BYTES else ""
        return {"text": text.replace("\0", "\ufffd"), "cut": cut}
    return {}


def _beginning(version: Version, most_bytes: int) -> bytes:
    size = settings.PITHOS_BACKEND_BLOCK_SIZE
    return b"".join(read(blocks(), version.content, size, 0, min(most_bytes, version.size_bytes)))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


urlpatterns: list[URLPattern] = [
    path("files/object/", detail, name="file"),
    path("files/object/metadata/", set_metadata, name="file-metadata"),
    path("files/object/restore/", restore, name="file-restore"),
    path("files/get/", get, name="file-get"),
]
