"""The console's pages of Cyclades, mounted under ``/ui/``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from synnefo.cyclades.console import pages as console
from synnefo.cyclades.servers import pages as servers

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="servers"), name="home"),
    *servers.urlpatterns,
    *console.urlpatterns,
]
