"""The console's pages of Cyclades, mounted under ``/ui/``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
