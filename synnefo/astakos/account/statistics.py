"""Figures of the cloud over HTTP: some for everybody, all for who may see them."""

from __future__ import annotations

import json
import re

from django.http import HttpRequest, HttpResponse

from synnefo.astakos.plain import user_caller
from synnefo.astakos.quotas import statistics
from synnefo.common.faults import BadRequest
from synnefo.common.http.plain import answer

#: What may be called by a page of another site that asks for a script.
_CALLBACK = re.compile(r"[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*){0,8}", re.ASCII)
_LONGEST = 128


def public(request: HttpRequest) -> HttpResponse:
    """GET admin/stats: open to all; with ``callback`` as a script. Raises BadRequest."""
    body, callback = statistics.public(), request.GET.get("callback")
    if callback is None:
        return answer(body)
    if len(callback) > _LONGEST or not _CALLBACK.fullmatch(callback):
        raise BadRequest("callback: not the name of a function")
    return HttpResponse(
        f"{callback}({json.dumps(body)});", content_type="application/javascript; charset=UTF-8"
    )


def detailed(request: HttpRequest) -> HttpResponse:
    """GET admin/stats/detail. Raises Forbidden."""
    return answer(statistics.detailed(user_caller(request)))
