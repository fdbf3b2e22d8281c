"""Sending a browser on to another place than this cloud.

A form's answer may not redirect it there: pages say that forms are for this cloud alone, and Chromium holds
redirects to that, too, the ones after signing in included. So whoever comes from a page of ours gets a page
that goes on by itself; everybody else is redirected.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from synnefo.astakos.accounts.models import User


def leave(request: HttpRequest, url: str) -> HttpResponse:
    """On to a URL of any scheme, which the caller has checked."""
    if _comes_from_here(request):
        response = render(request, "astakos/leaving.html", {"url": url, "place": urlsplit(url).netloc})
    else:
        response = HttpResponse(status=302)
        response["Location"] = url
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


def terms_first(request: HttpRequest, user: User) -> HttpResponse | None:
    """To the terms of use, and back here, for who has not signed them; None for everybody else."""
    if user.terms_due is None:
        return None
    return HttpResponseRedirect(f"{reverse('terms')}?{urlencode({'next': request.get_full_path()})}")


def with_query(url: str, **values: str) -> str:
    """The URL with these values in its query, beside what is there already."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, True) if name not in values]
    return urlunsplit(parts._replace(query=urlencode([*kept, *values.items()])))


def _comes_from_here(request: HttpRequest) -> bool:
    if request.method == "POST":
        return True
    came_from: str = request.META.get("HTTP_REFERER", "")
    return urlsplit(came_from).netloc == request.get_host()
