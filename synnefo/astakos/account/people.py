"""Names and uuids of users, and what the accounts seam asks about tokens."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Annotated, Any

from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel, Field, StrictInt

from synnefo.astakos import seam
from synnefo.astakos.accounts import programs, throttle, tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.plain import service_token, user_token
from synnefo.common.accounts import Identity
from synnefo.common.faults import BadRequest, ItemNotFound, Unauthorized
from synnefo.common.http.plain import answer, json_object, parsed

_MOST = 10_000
_LOOKING_UP = "user-catalogs"


class Program(BaseModel):
    user: str
    secret: str
    address: str


class Access(BaseModel):
    token: str
    place: str


class IdentityQuestion(BaseModel):
    token: str | None = None
    user: str | None = None
    program: Program | None = None
    access: Access | None = None


class KeyQuestion(BaseModel):
    access: str
    date: str
    region: str
    service: str
    address: str


class CodeQuestion(BaseModel):
    code: str
    redirect_uri: str
    client: str
    secret: str
    address: str


class NamesQuestion(BaseModel):
    uuids: list[str]


class PageWish(BaseModel):
    limit: Annotated[StrictInt, Field(gt=0)] | None = None
    marker: str = ""


class UsersQuestion(BaseModel):
    like: str


class TokenWish(BaseModel):
    user: str
    project: str
    lifetime_s: Annotated[StrictInt, Field(gt=0, le=3600)]


def catalogs(request: HttpRequest) -> HttpResponse:
    """POST user_catalogs: names to uuids and back, exact matches only.

    Who asks for names that nobody has again and again is trying addresses: he is refused for a while.
    """
    who = user_token(request, changes=False).user__uuid
    throttle.check(who, who, _LOOKING_UP)
    asked, answered = _catalogs(request)
    if len(answered["displayname_catalog"]) < asked:
        throttle.note_failure(who, who, _LOOKING_UP)
    return answer(answered)


def service_catalogs(request: HttpRequest) -> HttpResponse:
    """POST service/user_catalogs: the same; ``"uuids": null`` means all users.

    With ``limit`` these come in pages, in the order of their uuids: ``marker`` is the last one seen.
    """
    service_token(request)
    return answer(_catalogs(request, everybody=True)[1])


def identities(request: HttpRequest) -> HttpResponse:
    """POST service/identities: whose token this is, or what a signed-in user may do."""
    service_token(request)
    asked = parsed(IdentityQuestion, json_object(request))
    try:
        if asked.token is not None:
            return answer(_identity(tokens.identify(asked.token)))
        if asked.user is not None:
            return answer(_identity(tokens.identity_of_user(asked.user)))
        if asked.program is not None:
            return answer(_identity(programs.identify(**asked.program.model_dump())))
        if asked.access is not None:
            given = asked.access
            return answer(_identity(seam.InProcessAccounts().identity_of_access(given.token, given.place)))
    except Unauthorized as fault:  # 401 would mean the service's own token
        raise ItemNotFound(fault.message) from fault
    raise BadRequest("token, user, program or access: field required")


def signing_key(request: HttpRequest) -> HttpResponse:
    """POST service/signing_keys: whose access key this is, and what it signs requests of a day with."""
    service_token(request)
    asked = parsed(KeyQuestion, json_object(request))
    try:
        identity, key = seam.InProcessAccounts().signing_key(**asked.model_dump())
    except Unauthorized as fault:  # 401 would mean the service's own token
        raise ItemNotFound(fault.message) from fault
    return answer({**_identity(identity), "key": key.hex()})


def token(request: HttpRequest) -> HttpResponse:
    """POST service/tokens: a short token for somebody who is signed in to the service's pages."""
    service_token(request)
    asked = parsed(TokenWish, json_object(request))
    try:
        made = seam.InProcessAccounts().short_token(asked.user, asked.project, asked.lifetime_s)
    except Unauthorized as fault:  # 401 would mean the service's own token
        raise ItemNotFound(fault.message) from fault
    return answer({"token": made}, 201)


def code(request: HttpRequest) -> HttpResponse:
    """POST service/codes: the access token that a code of 0.21's OAuth 2 flow is good for."""
    service_token(request)
    asked = parsed(CodeQuestion, json_object(request))
    client = asked.client, asked.secret
    try:
        made = seam.InProcessAccounts().redeem_code(
            asked.code, asked.redirect_uri, client, address=asked.address
        )
    except Unauthorized as fault:  # 401 would mean the service's own token
        raise ItemNotFound(fault.message) from fault
    return answer({"token": made}, 201)


def names(request: HttpRequest) -> HttpResponse:
    """POST service/names: display names of users and projects."""
    service_token(request)
    asked = parsed(NamesQuestion, json_object(request))
    return answer(seam.InProcessAccounts().names(_clean(asked.uuids)))


def users(request: HttpRequest) -> HttpResponse:
    """POST service/users: uuids of the users whose e-mail contains a text."""
    service_token(request)
    asked = parsed(UsersQuestion, json_object(request))
    return answer({"users": seam.InProcessAccounts().users_like(asked.like.replace("\x00", ""))})


def _identity(identity: Identity) -> dict[str, Any]:
    shown = dataclasses.asdict(identity)
    return {**shown, **{name: sorted(shown[name]) for name in ("projects", "roles", "services")}}


def _catalogs(request: HttpRequest, *, everybody: bool = False) -> tuple[int, dict[str, dict[str, str]]]:
    """How many names were asked for, and the answer. Raises BadRequest."""
    try:
        body = json_object(request, any_type=True)
    except BadRequest as fault:
        raise BadRequest("Request body should be json formatted.") from fault
    uuids, names = body.get("uuids", []), body.get("displaynames", [])
    if not _is_texts(names):
        raise BadRequest(f"Invalid displaynames: {names}")
    if not (_is_texts(uuids) or (uuids is None and everybody)):
        raise BadRequest(f"Invalid uuids: {uuids}")
    users = _everybody(body) if uuids is None else _people().filter(uuid__in=_clean(uuids))
    asked = {name.lower(): name for name in _clean(names)}
    by_name = _people().filter(username__in=asked)
    return len(asked), {
        "uuid_catalog": dict(users.values_list("uuid", Lower("email"))),
        "displayname_catalog": {asked[name]: uuid for name, uuid in by_name.values_list("username", "uuid")},
    }


def _people() -> QuerySet[User]:
    """Without those of whom nothing is left but a uuid."""
    return User.objects.filter(removed_at=None)


def _everybody(body: dict[str, Any]) -> QuerySet[User]:
    """All users, or the page that is asked for. Raises BadRequest."""
    wanted = parsed(PageWish, body)
    users = _people().filter(uuid__gt=wanted.marker.replace("\x00", "")).order_by("uuid")
    return users if wanted.limit is None else users[: wanted.limit]


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and len(value) <= _MOST and all(isinstance(item, str) for item in value)


def _clean(texts: Iterable[str]) -> list[str]:
    """Without what no name has and PostgreSQL does not take."""
    return [text for text in texts if "\x00" not in text]
