"""Routes of Pithos, below ``PITHOS_BASE_PATH``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
