"""What the upload script asks for: a short token with what it must know, and which names are taken.

Content goes past these pages, straight to Pithos' own API.
"""

from __future__ import annotations

from typing import Annotated

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from pydantic import BaseModel, Field

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.http.plain import json_object, parsed
from synnefo.common.pages import action
from synnefo.common.units import INFINITE
from synnefo.pithos.blocks.hashing import ALGORITHM
from synnefo.pithos.namespace import browsing, containers
from synnefo.pithos.namespace.browsing import account_of
from synnefo.pithos.namespace.containers import RESOURCE
from synnefo.pithos.namespace.models import Container
from synnefo.pithos.pages_places import Place, data_url

_LIFETIME_S = 3600
_MOST_NAMES = 500


class NamesQuestion(BaseModel):
    container: Annotated[str, Field(alias="in")]
    names: Annotated[list[str], Field(max_length=_MOST_NAMES)]


@action
def give_pass(request: HttpRequest, caller: Caller) -> HttpResponse:
    """A token of the caller's for his project, where to use it, and how much he may store."""
    account = account_of(caller)
    container = containers.get(caller, account, Place.of(request.POST).container)
    answer = JsonResponse(
        {
            "token": accounts().short_token(caller.user, caller.project, _LIFETIME_S),
            "lifetime_s": _LIFETIME_S,
            "account_url": f"{data_url(request)}/v1/{account}",
            "block_size": settings.PITHOS_BACKEND_BLOCK_SIZE,
            "block_hash": ALGORITHM,
            "left_bytes": _left(caller, container),
            "versioning": container.versioning,
        }
    )
    answer["Cache-Control"] = "no-store"
    return answer


@action
def taken(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Which of ``names`` are taken in the container ``in``."""
    asked = parsed(NamesQuestion, json_object(request))
    found = browsing.taken(caller, account_of(caller), asked.container, asked.names)
    return JsonResponse({"taken": sorted(found)})


def _left(caller: Caller, container: Container) -> int | None:
    """What quota leaves to the container, None if there is no limit."""
    left = []
    use = accounts().quotas(caller.user, container.project).get(RESOURCE)
    if use is not None:
        left.append(use.project_limit - use.project_usage)
        if not container.account.of_project:  # else it is nobody's share of the pool
            left.append(use.limit - use.usage)
        left = [amount for amount in left if amount < INFINITE // 2]
    if container.quota_bytes:
        left.append(container.quota_bytes - container.size_bytes)
    return max(0, min(left)) if left else None


urlpatterns: list[URLPattern] = [
    path("files/pass/", give_pass, name="files-pass"),
    path("files/taken/", taken, name="files-taken"),
]
