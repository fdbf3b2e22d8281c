"""``/ui/api_access``, by which kamaki and other clients of Synnefo 0.21 are set up, and kamaki's file."""

from __future__ import annotations

import datetime
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone

from synnefo.astakos.accounts import access
from synnefo.astakos.accounts.models import User
from synnefo.astakos.accounts.pages import files_of, identity_url, shown_once
from synnefo.common.caller import Caller
from synnefo.common.pages import form_page


@form_page
def api_access(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What clients need, and the buttons that make a token; one that is there is never shown again."""
    user = cast("User", request.user)
    if request.method == "POST":
        return shown_once(request, user, _made(caller, user, "API access"))
    context = {
        "url": f"{identity_url(request)}/v2.0",
        "user": user,
        "client_url": settings.ASTAKOS_API_CLIENT_URL,
        "days": settings.ASTAKOS_TOKEN_DURATION_H // 24,
    }
    return render(request, "astakos/api_access.html", context)


@form_page
def kamakirc(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The file that kamaki reads, with a token that is made for it: by a button, not by a link."""
    if request.method != "POST":
        return redirect("api-access")
    user = cast("User", request.user)
    (file,) = files_of(request, user, _made(caller, user, "kamaki"))
    answer = HttpResponse(file.content, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename=".kamakirc"'
    answer["Cache-Control"] = "no-store"
    return answer


def _made(caller: Caller, user: User, what: str) -> access.Secrets:
    """All that the user may do, in all of his projects, as Synnefo's one token could."""
    name = f"{what}, {timezone.now():%Y-%m-%d %H:%M}"
    lifetime = datetime.timedelta(hours=settings.ASTAKOS_TOKEN_DURATION_H)
    return access.create(caller, user, name, project=None, lifetime=lifetime, as_admin=user.is_superuser)


urlpatterns: list[URLPattern | URLResolver] = [
    path("api_access/", api_access, name="api-access"),
    path("api_access", api_access),
    path(".kamakirc", kamakirc, name="kamakirc"),
]
