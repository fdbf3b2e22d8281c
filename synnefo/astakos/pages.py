"""Pages of Astakos, below ``/ui/``: signing in and out (allauth's flows, the console's looks), tokens."""

from __future__ import annotations

from allauth.account import views
from django.urls import URLPattern, URLResolver, path

from synnefo.astakos.accounts import pages as accounts
from synnefo.astakos.accounts import pages_api, pages_entrance, pages_profile, pages_review
from synnefo.astakos.keys import pages as keys
from synnefo.astakos.methods import pages as methods
from synnefo.astakos.navigation import notices, places
from synnefo.astakos.projects import pages as projects
from synnefo.astakos.projects import pages_applications as applications
from synnefo.astakos.projects import pages_members as members
from synnefo.astakos.quotas import pages as quotas
from synnefo.astakos.requests import pages as requests

__all__ = ["notices", "places", "urlpatterns"]

urlpatterns: list[URLPattern | URLResolver] = [
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    *accounts.urlpatterns,
    *pages_api.urlpatterns,
    *pages_entrance.urlpatterns,
    *pages_profile.urlpatterns,
    *pages_review.urlpatterns,
    *keys.urlpatterns,
    *methods.urlpatterns,
    *applications.urlpatterns,
    *projects.urlpatterns,
    *members.urlpatterns,
    *quotas.urlpatterns,
    *requests.urlpatterns,
]
