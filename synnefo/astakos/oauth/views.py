"""``oauth2/auth`` and ``oauth2/token``: the flow that Synnefo 0.21 had, with the same answers.

Authorization codes alone; what is wrong is a 400 ``{"error": "generic_error", "exception": "..."}``. A client
that is not trusted is consented to on a page, which 0.21 left to its callers.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from urllib.parse import unquote

from allauth.idp.oidc.models import Client
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from synnefo.astakos.accounts.models import User
from synnefo.astakos.oauth import rules
from synnefo.astakos.oauth.leaving import leave, terms_first, with_query
from synnefo.common.faults import BadRequest, Fault, NotAllowed, Unauthorized
from synnefo.common.http.addresses import base_url
from synnefo.common.http.context import client_address
from synnefo.common.pages import identity_of_session

_FORM = "application/x-www-form-urlencoded"
_HERE = ("localhost", "127.0.0.1", "[::1]")


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a client wants of somebody. ``scope`` is what the token is to open."""

    client: Client
    redirect_uri: str
    scope: str
    state: str | None


def authorize(request: HttpRequest) -> HttpResponse:
    """GET shows what is asked (or, for trusted clients, grants it); POST by the user grants it."""
    try:
        _require_secure(request)
        if request.method not in ("GET", "HEAD", "POST"):
            raise NotAllowed("Invalid method")
        asked = _asked(request)
        user = _user(request)
    except Fault as fault:
        return _refusal(fault)
    if user is None:
        return redirect_to_login(request.get_full_path() if request.method != "POST" else "/ui/")
    if terms := terms_first(request, user):
        return terms
    if request.method != "POST" and not asked.client.skip_consent:
        return render(request, "astakos/oauth_consent.html", {"asked": asked})
    code = rules.make_code(asked.client, user, asked.redirect_uri, asked.scope)
    state = {} if asked.state is None else {"state": asked.state}
    return leave(request, with_query(asked.redirect_uri, code=code, **state))


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """POST: an access token for a code."""
    try:
        _require_secure(request)
        if request.method != "POST":
            raise NotAllowed("Invalid method")
        if request.content_type != _FORM:
            raise BadRequest(f"Invalid Content-Type: {_FORM} is expected")
        client = _client(request)
        if request.POST.get("grant_type") != "authorization_code":
            raise BadRequest("Invalid grant type: authorization_code is the only one")
        code = request.POST.get("code", "")
        made, lifetime_s = rules.redeem(client, code, request.POST.get("redirect_uri", ""))
    except Fault as fault:
        return _refusal(fault)
    answer = {"access_token": made, "token_type": "Bearer", "expires_in": lifetime_s}
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def _asked(request: HttpRequest) -> Asked:
    """Raises BadRequest."""
    given = request.POST if request.method == "POST" else request.GET
    if given.get("response_type") != "code":
        raise BadRequest("Unsupported response type: code is the only one")
    client = Client.objects.filter(pk=given.get("client_id", "").replace("\x00", "")).first()
    if client is None or "authorization_code" not in client.get_grant_types():
        raise BadRequest("Invalid client")
    redirect_uri = given.get("redirect_uri") or client.get_redirect_uris()[0]
    if not rules.redirect_allowed(client, redirect_uri):
        raise BadRequest("Invalid redirect URI: it is not registered for this client")
    scope = (given.get("scope", "").split() or [redirect_uri])[0]
    return Asked(client, redirect_uri, scope, given.get("state"))


def _user(request: HttpRequest) -> User | None:
    """Who is signed in and still may be; None for nobody."""
    try:
        return User.objects.get(uuid=identity_of_session(request).user)
    except Unauthorized:
        return None


def _client(request: HttpRequest) -> Client:
    """The client that asks, by its secret if it has one. Raises BadRequest, TooManyRequests."""
    identifier, secret = _basic(request)
    identifier = identifier or request.POST.get("client_id", "").replace("\x00", "")
    try:
        return rules.proven_client(identifier, secret, address=client_address(request))
    except Unauthorized as fault:
        raise BadRequest(fault.message) from fault


def _basic(request: HttpRequest) -> tuple[str, str]:
    """Name and secret of HTTP Basic; empty without them."""
    kind, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    try:
        decoded = base64.b64decode(text, validate=True).decode() if kind.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, secret = decoded.replace("\x00", "").partition(":")
    return unquote(name), unquote(secret)


def _require_secure(request: HttpRequest) -> None:
    """Codes and tokens go over TLS, or stay on this machine. Raises BadRequest."""
    here = request.get_host().rpartition(":")[0] or request.get_host()
    if not (
        request.is_secure() or settings.DEBUG or base_url(request).startswith("https://") or here in _HERE
    ):
        raise BadRequest("Secure request required")


def _refusal(fault: Fault) -> HttpResponse:
    status = fault.status if fault.status >= 429 else 400
    return JsonResponse({"error": "generic_error", "exception": fault.message}, status=status)
