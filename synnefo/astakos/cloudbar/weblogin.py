"""``weblogin/login``: a native client of Synnefo 0.21 gets a token by the user's browser.

The token stands in the address that the browser hands to the program, where histories and logs may keep it.
So this is off (``ASTAKOS_WEBLOGIN_TOKEN_IN_URL``) until an operator needs it; new programs get a token by
OAuth 2, with a code and PKCE (the scope ``api``).
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

import structlog
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from synnefo.astakos.accounts import tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods import devices
from synnefo.astakos.oauth.leaving import leave, terms_first
from synnefo.common.faults import BadRequest, Forbidden, Unauthorized
from synnefo.common.pages import caller_of_session

log = structlog.get_logger("synnefo.astakos")


def login(request: HttpRequest) -> HttpResponse:
    """GET weblogin/login?next=URI[&force][&renew]. Raises BadRequest, Forbidden."""
    wanted = request.GET.get("next", "")
    if not wanted:
        raise BadRequest("No next parameter")
    if _scheme(wanted) not in settings.ASTAKOS_REDIRECT_ALLOWED_SCHEMES:
        raise Forbidden("The program in next is none that may be sent a token.")
    if not settings.ASTAKOS_WEBLOGIN_TOKEN_IN_URL:
        raise Forbidden("This cloud hands out tokens by OAuth 2 alone.")
    if "force" in request.GET and request.user.is_authenticated:
        logout(request)
    try:
        caller = caller_of_session(request)
    except Unauthorized:
        return _signed_in_first(request)
    user = User.objects.get(uuid=caller.user)
    if terms := terms_first(request, user):
        return terms
    name = f"Web login: {_scheme(wanted)}"
    if "renew" in request.GET:
        token = tokens.renew(caller, user, name)
        devices.end_others(caller, user, request.session.session_key)
    else:
        token, _ = tokens.create_api_token(caller, user, name)
    log.info("web login", user=user.uuid, renewed="renew" in request.GET)
    query = urlencode({"uuid": user.uuid, "token": token})
    return leave(request, urlunsplit(urlsplit(wanted)._replace(query=query, fragment="")))


def _signed_in_first(request: HttpRequest) -> HttpResponse:
    """To the sign-in page, and from there here again; the session is not ended twice."""
    query = request.GET.copy()
    query.pop("force", None)
    here = f"{request.path}?{query.urlencode()}"
    return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': here})}")


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""
