"""The URL map: what the enabled services offer, health, and the console; as far as this process serves it."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from synnefo.common.http import health
from synnefo.common.http.addresses import dav_path, objects_path, shown_paths, swift_paths
from synnefo.webproject import proxies
from synnefo.webproject.objects import elsewhere

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite

_BASES = {
    "astakos": "ASTAKOS_BASE_PATH",
    "cyclades": "CYCLADES_BASE_PATH",
    "pithos": "PITHOS_BASE_PATH",
}


def _service_routes(name: str) -> list[URLPattern | URLResolver]:
    base: str = getattr(settings, _BASES[name]).strip("/")
    return [path(f"{base}/" if base else "", include(f"synnefo.{name}.urls"))]


def _page_routes(name: str) -> list[URLPattern | URLResolver]:
    pages: list[URLPattern | URLResolver] = import_module(f"synnefo.{name}.pages").urlpatterns
    return pages


def _dashboard() -> AdminSite:
    """The administrators' tables of the enabled services."""
    from synnefo.admin.site import site

    for name in settings.SYNNEFO_SERVICES:
        if find_spec(f"synnefo.{name}.admin"):
            import_module(f"synnefo.{name}.admin")
    return site


def _apis() -> list[URLPattern | URLResolver]:
    """All but the objects', which may be served by processes of their own."""
    names = (name for name in settings.SYNNEFO_SERVICES if name != "pithos")
    return [path("metrics", health.metrics), *(route for name in names for route in _service_routes(name))]


def _pages() -> list[URLPattern | URLResolver]:
    """For people, and so only where their accounts are."""
    if "astakos" not in settings.SYNNEFO_SERVICES:
        return []
    return [
        path("", RedirectView.as_view(url="/ui/", permanent=False)),
        path("ui/", include("synnefo.webproject.pages")),
        *(path("ui/", include(_page_routes(name))) for name in settings.SYNNEFO_SERVICES),
        path("admin/", _dashboard().urls),
    ]


def _objects() -> list[URLPattern | URLResolver]:
    if "pithos" not in settings.SYNNEFO_SERVICES:
        return []
    if "objects" in settings.SYNNEFO_WEB_SERVES:
        return [
            *proxies.routes(),
            *_service_routes("pithos"),
            path("", include("synnefo.pithos.faces.swift.own")),
        ]
    found = (objects_path(), dav_path(), *shown_paths(), *swift_paths())
    paths = "|".join(re.escape(path.lstrip("/")) for path in found)
    return [*proxies.routes(), re_path(f"^(?:{paths})(?P<path>.*)$", elsewhere)]


urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    *_objects(),
    *([*_apis(), *_pages()] if "pages" in settings.SYNNEFO_WEB_SERVES else []),
]

handler400 = "synnefo.webproject.errors.bad_request"
handler403 = "synnefo.webproject.errors.forbidden"
handler404 = "synnefo.webproject.errors.not_found"
handler429 = "synnefo.webproject.errors.too_many"  # Django has none, allauth asks for it
handler500 = "synnefo.webproject.errors.crashed"
