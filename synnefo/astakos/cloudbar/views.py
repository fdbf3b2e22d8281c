"""``ui/get_services`` and ``ui/get_menu``: the bar over all services, for the pages of other components.

Pages of registered components get them by CORS, with whoever is signed in. JSONP (``callback``), which any
page of the world can ask for, tells nothing about anybody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from synnefo.astakos.catalog import listing
from synnefo.astakos.catalog.models import Component
from synnefo.astakos.cloudbar import places
from synnefo.common.faults import BadRequest, Unauthorized
from synnefo.common.pages import identity_of_session

_CALLBACK = re.compile(r"[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*", re.ASCII)
_LONGEST_CALLBACK = 100
_UNKNOWN_ORDER = 1000

_META: Mapping[str, Mapping[str, Any]] = {
    "astakos": {
        "order": 1,
        "dashboard": {
            "order": 3,
            "show": True,
            "description": (
                "Access the dashboard from the top right corner of your screen. Here you can manage your"
                " profile, see the usage of your resources and manage projects to share virtual resources"
                " with colleagues."
            ),
        },
        "cloudbar": {"show": False},
    },
    "pithos": {
        "order": 2,
        "dashboard": {
            "order": 1,
            "show": True,
            "description": (
                "Pithos is the File Storage service. Click to start uploading and managing your files on the"
                " cloud."
            ),
        },
        "cloudbar": {"show": True},
    },
    "cyclades": {
        "order": 3,
        "dashboard": {
            "order": 2,
            "show": True,
            "description": (
                "Cyclades is the Compute and Network Service. Click to start creating Virtual Machines and"
                " connect them to arbitrary Networks."
            ),
        },
        "cloudbar": {"show": True},
    },
}


def services(request: HttpRequest) -> HttpResponse:
    """GET ui/get_services: the components, in order. Raises BadRequest."""
    rows = [_service(request, row) for row in Component.objects.order_by("pk")]
    return _answer(request, sorted(rows, key=lambda row: row["order"]))


def menu(request: HttpRequest) -> HttpResponse:
    """GET ui/get_menu: what one can do, signed in or not; ``location``: where one is. Raises BadRequest."""
    name = "" if "callback" in request.GET else _who(request)
    if not name:
        return _answer(request, [{"url": _absolute(request, "ui/"), "name": "Sign in"}])
    items = [
        {"url": _absolute(request, "ui/"), "name": name},
        {"url": _absolute(request, "ui/landing"), "name": "Dashboard"},
        {"url": _absolute(request, "ui/logout"), "name": "Sign out"},
    ]
    place = request.GET.get("location", "")
    shown = [{**item, "is_active": True} if place == item["url"] else item for item in items]
    return _answer(request, shown)


def _service(request: HttpRequest, row: Component) -> dict[str, Any]:
    about: dict[str, Any] = {
        "name": row.name,
        "url": listing.absolute(request, row.url),
        "order": _UNKNOWN_ORDER,
        "verbose_name": row.name.title(),
        "cloudbar": {"show": True, "title": row.name},
        "dashboard": {"show": True, "order": _UNKNOWN_ORDER, "description": ""},
    }
    for meta in (_META, settings.ASTAKOS_COMPONENTS_META):
        about = _merged(about, meta.get(row.name, {}))
    return about


def _merged(into: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Objects are merged, key by key; anything else is replaced."""
    both = dict(into)
    for key, value in more.items():
        old = both.get(key)
        both[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return both


def _who(request: HttpRequest) -> str:
    try:
        return identity_of_session(request).user_name
    except Unauthorized:
        return ""


def _answer(request: HttpRequest, body: object) -> HttpResponse:
    """JSON for this page and those of components, or a script for the rest. Raises BadRequest."""
    callback = request.GET.get("callback")
    if callback is not None:
        if len(callback) > _LONGEST_CALLBACK or not _CALLBACK.fullmatch(callback):
            raise BadRequest("callback is no name of a function.")
        text = json.dumps(body).replace("<", "\\u003c")
        response = HttpResponse(f"/**/{callback}({text});", content_type="application/javascript")
    else:
        response = HttpResponse(json.dumps(body), content_type="application/json")
        origin = request.META.get("HTTP_ORIGIN", "")
        if origin and origin in places.origins(request):
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Allow-Credentials"] = "true"
    return response


def _absolute(request: HttpRequest, path: str) -> str:
    return listing.absolute(request, f"/{settings.ASTAKOS_BASE_PATH.strip('/')}/{path}")
