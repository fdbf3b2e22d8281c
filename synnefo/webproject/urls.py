"""The URL map: what the enabled services offer, health, and the console; as far as this process serves it."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec

from django.conf import settings
from django.contrib.admin import AdminSite
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from synnefo.common.http import health
from synnefo.common.http.addresses import objects_path
from synnefo.webproject.objects import elsewhere

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


def _pages() -> list[URLPattern | URLResolver]:
    found: list[URLPattern | URLResolver] = [
        path("metrics", health.metrics),
        path("", RedirectView.as_view(url="/ui/", permanent=False)),
        path("ui/", include("synnefo.webproject.pages")),
    ]
    for name in settings.SYNNEFO_SERVICES:
        if name != "pithos":
            found += _service_routes(name)
        found += [path("ui/", include(_page_routes(name)))]
    return found


def _objects() -> list[URLPattern | URLResolver]:
    if "pithos" not in settings.SYNNEFO_SERVICES:
        return []
    if "objects" in settings.SYNNEFO_WEB_SERVES:
        return _service_routes("pithos")
    return [re_path(f"^{re.escape(objects_path().lstrip('/'))}(?P<path>.*)$", elsewhere)]


urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    *_objects(),
    *(_pages() if "pages" in settings.SYNNEFO_WEB_SERVES else []),
]

if "astakos" in settings.SYNNEFO_SERVICES and "pages" in settings.SYNNEFO_WEB_SERVES:
    urlpatterns += [path("admin/", _dashboard().urls)]

handler400 = "synnefo.webproject.errors.bad_request"
handler403 = "synnefo.webproject.errors.forbidden"
handler404 = "synnefo.webproject.errors.not_found"
handler500 = "synnefo.webproject.errors.crashed"
