"""Names and colours of the installation, for every page and mail."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def context(request: HttpRequest) -> dict[str, object]:
    return {
        "BRANDING_SERVICE_NAME": settings.BRANDING_SERVICE_NAME,
        "BRANDING_COMPANY_NAME": settings.BRANDING_COMPANY_NAME,
        "BRANDING_ACCENT": settings.BRANDING_ACCENT,
    }
