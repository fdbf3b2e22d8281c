"""The URL map: what the enabled services offer, health, and the console."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from synnefo.common.http import health

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


urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("", RedirectView.as_view(url="/ui/", permanent=False)),
    path("ui/", include("synnefo.webproject.pages")),
]
for _name in settings.SYNNEFO_SERVICES:
    urlpatterns += _service_routes(_name)
    urlpatterns += [path("ui/", include(_page_routes(_name)))]

handler400 = "synnefo.webproject.errors.bad_request"
handler403 = "synnefo.webproject.errors.forbidden"
handler404 = "synnefo.webproject.errors.not_found"
handler500 = "synnefo.webproject.errors.crashed"
