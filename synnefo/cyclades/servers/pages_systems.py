"""Pages of what a server runs and how it is found: rescue, rebuild, its image, another size, tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path

from synnefo.common.caller import Caller
from synnefo.common.pages import action, form_page
from synnefo.common.questions import asked, confirmed
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.servers import imaging, rules, sizes, systems, tags
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import RebuildRequest
from synnefo.cyclades.servers.shown import size_of

_MOST = 200


class ImageForm(forms.Form):
    image = forms.CharField(required=False)


class RebuildForm(ImageForm):
    typed = forms.CharField(required=False)

    def __init__(self, *args: Any, name: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._name = name

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"]).strip()
        if typed != self._name.strip():
            raise forms.ValidationError(f"That is not “{self._name}”. Nothing was changed.")
        return typed


class NameForm(forms.Form):
    name = forms.CharField(max_length=255, error_messages={"required": "Give it a name."})


class SizeForm(forms.Form):
    flavor = forms.CharField(error_messages={"required": "Choose a size."})


@form_page
def rescue(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: which system mends it. Told: it boots that one, whose password is shown once."""
    server = rules.get(caller, uuid)
    form = ImageForm(request.POST if request.method == "POST" else None)

    def deed() -> None:
        image = form.cleaned_data["image"] or None
        _, password = systems.rescue(caller, uuid, run=True, image=image)
        request.session[f"password-of-{uuid}"] = password

    return _asked(
        request, server, form, deed, what="rescue", done=f"{server.name} boots the other system.",
        images=_images(caller), chosen=form["image"].value() or server.image,
    )  # fmt: skip


@form_page
def rebuild(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: of which image, and its name. Told: its first disk is made anew."""
    server = rules.get(caller, uuid)
    form = RebuildForm(request.POST if request.method == "POST" else None, name=server.name)

    def deed() -> None:
        _, password = systems.rebuild(caller, uuid, RebuildRequest(form.cleaned_data["image"]))
        request.session[f"password-of-{uuid}"] = password

    return _asked(
        request, server, form, deed, what="rebuild", done=f"{server.name} is made anew.",
        images=_images(caller), chosen=form["image"].value() or server.image, typed=server.name.strip(),
        mistyped="typed" in form.errors,
    )  # fmt: skip


@form_page
def image(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: how it is called. Told: what its first disk holds becomes an image."""
    server = rules.get(caller, uuid)
    form = NameForm(request.POST) if request.method == "POST" else NameForm(initial={"name": server.name})
    return _asked(
        request, server, form, lambda: imaging.create_image(caller, uuid, form.cleaned_data["name"]),
        what="image", done="The image is being made. It stands among the images.",
    )  # fmt: skip


@form_page
def size(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Asked: which flavor. Told: it gets that, and waits for its owner's last word."""
    server = rules.get(caller, uuid)
    form = SizeForm(request.POST if request.method == "POST" else None)
    own = server.flavor
    rows = flavors.flavors_for(caller).filter(
        allow_create=True, volume_type=own.volume_type_id, disk__gte=own.disk
    )
    offered = rows.exclude(pk=own.pk).order_by("cpu", "ram", "disk", "pk")[:_MOST]
    return _asked(
        request, server, form,
        lambda: sizes.resize(caller, uuid, form.cleaned_data["flavor"], confirm=True),
        what="size", done=f"{server.name} gets another size, which you confirm or take back then.",
        offered=[(row.openstack_id, size_of(row), row.name) for row in offered], own=size_of(own),
    )  # fmt: skip


@form_page
def tag(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    server = rules.get(caller, uuid)
    form = NameForm(request.POST if request.method == "POST" else None)
    return _asked(
        request, server, form, lambda: tags.add(caller, server, form.cleaned_data["name"]),
        what="tag", done="The tag is there.",
    )  # fmt: skip


@action
def untag(request: HttpRequest, caller: Caller, uuid: str) -> HttpResponse:
    """Take one tag off, as ``tag`` says."""
    server = rules.get(caller, uuid)
    word = request.POST.get("tag", "")
    deed = lambda: tags.remove(caller, server, word)  # noqa: E731
    return confirmed(request, deed, done=f"Tag {word} is taken off.", to=_page(server))


def _asked(
    request: HttpRequest, server: Server, form: forms.Form, deed: Callable[[], object], *, what: str,
    done: str, **context: object,
) -> HttpResponse:  # fmt: skip
    return asked(
        request, form, deed, template=f"cyclades/server_{what}.html", done=done, to=_page(server),
        context={"server": server, **context},
    )  # fmt: skip


def _images(caller: Caller) -> list[tuple[str, str]]:
    """What a server can be booted from."""
    rows = images.listed(caller).filter(status=Image.Status.AVAILABLE, is_snapshot=False)
    return list(rows.order_by("name", "pk").values_list("uuid", "name")[:_MOST])


def _page(server: Server) -> str:
    return f"/ui/servers/{server.uuid}/"


urlpatterns: list[URLPattern | URLResolver] = [
    path("servers/<slug:uuid>/rescue/", rescue, name="server-rescue"),
    path("servers/<slug:uuid>/rebuild/", rebuild, name="server-rebuild"),
    path("servers/<slug:uuid>/image/", image, name="server-image"),
    path("servers/<slug:uuid>/size/", size, name="server-size"),
    path("servers/<slug:uuid>/tag/", tag, name="server-tag"),
    path("servers/<slug:uuid>/tag/remove/", untag, name="server-untag"),
]
