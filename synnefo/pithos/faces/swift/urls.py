"""Routes of the face, below ``PITHOS_BASE_PATH``."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from synnefo.pithos.faces.swift import accounts, containers, objects, top, writing
from synnefo.pithos.faces.swift.kit import route, unknown

_ACCOUNT = r"^object-store/swift/v1/AUTH_(?P<account>[^/]+)"
_CONTAINER = _ACCOUNT + r"/(?P<container>[^/]+)"

urlpatterns: list[URLPattern] = [
    re_path(r"^object-store/swift/info/?$", route(GET=top.info, HEAD=top.info)),
    re_path(r"^object-store/swift/auth/v1.0/?$", route(GET=top.sign_in)),
    re_path(_ACCOUNT + r"/?$", route(HEAD=accounts.head, GET=accounts.show, POST=accounts.change)),
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
    re_path(
        _CONTAINER + r"/(?P<name>[\s\S]+)$",
        route(
            HEAD=objects.head,
            GET=objects.show,
            PUT=writing.put,
            POST=writing.post,
            COPY=writing.copy,
            DELETE=writing.delete,
        ),
    ),
    re_path(r"^object-store/swift/(?P<path>.*)$", unknown),
]
