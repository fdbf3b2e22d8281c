"""The host that shows what people store: another one than that of the pages, if settings name it.

What browsers draw there can do nothing in the name of who is signed in here.
"""

from __future__ import annotations

import functools
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase

from synnefo.pithos.faces.pithos.kit import View


def on_unsafe_domain(view: View) -> View:
    """Send who asks another host there; what changes anything is refused."""

    @functools.wraps(view)
    def checked(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        domain: str = settings.PITHOS_UNSAFE_DOMAIN
        if not domain or request.get_host().lower() == domain.lower():
            return view(request, **arguments)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse("This is not the host for that.\n", status=403, content_type="text/plain")
        return HttpResponseRedirect(f"{request.scheme}://{domain}{request.get_full_path()}")

    checked.csrf_exempt = True  # type: ignore[attr-defined]
    return checked
