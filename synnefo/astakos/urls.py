"""Routes of Astakos, below ``ASTAKOS_BASE_PATH``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from synnefo.astakos.account import commissions, people, quotas
from synnefo.astakos.identity import v2, versions
from synnefo.astakos.identity.v3 import auth, credentials
from synnefo.astakos.identity.v3 import people as v3_people
from synnefo.astakos.identity.v3.api import api as v3
from synnefo.astakos.plain import route, unknown
from synnefo.common.http.facade import not_found
from synnefo.common.http.rendering import keystone

v3.add_router("/auth", auth.router)
v3.add_router("", v3_people.router)
v3.add_router("", credentials.router)

_ACCOUNT = r"^account/v1\.0/"

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^identity/?$", versions.all_versions),
    re_path(r"^identity/v3/?$", versions.v3),
    path("identity/v3/", v3.urls),
    re_path(r"^identity/v3/(?P<path>.*)$", not_found(keystone)),
    re_path(r"^identity/v2\.0/?$", route(GET=versions.v2)),
    re_path(r"^identity/v2\.0/tokens(?:\.json|\.xml)?/?$", route(POST=v2.create_token)),
    re_path(r"^identity/v2\.0/tokens/(?P<token>.+)$", route(GET=v2.show_token)),
    re_path(_ACCOUNT + r"resources/?$", route(GET=quotas.resources)),
    re_path(_ACCOUNT + r"quotas/?$", route(GET=quotas.own)),
    re_path(_ACCOUNT + r"service_quotas/?$", route(GET=quotas.of_users)),
    re_path(_ACCOUNT + r"service_project_quotas/?$", route(GET=quotas.of_projects)),
    re_path(_ACCOUNT + r"commissions/?$", route(GET=commissions.pending, POST=commissions.create)),
    re_path(_ACCOUNT + r"commissions/action/?$", route(POST=commissions.decide_many)),
    re_path(_ACCOUNT + r"commissions/(?P<serial>[0-9]+)/?$", route(GET=commissions.show)),
    re_path(_ACCOUNT + r"commissions/(?P<serial>[0-9]+)/action/?$", route(POST=commissions.decide)),
    re_path(_ACCOUNT + r"user_catalogs/?$", route(POST=people.catalogs)),
    re_path(_ACCOUNT + r"service/user_catalogs/?$", route(POST=people.service_catalogs)),
    re_path(_ACCOUNT + r"service/identities/?$", route(POST=people.identities)),
    re_path(_ACCOUNT + r"service/names/?$", route(POST=people.names)),
    re_path(r"^(?:identity|account)/(?P<path>.*)$", unknown),
]
