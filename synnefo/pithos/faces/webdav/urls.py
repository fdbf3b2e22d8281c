"""Routes of the face, below ``PITHOS_BASE_PATH``."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from synnefo.pithos.faces.webdav import locking, moving, properties, reading, writing
from synnefo.pithos.faces.webdav.kit import route

urlpatterns: list[URLPattern] = [
    re_path(
        r"^dav(?P<path>(?:/[\s\S]*)?)$",
        route(
            GET=reading.get,
            HEAD=reading.get,
            PUT=writing.put,
            DELETE=writing.delete,
            MKCOL=writing.make_folder,
            COPY=moving.copy,
            MOVE=moving.move,
            PROPFIND=properties.find,
            PROPPATCH=properties.patch,
            LOCK=locking.lock,
            UNLOCK=locking.unlock,
        ),
    ),
]
