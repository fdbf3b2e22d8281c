"""Google, LinkedIn, Twitter, and any OpenID Connect provider: allauth speaks the protocols.

Whose identity it is, and what follows, is said by ``flow``: allauth's own tables of linked accounts stay
empty. State, PKCE and nonce belong to one browser's session and are used once.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any, NoReturn

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from allauth.socialaccount.providers.twitter_oauth2.provider import TwitterOAuth2Provider
from allauth.socialaccount.providers.twitter_oauth2.views import TwitterOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from requests import RequestException

from synnefo.astakos.methods import flow, registry
from synnefo.astakos.methods.identities import Identity, identity_from
from synnefo.common.faults import ItemNotFound, ServiceUnavailable
from synnefo.common.http.addresses import base_url

_NONCES = "login_nonces"
_MOST_NONCES = 10

#: Where the providers describe themselves.
SERVERS = {"google": "https://accounts.google.com", "linkedin": "https://www.linkedin.com/oauth"}


class _Callback:
    """Behind a proxy this cloud's address is the one that is public."""

    provider_id: str

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return base_url(request) + reverse("method-return", args=[app.provider_id])


class OidcAdapter(_Callback, OpenIDConnectOAuth2Adapter):
    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any) -> Any:
        """Also: the ID token is of this browser's sign-in, and speaks of the person of the user info."""
        login = super().complete_login(request, app, token, **kwargs)
        told = login.account.extra_data
        id_token = told.get("id_token")
        if not id_token or not _take_nonce(request, str(id_token.get("nonce", ""))):
            raise OAuth2Error("the ID token does not belong to this sign-in")
        if "userinfo" in told and told["userinfo"].get("sub") != id_token.get("sub"):
            raise OAuth2Error("ID token and user info speak of two people")
        return login


class OidcProvider(OpenIDConnectProvider):
    oauth2_adapter_class = OidcAdapter
    pkce_enabled_default = True


class XAdapter(_Callback, TwitterOAuth2Adapter):
    pass


class XProvider(TwitterOAuth2Provider):
    oauth2_adapter_class = XAdapter


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Providers come from our settings; what allauth learnt goes to ``flow``."""

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        if provider in ("twitter", TwitterOAuth2Provider.id):
            return XProvider(request, app=_app("twitter"))
        return OidcProvider(request, app=_app(provider))

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> NoReturn:
        identity = _identity(sociallogin)
        raise ImmediateHttpResponse(flow.arrive(request, identity, sociallogin.state.get("data") or {}))

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: Any = None,
    ) -> NoReturn:
        raise ImmediateHttpResponse(flow.failed(request, provider.app.provider_id, str(exception or error)))


def start(request: HttpRequest, module: str, wish: dict[str, str]) -> str:
    """The provider's address to go to. ``wish`` comes back to ``flow.arrive``.

    Raises ItemNotFound, ServiceUnavailable.
    """
    provider = _provider(request, module)
    parameters = provider.get_auth_params()
    if isinstance(provider, OidcProvider):
        parameters["nonce"] = _new_nonce(request)
    try:
        answer: HttpResponse = provider.redirect(
            request, process="login", next_url=None, data=wish, auth_params=parameters
        )
    except (RequestException, OAuth2Error, KeyError, ValueError) as error:
        raise ServiceUnavailable(registry.get(module).message("failed")) from error
    return answer["Location"]


def finish(request: HttpRequest, module: str) -> HttpResponse:
    """The provider sent the browser back. Raises ItemNotFound."""
    provider = _provider(request, module)
    view = OAuth2CallbackView.adapter_view(provider.get_oauth2_adapter(request))
    try:
        answer: HttpResponse = view(request)
    except (KeyError, ValueError) as error:  # an answer that is none
        return flow.failed(request, module, repr(error))
    return answer


def is_social(module: str) -> bool:
    return module == "oidc" or module == "twitter" or module in SERVERS


def _provider(request: HttpRequest, module: str) -> Any:
    registry.get(module)
    return SocialAccountAdapter().get_provider(request, module)


def _app(module: str) -> SocialApp:
    """What this cloud is to the provider. Raises ItemNotFound if the settings do not say it."""
    if module == "oidc":
        client, secret = settings.ASTAKOS_OIDC_CLIENT_ID, settings.ASTAKOS_OIDC_SECRET
        more = {"server_url": settings.ASTAKOS_OIDC_URL, "scope": list(settings.ASTAKOS_OIDC_SCOPES)}
    elif module == "google":
        client, secret = settings.ASTAKOS_GOOGLE_CLIENT_ID, settings.ASTAKOS_GOOGLE_SECRET
        more = {"server_url": SERVERS[module]}
    elif module == "linkedin":
        client, secret = settings.ASTAKOS_LINKEDIN_TOKEN, settings.ASTAKOS_LINKEDIN_SECRET
        more = {"server_url": SERVERS[module]}
    elif module == "twitter":
        client, secret, more = settings.ASTAKOS_TWITTER_TOKEN, settings.ASTAKOS_TWITTER_SECRET, {}
    else:
        raise ItemNotFound("There is no such way to sign in.")
    if not client:
        raise ItemNotFound(f"Signing in by {module} is not configured.")
    kind = TwitterOAuth2Provider.id if module == "twitter" else OpenIDConnectProvider.id
    return SocialApp(
        provider=kind,
        provider_id=module,
        name=registry.PROVIDERS[module].title,
        client_id=client,
        secret=secret,
        settings=more,
    )


def _identity(login: SocialLogin) -> Identity:
    module = login.account.provider
    told: dict[str, Any] = login.account.extra_data
    claims = {**(told.get("id_token") or {}), **(told.get("userinfo") or {})} or told
    provider = registry.get("twitter" if module == TwitterOAuth2Provider.id else module)
    if claims.get("name") and not claims.get("given_name"):
        given, _, family = str(claims["name"]).partition(" ")
        claims = {**claims, "given_name": given, "family_name": claims.get("family_name") or family}
    kept = ("sub", "id", "email", "email_verified", "name", "given_name", "family_name", "username")
    return identity_from(provider, claims, info={name: claims[name] for name in kept if name in claims})


def _new_nonce(request: HttpRequest) -> str:
    nonce = secrets.token_urlsafe(24)
    request.session[_NONCES] = [*request.session.get(_NONCES, []), nonce][-_MOST_NONCES:]
    return nonce


def _take_nonce(request: HttpRequest, nonce: str) -> bool:
    known: list[str] = request.session.get(_NONCES, [])
    rest = [one for one in known if not hmac.compare_digest(one.encode(), nonce.encode())]
    request.session[_NONCES] = rest
    return len(rest) < len(known)
