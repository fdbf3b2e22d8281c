"""OpenID Connect: allauth's views, held to a little more than they ask for themselves.

Redirect URIs are matched as they were registered, character by character (of loopback addresses the port is
free, as RFC 8252 wants it); a code is good once, whatever two requests do at the same time; guessing a
client's secret is slow. An access token whose scopes say so is a token of this cloud's APIs, too.
"""

from __future__ import annotations

import hashlib
import json
from urllib.parse import urlsplit

from allauth.core.internal.httpkit import extract_basic_auth
from allauth.idp.oidc import app_settings, views
from allauth.idp.oidc.models import Client
from allauth.idp.oidc.models import Token as ClientToken
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from synnefo.astakos.accounts import throttle, tokens
from synnefo.astakos.accounts.models import Token, User
from synnefo.astakos.oauth import rules
from synnefo.astakos.oauth.adapter import SCOPES, issuer
from synnefo.astakos.oauth.leaving import leave, terms_first
from synnefo.common.faults import TooManyRequests, Unauthorized
from synnefo.common.http.addresses import base_url
from synnefo.common.http.context import client_address
from synnefo.common.pages import error_page, identity_of_session

API = "api"

_NUL = "A parameter has a character that none can have."
_LOOPBACK = ("127.0.0.1", "::1")


def discovery(request: HttpRequest) -> HttpResponse:
    """What there is, for clients that configure themselves."""
    about = {
        "issuer": issuer(request),
        "authorization_endpoint": _url(request, "authorization"),
        "token_endpoint": _url(request, "token"),
        "userinfo_endpoint": _url(request, "userinfo"),
        "revocation_endpoint": _url(request, "revoke"),
        "end_session_endpoint": _url(request, "logout"),
        "jwks_uri": _url(request, "jwks"),
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(rules.GRANTS),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": list(app_settings.AUTH_METHODS),
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": [
            "sub", "name", "given_name", "family_name", "preferred_username",
            "email", "email_verified", "groups",
        ],
    }  # fmt: skip
    return JsonResponse(about, headers={"Access-Control-Allow-Origin": "*"})


@csrf_exempt  # allauth's view checks the form that it made itself
def authorize(request: HttpRequest) -> HttpResponse:
    """Where browsers are sent to: sign-in, consent, and on to the client."""
    if request.user.is_authenticated:
        try:
            identity_of_session(request)
        except Unauthorized as fault:
            return error_page(request, 403, fault.message)
        if terms := terms_first(request, request.user):
            return terms
    if refusal := _refused(request):
        return error_page(request, 400, refusal)
    response: HttpResponse = views.authorization(request)
    url = response.get("Location", "")
    return leave(request, url) if response.status_code == 302 and _is_elsewhere(request, url) else response


@csrf_exempt
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """Tokens for a code, a refresh token, or a client's own secret."""
    name, address = _client_name(request), client_address(request)
    if _has_nul(request) or "\x00" in name:
        return _error("invalid_request", _NUL, 400)
    try:
        throttle.check(name, address, "oauth-client")
    except TooManyRequests as fault:
        return _error("temporarily_unavailable", fault.message, fault.status)
    if request.POST.get("grant_type") == "authorization_code" and not _first_use(
        request.POST.get("code", "")
    ):
        return _error("invalid_grant", "The code was used already.", 400)
    response: HttpResponse = views.token(request)
    if response.status_code == 401:
        throttle.note_failure(name, address, "oauth-client")
    if response.status_code == 200:
        _open_apis(json.loads(response.content))
    return response


@csrf_exempt
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    """End an access token, or a refresh token with all that was got by it; what they opened ends, too."""
    if _has_nul(request) or "\x00" in _client_name(request):
        return _error("invalid_request", _NUL, 400)
    row = ClientToken.objects.by_value(request.POST.get("token", "")).first()
    if row is not None and row.client_id != _client_name(request):
        return _error("invalid_grant", "This token is another client's.", 400)
    response: HttpResponse = views.revoke(request)
    if row is None or ClientToken.objects.filter(pk=row.pk).exists():
        return response
    Token.objects.filter(digest=row.hash, methods=rules.API_METHOD).delete()
    if row.type == ClientToken.Type.REFRESH_TOKEN:
        rules.end_tokens(ClientToken.objects.filter(user=row.user_id, client=row.client_id))
    return response


@csrf_exempt  # allauth's view asks whoever is signed in, by a form of its own
def sign_out(request: HttpRequest) -> HttpResponse:
    """Where clients send people who signed out there."""
    response: HttpResponse = views.logout(request)
    url = response.get("Location", "")
    return leave(request, url) if response.status_code == 302 and _is_elsewhere(request, url) else response


def _client_name(request: HttpRequest) -> str:
    """Which client a request says that it comes from; allauth's views look whether that is true."""
    name = extract_basic_auth({"Authorization": request.META.get("HTTP_AUTHORIZATION", "")})[0]
    return name or request.POST.get("client_id", "")


def _open_apis(answer: dict[str, str]) -> None:
    """Make an access token with the scope ``api`` one of the cloud's own, for as long as it lives."""
    digest = tokens.digest_of(answer["access_token"])
    row = ClientToken.objects.select_related("client").filter(hash=digest).first()
    if row is None or row.user_id is None or row.client is None or API not in row.get_scopes():
        return
    Token.objects.create(
        user=User.objects.get(pk=row.user_id),
        digest=digest,
        kind=Token.Kind.LOGIN,
        methods=rules.API_METHOD,
        name=row.client.name,
        expires=row.expires_at,
    )


def _refused(request: HttpRequest) -> str:
    """Why this client may not send people here, where allauth would let it; empty if it may."""
    if _has_nul(request):
        return _NUL
    client = Client.objects.filter(pk=request.GET.get("client_id", "")).first()
    url = request.GET.get("redirect_uri", "")
    if client is None or not url or url in client.get_redirect_uris() or _on_loopback(client, url):
        return ""
    return "The redirect URI is not registered for this client."


def _has_nul(request: HttpRequest) -> bool:
    """Whether a parameter has a character that no database takes."""
    given = (*request.GET.lists(), *request.POST.lists())
    return any("\x00" in text for name, texts in given for text in (name, *texts))


def _on_loopback(client: Client, url: str) -> bool:
    wanted = urlsplit(url)
    if wanted.scheme != "http" or wanted.hostname not in _LOOPBACK or wanted.username:
        return False
    same = [urlsplit(known) for known in client.get_redirect_uris()]
    return any(
        (known.scheme, known.hostname, known.path, known.query)
        == (wanted.scheme, wanted.hostname, wanted.path, wanted.query)
        for known in same
    )


def _first_use(code: str) -> bool:
    """Whether nobody came with this code before; the cache is one for all processes, and adds a key once."""
    key = hashlib.sha256(code.encode()).hexdigest()
    return bool(cache.add(f"oauth-code-{key}", 1, timeout=2 * app_settings.AUTHORIZATION_CODE_EXPIRES_IN))


def _is_elsewhere(request: HttpRequest, url: str) -> bool:
    return bool(urlsplit(url).scheme) and not url.startswith(f"{base_url(request)}/")


def _url(request: HttpRequest, name: str) -> str:
    return f"{base_url(request)}{reverse(f'idp:oidc:{name}')}"


def _error(error: str, description: str, status: int) -> HttpResponse:
    return JsonResponse({"error": error, "error_description": description}, status=status)
