"""Routes of the face, below ``PITHOS_BASE_PATH`` (and below nothing: ``own``)."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from synnefo.pithos.faces.swift import accounts, containers, copying, tempurl, top, website, writing
from synnefo.pithos.faces.swift.kit import route, unknown

_BASE = "object-store/swift/"


def at(base: str) -> list[URLPattern]:
    """The routes behind what their paths begin with."""
    account = rf"^{base}v1/AUTH_(?P<account>[^/]+)"
    container = account + r"/(?P<container>[^/]+)"
    of_account = route(
        HEAD=accounts.head,
        GET=accounts.show,
        PUT=accounts.put,
        POST=accounts.change,
        DELETE=accounts.delete,
    )
    of_container = route(
        HEAD=website.show_container,
        GET=website.show_container,
        PUT=containers.put,
        POST=containers.post,
        DELETE=containers.delete,
    )
    of_object = route(
        before=tempurl.admit,
        after=tempurl.dress,
        HEAD=website.show_object,
        GET=website.show_object,
        PUT=writing.put,
        POST=writing.post,
        COPY=copying.there,
        DELETE=writing.delete,
    )
    return [  # none matches what another does, and objects are asked for most
        re_path(container + r"/(?P<name>[\s\S]+)$", of_object),
        re_path(container + r"/?$", of_container),
        re_path(account + r"/?$", of_account),
        re_path(rf"^{base}info/?$", route(GET=top.info, HEAD=top.info)),
        re_path(rf"^{base}healthcheck/?$", route(GET=top.healthy)),
        re_path(rf"^{base}auth/v1.0/?$", route(GET=top.sign_in)),
    ]


urlpatterns: list[URLPattern] = [*at(_BASE), re_path(rf"^{_BASE}(?P<path>.*)$", unknown)]
