"""Pages of images: the list, a new one of a stored file, what is said of one, its end.

Every change is a call of the rules. A description, the system and who logs in are properties, as for all
clients.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from django import forms
from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render, resolve_url
from django.urls import URLPattern, URLResolver, path
from django.utils.http import urlencode

from synnefo.common.caller import Caller
from synnefo.common.faults import Fault, Forbidden
from synnefo.common.listing import Listing
from synnefo.common.objects import StoredObject
from synnefo.common.pages import (
    BUSY_REFRESH_S,
    CALM_REFRESH_S,
    action,
    form_page,
    go,
    living,
    local_path,
)
from synnefo.common.quota_shown import told
from synnefo.common.same_request import Same
from synnefo.common.shown import State
from synnefo.common.units import show_amount
from synnefo.cyclades.images import checks, rules
from synnefo.cyclades.images.inspection import DiskFacts
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.images.same_request import register_image

_STATES = {
    Image.Status.AVAILABLE: State("Available", "green"),
    Image.Status.QUEUED: State("Waits for its file", "orange"),
    Image.Status.SAVING: State("Uploading", "blue", busy=True),
    Image.Status.UPLOADING: State("Waits for its import", "orange"),
    Image.Status.IMPORTING: State("Being imported", "blue", busy=True),
    Image.Status.DEACTIVATED: State("Deactivated", "orange"),
    Image.Status.ERROR: State("Error", "red"),
}
#: Fields of the forms that are kept as properties of these names.
_PROPERTIES = ("description", "os", "osfamily", "users")
_SUFFIX = re.compile(r"(?<=.)\.[A-Za-z]\w*$")


def _find(rows: QuerySet[Image], words: str) -> QuerySet[Image]:
    """By name, uuid, or the system in it."""
    return rows.filter(Q(name__icontains=words) | Q(uuid=words) | Q(properties__os__icontains=words))


IMAGES = Listing(
    path="/ui/images/",
    noun="image",
    columns={
        "name": ("Name", ("name", "id")),
        "size": ("File", ("size_bytes", "id")),
        "disk": ("Disk", ("virtual_size_bytes", "id")),
        "created": ("Age", ("created", "id")),
    },
    usual="-created",
    find=_find,
    states={"private": Q(is_public=False), "public": Q(is_public=True)},
)


@dataclasses.dataclass(frozen=True)
class Shown:
    """An image as a row shows it; ``back`` is the list as it was."""

    image: Image
    caller: Caller
    members: int
    back: str

    @property
    def state(self) -> State:
        return _STATES[Image.Status(self.image.status)]

    @property
    def size(self) -> str:
        return show_amount(self.image.size_bytes, "bytes") if self.image.hold else ""

    @property
    def disk(self) -> str:
        return show_amount(self.image.virtual_size_bytes, "bytes") if self.image.hold else ""

    @property
    def seen_by(self) -> str:
        if self.image.is_public:
            return "Everybody"
        if self.image.shared_to_project:
            return "The project"
        if self.image.userid != self.caller.user:
            return "Shared with you"
        return f"You and {self.members} more" if self.members else "You alone"

    @property
    def bootable(self) -> bool:
        return self.image.status == Image.Status.AVAILABLE

    @property
    def changeable(self) -> bool:
        return self.image.userid == self.caller.user or self.caller.is_admin

    @property
    def remove_url(self) -> str:
        return resolve_url("image-remove", self.image.uuid) + "?" + urlencode({"next": self.back})


@dataclasses.dataclass(frozen=True)
class Found:
    """The file that an image would be made of, and its image if it has one; or why there can be none."""

    location: str
    stored: StoredObject | None = None
    facts: DiskFacts | None = None
    known: Image | None = None
    trouble: str = ""

    @property
    def file(self) -> str:
        return unquote(self.location.rpartition("/")[2])

    @property
    def size(self) -> str:
        return show_amount(self.stored.size_bytes, "bytes") if self.stored else ""

    @property
    def disk(self) -> str:
        return show_amount(self.facts.virtual_size_bytes, "bytes") if self.facts else ""


class AboutForm(forms.Form):
    """What is said of an image. Who may not publish has no field for that."""

    name = forms.CharField(max_length=checks.MAX_NAME, error_messages={"required": "Give the image a name."})
    description = forms.CharField(max_length=checks.MAX_PROPERTY_VALUE, required=False)
    os = forms.CharField(max_length=checks.MAX_PROPERTY_VALUE, required=False)
    osfamily = forms.CharField(max_length=checks.MAX_PROPERTY_VALUE, required=False)
    users = forms.CharField(max_length=checks.MAX_PROPERTY_VALUE, required=False)
    is_public = forms.BooleanField(required=False)

    def __init__(self, caller: Caller, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not checks.may_publish(caller):
            del self.fields["is_public"]

    @property
    def properties(self) -> dict[str, str]:
        """Those that are filled in, checked or not."""
        typed = {key: str(self[key].value() or "").strip() for key in _PROPERTIES}
        return {key: value for key, value in typed.items() if value}


class RegisterForm(AboutForm):
    location = forms.CharField(max_length=4096, error_messages={"required": "Say which file."})


@living("cyclades/images")
def listing(request: HttpRequest, caller: Caller) -> Mapping[str, object]:
    rows = rules.listed(caller).filter(is_snapshot=False)
    found = rows.annotate(member_count=Count("members"))
    context = IMAGES.context(found, request.GET)
    images = [Shown(row, caller, row.member_count, context["here"]) for row in context["page"].object_list]
    busy = any(row.state.busy for row in images)
    return {**context, "images": images, "refresh_s": BUSY_REFRESH_S if busy else CALM_REFRESH_S}


@form_page
def register(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Asked for with a ``location``, it shows the file and says what can be guessed of its image."""
    if request.method != "POST":
        found = _look(caller, request.GET.get("location", ""))
        return _show_register(request, RegisterForm(caller, initial=_proposed(caller, found)), found)
    form = RegisterForm(caller, request.POST)
    if form.is_valid():
        wanted = form.cleaned_data
        try:
            image = rules.register_location(
                caller, wanted["location"], name=wanted["name"], properties=form.properties,
                is_public=wanted.get("is_public", False),
            )  # fmt: skip
        except Fault as fault:
            form.add_error("location", _words(fault))
        else:
            messages.success(request, f"Image {image.name} is there.")
            return go(request, "images")
    return _show_register(request, form, _look(caller, form["location"].value() or ""))


@action
def same(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What is typed so far, as commands."""
    form = RegisterForm(caller, request.POST)
    found = _look(caller, form["location"].value() or "")
    return render(request, "parts/same_again.html", {"same": _same(form, found)})


@form_page
def edit(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    image = _own(caller, uuid)
    if request.method != "POST":
        return _show_edit(request, image, AboutForm(caller, initial=_said(image)))
    form = AboutForm(caller, request.POST)
    if form.is_valid():
        others = {key: value for key, value in image.properties.items() if key not in _PROPERTIES}
        about = {key: form.cleaned_data[key] for key in ("name", "is_public") if key in form.cleaned_data}
        try:
            rules.modify(caller, uuid, properties={**others, **form.properties}, description="", **about)
        except Fault as fault:
            form.add_error(None, told(fault))
        else:
            messages.success(request, f"Image {about['name']} is changed.")
            return go(request, "images")
    return _show_edit(request, image, form)


@form_page
def remove(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: what goes and what stays. Told: it goes."""
    image = _own(caller, uuid)
    back = _next(request.POST or request.GET)
    if request.method == "POST":
        rules.unregister(caller, uuid)
        messages.success(request, f"Image {image.name} is removed.")
        return HttpResponseRedirect(back, status=303)
    context = {"image": image, "url": resolve_url("image-remove", uuid), "next": back}
    return render(request, "cyclades/image_remove.html", context)


def _own(caller: Caller, uuid: str) -> Image:
    """An image that the caller may change. Raises ItemNotFound, Forbidden."""
    image = rules.get(caller, uuid)
    if image.userid != caller.user and not caller.is_admin:
        raise Forbidden("Only its owner changes or removes an image.")
    return image


def _said(image: Image) -> dict[str, object]:
    """What the form's fields say of an image that is there."""
    kept = {key: image.properties.get(key, "") for key in _PROPERTIES}
    return {**kept, "description": image.about, "name": image.name, "is_public": image.is_public}


def _proposed(caller: Caller, found: Found) -> dict[str, object]:
    """What is said of the file's image already; else its name without what stands behind the last dot."""
    if found.known is not None and found.known.userid == caller.user:
        return {**_said(found.known), "location": found.location}
    return {"location": found.location, "name": _SUFFIX.sub("", found.file), "osfamily": "linux"}


def _look(caller: Caller, location: str) -> Found:
    location = location.strip()
    if not location:
        return Found(location)
    try:
        stored, facts = rules.look(caller, location)
    except Fault as fault:
        return Found(location, trouble=_words(fault))
    return Found(location, stored, facts, rules.images_for(caller).filter(uuid=stored.uuid).first())


def _words(fault: Fault) -> str:
    return "There is no such file." if fault.status == 404 else told(fault)


def _show_register(request: HttpRequest, form: RegisterForm, found: Found) -> HttpResponse:
    context = {
        "form": form,
        "found": found,
        "same": _same(form, found),
        "same_url": resolve_url("image-same"),
    }
    return render(request, "cyclades/image_register.html", context, status=422 if form.errors else 200)


def _show_edit(request: HttpRequest, image: Image, form: AboutForm) -> HttpResponse:
    context = {"image": image, "form": form}
    return render(request, "cyclades/image_edit.html", context, status=422 if form.errors else 200)


def _same(form: RegisterForm, found: Found) -> Same:
    return register_image(
        location=found.location,
        name=form["name"].value() or "NAME",
        disk_format=found.facts.disk_format if found.facts else "",
        properties=form.properties,
        is_public="is_public" in form.fields and bool(form["is_public"].value()),
    )


def _next(asked: QueryDict) -> str:
    return local_path(asked.get("next", ""), IMAGES.path)


urlpatterns: list[URLPattern | URLResolver] = [
    path("images/", listing.page, name="images"),
    path("images/rows/", listing.part, name="image-rows"),
    path("images/register/", register, name="image-register"),
    path("images/register/same/", same, name="image-same"),
    path("images/<slug:uuid>/edit/", edit, name="image-edit"),
    path("images/<slug:uuid>/remove/", remove, name="image-remove"),
]
