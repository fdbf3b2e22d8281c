"""What the upload script asks for: a short token with what it must know, and which names are taken.

Content goes past these pages, straight to Pithos' own API.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

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
from synnefo.pithos.namespace import browsing, containers, sights
from synnefo.pithos.namespace.browsing import account_of
from synnefo.pithos.namespace.containers import RESOURCE
from synnefo.pithos.namespace.models import Container
from synnefo.pithos.pages_places import Place, data_url

_LIFETIME_S = 3600
_MOST_NAMES = 500
#: The name that the first container of an account has always had.
_FIRST = "pithos"


class NamesQuestion(BaseModel):
    container: Annotated[str, Field(alias="in")]
    of: str = ""
    names: Annotated[list[str], Field(max_length=_MOST_NAMES)]


@action
def give_pass(request: HttpRequest, caller: Caller) -> HttpResponse:
    """A token of the caller's, where to use it, and how much he may store; ``of`` is another account."""
    account = request.POST.get("of", "") or account_of(caller)
    himself = caller if account == account_of(caller) else caller.in_project(caller.user)
    container, _ = sights.look(himself, account, Place.of(request.POST).container)
    answer = JsonResponse(
        {
            "token": accounts().short_token(himself.user, himself.project, _LIFETIME_S),
            "lifetime_s": _LIFETIME_S,
            "blocks_url": f"{data_url(request)}/v1/{_place_of_blocks(himself, container)}",
            "account_url": f"{data_url(request)}/v1/{account}",
            "block_size": settings.PITHOS_BACKEND_BLOCK_SIZE,
            "block_hash": ALGORITHM,
            "left_bytes": _left(himself, container),
            "versioning": container.versioning,
        }
    )
    answer["Cache-Control"] = "no-store"
    return answer


@action
def taken(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Which of ``names`` are taken in the container ``in``."""
    asked = parsed(NamesQuestion, json_object(request))
    if asked.of and asked.of != account_of(caller):
        himself = caller.in_project(caller.user)
        container, sight = sights.look(himself, asked.of, asked.container)
        seen = [name for name in asked.names if sight is None or sight.right(name) is not None]
        found = browsing.taken_in(container, seen)
    else:
        found = browsing.taken(caller, account_of(caller), asked.container, asked.names)
    return JsonResponse({"taken": sorted(found)})


def _place_of_blocks(caller: Caller, container: Container) -> str:
    """A container of his own to send blocks to: this one, or (if it is another's) his first; he gets one."""
    name = container.name
    if container.account.name != caller.project:
        own = containers.containers_for(caller, caller.project).first()
        name = own.name if own is not None else _FIRST
        if own is None:
            containers.put(caller, caller.project, _FIRST, attributes={}, policy={})
    return f"{caller.project}/{quote(name)}"


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
