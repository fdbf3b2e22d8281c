"""Routes of Astakos, below ``ASTAKOS_BASE_PATH``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from synnefo.astakos.identity import versions
from synnefo.astakos.identity.v3 import auth, credentials, people
from synnefo.astakos.identity.v3.api import api as v3
from synnefo.common.http.facade import not_found
from synnefo.common.http.rendering import keystone

v3.add_router("/auth", auth.router)
v3.add_router("", people.router)
v3.add_router("", credentials.router)

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^identity/?$", versions.all_versions),
    re_path(r"^identity/v3/?$", versions.v3),
    path("identity/v3/", v3.urls),
    re_path(r"^identity/v3/(?P<path>.*)$", not_found(keystone)),
]
