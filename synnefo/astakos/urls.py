"""Routes of Astakos, below ``ASTAKOS_BASE_PATH``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path

from synnefo.astakos.account import (
    commissions,
    memberships,
    own,
    people,
    projects,
    quotas,
    requests,
    statistics,
    usage,
)
from synnefo.astakos.cloudbar.urls import urlpatterns as cloudbar
from synnefo.astakos.identity import v2, v2_users, versions
from synnefo.astakos.identity.v3.api import api as v3
from synnefo.astakos.identity.v3.routes import ROUTERS
from synnefo.astakos.oauth.urls import urlpatterns as oauth
from synnefo.common.http.mounting import mounted
from synnefo.common.http.plain import View, route, unknown
from synnefo.common.http.rendering import keystone

for prefix, router in ROUTERS:
    v3.add_router(prefix, router)


def _at(prefix: str, views: dict[str, View]) -> list[URLPattern]:
    """Routes below a prefix, with and without a slash at the end."""
    return [path(f"{prefix}{name}{slash}", view) for name, view in views.items() for slash in ("", "/")]


_IDENTITY_V2: dict[str, View] = {
    "": route(GET=versions.v2),
    "/users": route(GET=v2_users.index, POST=v2_users.create),
    "/users/detail": route(GET=v2_users.detail),
    "/users/<str:uuid>": route(GET=v2_users.show, PUT=v2_users.change),
    "/users/<str:uuid>/action": route(POST=v2_users.act),
    "/tokens": route(POST=v2.create_token),
    "/tokens.json": route(POST=v2.create_token),
    "/tokens.xml": route(POST=v2.create_token),
    "/tokens/<path:token>": route(GET=v2.show_token),
}
_ACCOUNT: dict[str, View] = {
    "/resources": route(GET=quotas.resources),
    "/quotas": route(GET=quotas.own),
    "/service_quotas": route(GET=quotas.of_users),
    "/service_project_quotas": route(GET=quotas.of_projects),
    "/usage": route(GET=usage.show),
    "/requests": route(GET=requests.index, POST=requests.create),
    "/requests/limits": route(GET=requests.limits),
    "/requests/<str:uuid>": route(GET=requests.show),
    "/requests/<str:uuid>/action": route(POST=requests.act),
    "/commissions": route(GET=commissions.pending, POST=commissions.create),
    "/commissions/action": route(POST=commissions.decide_many),
    "/commissions/<int:serial>": route(GET=commissions.show),
    "/commissions/<int:serial>/action": route(POST=commissions.decide),
    "/projects": route(GET=projects.index, POST=projects.create),
    "/projects/memberships": route(GET=memberships.index, POST=memberships.create),
    "/projects/memberships/<int:number>": route(GET=memberships.show),
    "/projects/memberships/<int:number>/action": route(POST=memberships.act),
    "/projects/<str:uuid>": route(GET=projects.show, PUT=projects.modify),
    "/projects/<str:uuid>/action": route(POST=projects.act),
    "/feedback": route(POST=own.send_feedback),
    "/myaccount/default_project": route(POST=own.set_default_project),
    "/user_catalogs": route(POST=people.catalogs),
    "/service/user_catalogs": route(POST=people.service_catalogs),
    "/service/identities": route(POST=people.identities),
    "/service/signing_keys": route(POST=people.signing_key),
    "/service/tokens": route(POST=people.token),
    "/service/codes": route(POST=people.code),
    "/service/names": route(POST=people.names),
    "/service/users": route(POST=people.users),
}

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^identity/?$", versions.all_versions),
    re_path(r"^identity/v3/?$", versions.v3),
    *mounted("identity/v3", v3, keystone, versions.v3),
    *_at("identity/v2.0", _IDENTITY_V2),
    *_at("account/v1.0", _ACCOUNT),
    *_at("admin/stats", {"": route(GET=statistics.public), "/detail": route(GET=statistics.detailed)}),
    path("oauth2/", include(oauth)),
    *cloudbar,
    re_path(r"^(?:identity|account)/(?P<path>.*)$", unknown),
]
