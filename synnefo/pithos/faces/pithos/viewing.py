"""``ui/view/<account>/<container>/<object>``: an object in a browser that has no token, by OAuth 2.

The browser is sent to Astakos, comes back with a code, and gets an access token for this one object, good for
seconds. This address has no cookies but the one that binds a code to the browser that was sent for it, so it
can be on a host of its own (``PITHOS_UNSAFE_DOMAIN``), where nothing that people store can do harm.
"""

from __future__ import annotations

import secrets
from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.crypto import constant_time_compare

from synnefo.common.accounts import accounts
from synnefo.common.caller import Scope
from synnefo.common.faults import Fault, FeatureNotEnabled, Forbidden, NotAllowed, Unauthorized
from synnefo.common.http.addresses import accounts_url, objects_url
from synnefo.common.http.context import client_address
from synnefo.common.http.facade import as_fault
from synnefo.pithos.faces.conditions import NotModified
from synnefo.pithos.faces.pithos import kit, objects
from synnefo.pithos.faces.pithos.strangers import on_unsafe_domain
from synnefo.pithos.namespace.objects import Path

_COOKIE = "pithos_view"
_LIFETIME_S = 600
_STEPS = ("code", "state", "access_token", "error")


@on_unsafe_domain
def view(request: HttpRequest, account: str, container: str, name: str) -> HttpResponseBase:
    path = Path(account, container, name)
    try:
        response = _step(request, path)
    except NotModified as unchanged:
        response = kit.empty(304)
        if unchanged.etag:
            response["ETag"] = unchanged.etag
    except Exception as error:  # as_fault logs what is not a fault and hides it from the browser
        response = _told(request, as_fault(error))
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _step(request: HttpRequest, path: Path) -> HttpResponseBase:
    if request.method not in ("GET", "HEAD"):
        raise NotAllowed("Method not allowed")
    if not all(settings.PITHOS_OAUTH2_CLIENT_CREDENTIALS):
        raise FeatureNotEnabled("Views are not set up here.")
    if request.GET.get("access_token"):
        return _shown(request, path)
    if request.GET.get("code"):
        return _redeemed(request, path)
    if request.GET.get("error"):
        raise Forbidden("The permission to show this file was not given.")
    return _asked(request, path)


def _asked(request: HttpRequest, path: Path) -> HttpResponse:
    """To Astakos, who knows the browser or signs it in."""
    state = secrets.token_urlsafe(24)
    query = {
        "response_type": "code",
        "client_id": settings.PITHOS_OAUTH2_CLIENT_CREDENTIALS[0],
        "redirect_uri": _here(request),
        "scope": _place(path),
        "state": state,
    }
    response = HttpResponseRedirect(f"{accounts_url(request)}/oauth2/auth?{urlencode(query)}")
    response.set_cookie(
        _COOKIE, state, max_age=_LIFETIME_S, path=quote(request.path), httponly=True, samesite="Lax",
        secure=request.is_secure(),
    )  # fmt: skip
    return response


def _redeemed(request: HttpRequest, path: Path) -> HttpResponse:
    """Back from Astakos with a code: to this address again, with a token. Raises Forbidden, Unauthorized."""
    expected, given = request.COOKIES.get(_COOKIE, ""), request.GET.get("state", "")
    if not expected or not constant_time_compare(expected, given):
        raise Forbidden("This browser did not ask for that, or takes no cookies. Open the file again.")
    token = accounts().redeem_code(
        request.GET["code"], _here(request), tuple(settings.PITHOS_OAUTH2_CLIENT_CREDENTIALS),
        address=client_address(request),
    )  # fmt: skip
    response = HttpResponseRedirect(_here(request, access_token=token))
    response.delete_cookie(_COOKIE, path=quote(request.path))
    return response


def _shown(request: HttpRequest, path: Path) -> HttpResponseBase:
    try:
        identity = accounts().identity_of_access(request.GET["access_token"], _place(path))
    except Unauthorized:
        return HttpResponseRedirect(_here(request))
    caller = identity.caller(
        Scope.OWNER, request_id=getattr(request, "id", ""), address=client_address(request)
    )
    show = objects.described if request.method == "HEAD" else objects.answer
    return show(request, caller, path)


def _here(request: HttpRequest, **more: str) -> str:
    """This address with what was asked of the object, without what OAuth adds."""
    query = request.GET.copy()
    for step in _STEPS:
        query.pop(step, None)
    query.update(more)
    domain: str = settings.PITHOS_UNSAFE_DOMAIN
    base = f"{request.scheme}://{domain}" if domain else objects_url(request)
    return f"{base}{quote(request.path)}{'?' if query else ''}{query.urlencode()}"


def _place(path: Path) -> str:
    """What the token opens. The mark at its end, which names have not, keeps it from opening longer names."""
    return f"/{quote(str(path))}?"


def _told(request: HttpRequest, fault: Fault) -> HttpResponse:
    context = {"status": fault.status, "title": fault.title, "message": fault.message}
    response = render(request, "pithos/view_refused.html", context, status=fault.status)
    if isinstance(fault, NotAllowed):
        response["Allow"] = "GET,HEAD"
    response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    return response
