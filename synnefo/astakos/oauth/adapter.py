"""What allauth's OpenID Connect provider asks of us: who the issuer is, which keys sign, who somebody is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from allauth.idp.oidc.internal.private_keys import filter_keys
from allauth.idp.oidc.models import Client, PrivateKey
from django.conf import settings
from django.http import HttpRequest
from oauthlib.oauth2.rfc6749.errors import InvalidTokenError

from synnefo.astakos.accounts.models import User
from synnefo.astakos.oauth import keys
from synnefo.common.http.addresses import base_url

#: What a client may ask for, in words for who is asked.
SCOPES = {
    "openid": "Know you by the number of your account",
    "profile": "Your name",
    "email": "Your e-mail address",
    "groups": "The groups that you are in",
    "api": "Use this cloud as you",
}


class ProviderAdapter(DefaultOIDCAdapter):
    scope_display = SCOPES

    def get_issuer(self) -> str:
        return issuer(self.request)

    def list_private_keys(
        self, *, did_activate: Literal[True] | None = None, is_active: Literal[True] | None = None
    ) -> list[PrivateKey]:
        known = keys.private_keys()
        found: list[PrivateKey] = filter_keys(known, did_activate=did_activate, is_active=is_active)
        return found

    def get_user_sub(self, client: Client, user: Any) -> str:
        return str(user.uuid)

    def get_user_by_sub(self, client: Client, sub: str) -> User | None:
        return User.objects.filter(uuid=sub, is_active=True).first()

    def get_claims(
        self,
        purpose: Literal["id_token", "userinfo"],
        user: Any,
        client: Client,
        scopes: Iterable[str],
        email: str | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """The address is the account's own: there is one, and it was verified.

        Raises InvalidTokenError for a client's own token, which is nobody's.
        """
        if user is None:
            raise InvalidTokenError(description="This token is no user's.")
        claims: dict[str, Any] = {"sub": user.uuid}
        if "email" in scopes:
            claims |= {"email": user.email, "email_verified": user.email_verified}
        if "profile" in scopes:
            named = {
                "name": user.realname,
                "given_name": user.first_name,
                "family_name": user.last_name,
                "preferred_username": user.username,
            }
            claims |= {name: value for name, value in named.items() if value}
        if "groups" in scopes:
            claims["groups"] = sorted(user.groups.values_list("name", flat=True))
        return claims


def issuer(request: HttpRequest) -> str:
    """What ID tokens name as who made them; discovery is below it."""
    return "/".join(filter(None, (base_url(request), settings.ASTAKOS_BASE_PATH.strip("/"), "oauth2")))
