"""Routes below ``oauth2/``: 0.21's flow, and OpenID Connect by the names under which allauth looks for it."""

from __future__ import annotations

from allauth.idp.oidc import views as allauth
from django.urls import URLPattern, URLResolver, include, path, re_path

from synnefo.astakos.oauth import openid, views

_OIDC = [
    path(".well-known/openid-configuration", openid.discovery, name="configuration"),
    path(".well-known/jwks.json", allauth.jwks, name="jwks"),
    path("o/authorize", openid.authorize, name="authorization"),
    path("o/token", openid.token, name="token"),
    path("o/userinfo", allauth.user_info, name="userinfo"),
    path("o/revoke", openid.revoke, name="revoke"),
    path("o/logout", openid.sign_out, name="logout"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include(([path("", include((_OIDC, "oidc")))], "idp"))),
    re_path(r"^auth/?$", views.authorize, name="oauth-authorize"),
    re_path(r"^token/?$", views.token, name="oauth-token"),
]
