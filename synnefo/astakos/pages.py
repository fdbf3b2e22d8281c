"""Pages of Astakos, below ``/ui/``: signing in and out (allauth's flows, the console's looks), tokens."""

from __future__ import annotations

from allauth.account import views
from django.urls import URLPattern, URLResolver, path

from synnefo.astakos.accounts import pages as accounts

urlpatterns: list[URLPattern | URLResolver] = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("signup/", views.signup, name="account_signup"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    *accounts.urlpatterns,
]
