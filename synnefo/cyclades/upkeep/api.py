"""``admin/stats``: figures about the cloud, for anybody or for operators, as JSON or JSONP."""

from __future__ import annotations

import json
import re

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound
from synnefo.common.http.plain import answer, route
from synnefo.cyclades.backends import rules as backends
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.synnefo_api import kit
from synnefo.cyclades.upkeep import stats

_CACHED = "cyclades-public-stats"
_FUNCTION = re.compile(r"[A-Za-z_$][\w$]{0,63}", re.ASCII)


def _states(request: HttpRequest) -> HttpResponse:
    return _shown(request, stats.states())


def _simple(request: HttpRequest) -> HttpResponse:
    """It may be asked for with every view of a front page."""
    return _shown(request, cache.get_or_set(_CACHED, stats.simple, settings.PUBLIC_STATS_CACHE))


def _detail(request: HttpRequest, caller: Caller) -> HttpResponse:
    if not caller.is_admin and not caller.roles & set(settings.ADMIN_STATS_PERMITTED_GROUPS):
        raise Forbidden("Forbidden.")
    return _shown(request, stats.detail(_backend(request.GET.get("backend"))))


def _backend(text: str | None) -> Backend | None:
    try:
        return backends.find(text) if text else None
    except ItemNotFound as fault:
        raise BadRequest(fault.message) from None


def _shown(request: HttpRequest, figures: object) -> HttpResponse:
    callback = request.GET.get("callback")
    if not callback:
        return answer(figures)
    if not _FUNCTION.fullmatch(callback):
        raise BadRequest("Invalid callback.")
    return HttpResponse(f"{callback}({json.dumps(figures)});", content_type="text/javascript; charset=UTF-8")


ROUTES: kit.Routes = {
    "/stats": route(GET=_states),
    "/stats/simple": route(GET=_simple),
    "/stats/detail": kit.served(GET=_detail),
}
