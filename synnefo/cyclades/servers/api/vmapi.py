"""VMAPI: what the set-up of a new guest fetches at a secret address, once."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from synnefo.common.http.plain import answer, route
from synnefo.cyclades.servers import vault
from synnefo.cyclades.synnefo_api import kit


def _params(request: HttpRequest, secret_id: str) -> HttpResponse:
    return answer(vault.take_params(secret_id))


ROUTES: kit.Routes = {"/server-params/{secret_id}": route(GET=_params)}
