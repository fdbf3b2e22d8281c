"""Answers where no view gave one: unknown paths, forged forms, crashes. People get a page, programs JSON; who
does not say at all what he can read gets a page, as ever."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from synnefo.common import faults
from synnefo.common.http.rendering import nova, render

_EXPIRED = (
    "The form was too old, or cookies are switched off. Go back, load the page again, and send it once more."
)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, faults.ItemNotFound("The address may be mistyped, or what was here is gone."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, faults.Forbidden("You may not open this."))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, faults.BadRequest("The request could not be understood."))


def too_many(request: HttpRequest) -> HttpResponse:
    """Where allauth counts: who proves again who he is, ten times a minute."""
    return _answer(
        request, faults.TooManyRequests("You have tried this too often. Wait a minute, then go on.")
    )


def crashed(request: HttpRequest) -> HttpResponse:
    return _answer(
        request,
        faults.Fault("It has been noted. Try again; if it stays, tell an administrator the request id."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(request, faults.Forbidden(_EXPIRED))


def _answer(request: HttpRequest, fault: faults.Fault) -> HttpResponse:
    wants_page = request.path.startswith("/ui/") or "text/html" in request.headers.get("Accept", "text/html")
    if wants_page and "pages" in settings.SYNNEFO_WEB_SERVES and "astakos" in settings.SYNNEFO_SERVICES:
        from synnefo.common.pages import error_page  # it needs sessions, which are not everywhere

        return error_page(request, fault.status, fault.message)
    return render(request, fault, nova)
