"""The console's pages of Pithos, mounted under ``/ui/``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from synnefo.pithos import (
    pages_containers,
    pages_folder,
    pages_groups,
    pages_object,
    pages_settings,
    pages_shared,
    pages_sharing,
    pages_trash,
    pages_upload,
)

urlpatterns: list[URLPattern | URLResolver] = [
    *pages_containers.urlpatterns,
    *pages_folder.urlpatterns,
    *pages_object.urlpatterns,
    *pages_groups.urlpatterns,
    *pages_settings.urlpatterns,
    *pages_shared.urlpatterns,
    *pages_sharing.urlpatterns,
    *pages_trash.urlpatterns,
    *pages_upload.urlpatterns,
]
