"""Routes below Astakos' base path for pages and programs elsewhere."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, path, re_path

from synnefo.astakos.cloudbar import entrance, views, weblogin
from synnefo.common.http.plain import route

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^ui/get_services/?$", route(GET=views.services)),
    re_path(r"^ui/get_menu/?$", route(GET=views.menu)),
    path("ui/onward", entrance.onward, name="astakos-onward"),
    re_path(r"^weblogin/login/?$", route(GET=weblogin.login)),
]
if settings.ASTAKOS_BASE_PATH.strip("/"):  # else these are the pages' own addresses
    urlpatterns += [path("ui/<path:path>", entrance.ui), path("ui/", entrance.ui), path("ui", entrance.ui)]
    urlpatterns += [path("", entrance.ui)]
