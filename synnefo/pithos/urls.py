"""Routes of Pithos, below ``PITHOS_BASE_PATH``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path
from django.views.generic import RedirectView

from synnefo.pithos.faces import view
from synnefo.pithos.faces.pithos import accounts, containers, objects, public, viewing, writing
from synnefo.pithos.faces.pithos.kit import route, unknown
from synnefo.pithos.faces.swift.urls import urlpatterns as swift
from synnefo.pithos.faces.webdav.urls import urlpatterns as webdav

_ACCOUNT = r"^object-store/v1/(?P<account>[^/]+)"
_CONTAINER = _ACCOUNT + r"/(?P<container>[^/]+)"

urlpatterns: list[URLPattern | URLResolver] = [
    # No path of a face matches what another does, and objects are asked for most.
    re_path(
        _CONTAINER + r"/(?P<name>[\s\S]+)$",
        route(
            HEAD=objects.head,
            GET=objects.show,
            PUT=writing.put,
            POST=writing.post,
            COPY=writing.copy,
            MOVE=writing.move,
            DELETE=writing.delete,
        ),
    ),
    *swift,
    re_path(
        _CONTAINER + r"/?$",
        route(
            HEAD=containers.head,
            GET=containers.show,
            PUT=containers.put,
            POST=containers.post,
            DELETE=containers.delete,
        ),
    ),
    re_path(r"^object-store/v1/?$", route(GET=accounts.top)),
    re_path(_ACCOUNT + r"/?$", route(HEAD=accounts.head, GET=accounts.show, POST=accounts.change)),
    path(f"object-store/{view.ROUTE}<str:link>", view.get),
    re_path(r"^ui/view/(?P<account>[^/]+)/(?P<container>[^/]+)/(?P<name>[\s\S]+)$", viewing.view),
    path("public", RedirectView.as_view(url="public/")),
    re_path(r"^public/(?P<link>[^/]*)$", public.public),
    *webdav,
    re_path(r"^object-store/(?P<path>.*)$", unknown),
]
