"""What all routes of the face share: who asks, faults as Swift words them, headers of every answer."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import math
import time
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date

from synnefo.common.accounts import Identity
from synnefo.common.caller import Caller, Scope, anonymous_caller
from synnefo.common.faults import (
    BadRequest,
    Fault,
    Forbidden,
    ItemNotFound,
    NotAllowed,
    PreconditionFailed,
    Unauthorized,
)
from synnefo.common.http.context import client_address
from synnefo.common.http.facade import as_fault, identity_of
from synnefo.common.http.rendering import UNEXPLAINED
from synnefo.common.http.rendering import swift as rendered
from synnefo.pithos.faces.conditions import NotModified
from synnefo.pithos.faces.swift import paths, people
from synnefo.pithos.namespace import access
from synnefo.pithos.namespace.access import Right

View = Callable[..., HttpResponseBase]


class Headers(Protocol):
    """What takes headers: an answer, or a dict."""

    def __setitem__(self, name: str, value: str, /) -> None: ...


_ABSENT = "The resource could not be found."

PREFIX = "AUTH_"
HTML = "text/html; charset=UTF-8"
OCTETS = "application/octet-stream"
#: There is one way of storing, which some clients want to hear the name of.
POLICY = "default"
#: What Swift says of all that is in the way.
CONFLICT = UNEXPLAINED
TRUE = ("true", "1", "yes", "on", "t", "y")
#: How long an answer may be kept if nothing else says so.
CACHED = ("Cache-Control", "private, no-cache")
_SIGNED = "synnefo.pithos.signed"
_SIGNED_FOR = "synnefo.pithos.signed_for"
_ACCOUNT, _LEVEL = "synnefo.pithos.account", "synnefo.pithos.level"


def route(
    *, before: Callable[..., None] | None = None, after: Callable[..., None] | None = None, **views: View
) -> View:
    """A Django view of one function a method. ``before`` may refuse a request, ``after`` dress an answer."""

    def view(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        try:
            paths.check(request)
            chosen = views.get(request.method or "")
            if chosen is None:
                raise NotAllowed("The method is not allowed for this resource.")
            request.META[_ACCOUNT] = arguments.get("account", "")
            if before is not None:
                before(request, **arguments)
            response = chosen(request, **arguments)
            if after is not None:
                after(request, response, arguments["name"])
        except NotModified as unchanged:
            response = empty(304)
            response["ETag"] = unchanged.etag
        except Exception as error:  # as_fault logs what is not a fault and hides it from the client
            response = rendered(refusal(request, as_fault(error)), PREFIX + arguments.get("account", ""))
        if response.status_code == NotAllowed.status:
            response["Allow"] = ", ".join(sorted(views))
        return _stamped(request, response)

    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def refusal(request: HttpRequest, fault: Fault) -> Fault:
    """What a fault is to who asks: strangers may come again with a token."""
    if isinstance(fault, Forbidden) and is_stranger(request):
        return Unauthorized("This server could not verify that you may do what you asked for.")
    return fault


def unknown(request: HttpRequest, path: str = "") -> HttpResponseBase:
    """Paths that are none; the version without an account is a bad one."""
    fault = PreconditionFailed("Bad URL") if path.rstrip("/") == "v1" else ItemNotFound(_ABSENT)
    return _stamped(request, rendered(fault))


unknown.csrf_exempt = True  # type: ignore[attr-defined]


def token_of(request: HttpRequest) -> str:
    given: str = request.META.get("HTTP_X_AUTH_TOKEN", "") or request.META.get("HTTP_X_STORAGE_TOKEN", "")
    return given


def is_stranger(request: HttpRequest) -> bool:
    """Whether nothing says who asks."""
    return not token_of(request) and _SIGNED not in request.META


def caller(request: HttpRequest) -> Caller:
    """Who asks: in the project that the token is for, else as himself in all of his.

    Without a token a stranger; with a signature the account whose key has signed.
    Raises Unauthorized, Forbidden.
    """
    if (signed := request.META.get(_SIGNED)) is not None:
        return signed  # type: ignore[no-any-return]
    request_id, address = getattr(request, "id", ""), client_address(request)
    referrer = request.META.get("HTTP_REFERER", "")
    if is_stranger(request):
        return anonymous_caller(request_id=request_id, address=address, referrer=referrer)
    identity = identity_of(request, token_of(request))
    found = identity.caller(scope_of(identity), request_id=request_id, address=address)
    found = dataclasses.replace(found, referrer=referrer)
    account = request.META.get(_ACCOUNT, "")
    level = people.level_of(found, account) if account else ""
    request.META[_LEVEL] = level
    return people.joined(found, account, level) if level else found


def scope_of(identity: Identity) -> Scope:
    """In the project that the token is for, else in all of one's own."""
    return Scope.OWNER if identity.project is None else Scope.PROJECT


def act_as(request: HttpRequest, account: Caller, container: str = "") -> None:
    """From now on the request is an account's, by its signature; by a container's key, for that alone."""
    request.META[_SIGNED], request.META[_SIGNED_FOR] = account, container


def is_signed(request: HttpRequest) -> bool:
    """Whether a signature says who asks."""
    return _SIGNED in request.META


def container_of_signature(request: HttpRequest) -> str:
    """The container alone that a signature is good for, if it is so."""
    only: str = request.META.get(_SIGNED_FOR, "")
    return only


def owns(request: HttpRequest, asking: Caller, account: str) -> bool:
    """Whether he may see and set what is for people of the account alone: access lists, keys."""
    if request.META.get(_LEVEL) in (people.WRITER, people.READER):
        return False
    try:
        access.account(asking, account, right=Right.OWN)
    except Forbidden:
        return False
    return True


def is_true(text: str) -> bool:
    return text.strip().lower() in TRUE


def empty(status: int, content_type: str = HTML) -> HttpResponse:
    return HttpResponse(status=status, content_type=content_type)


def parameter(request: HttpRequest, name: str) -> str:
    """A parameter of the query; empty if it is not given. Raises BadRequest if it is not UTF-8."""
    value: str = request.GET.get(name, "")
    if "\ufffd" in value:
        try:
            unquote_to_bytes(request.META.get("QUERY_STRING", "")).decode()
        except UnicodeDecodeError:
            raise BadRequest(f'"{name}" parameter not valid UTF-8') from None
    return value


def text_of(value: str) -> str:
    """A header's value, which servers hand over byte by byte, as text. Raises BadRequest."""
    try:
        return value if value.isascii() else value.encode("latin-1").decode()
    except UnicodeError:
        raise BadRequest("Metadata must be valid UTF-8") from None


def given_type(request: HttpRequest) -> str:
    """The type that a request says; empty if it says none."""
    return text_of(request.META.get("CONTENT_TYPE") or "")


def timestamp(moment: datetime.datetime) -> str:
    return f"{moment.timestamp():016.5f}"


def rounded_up(moment: datetime.datetime) -> datetime.datetime:
    """To the whole second that is told."""
    return datetime.datetime.fromtimestamp(math.ceil(moment.timestamp()), datetime.UTC)


def last_modified(moment: datetime.datetime) -> str:
    """Rounded up: nothing may have been changed after the second that is told."""
    return _http_date(math.ceil(moment.timestamp()))


#: What is written or read at the same time was mostly modified in few seconds.
_http_date = functools.lru_cache(1024)(http_date)


def _stamped(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    for name, value in stamps(getattr(request, "id", "")).items():
        response[name] = value
    response.headers.setdefault(*CACHED)
    if isinstance(response, HttpResponse) and "Content-Length" not in response:
        response["Content-Length"] = str(len(response.content))
    return response


def stamps(request_id: str) -> dict[str, str]:
    """Headers of every answer."""
    transaction = _transaction(request_id)
    return {
        "X-Trans-Id": transaction,
        "X-Openstack-Request-Id": transaction,
        "Vary": "Accept, X-Auth-Token",
    }


def _transaction(request_id: str) -> str:
    """In Swift's form; it begins with the request id that is in the log."""
    digits = request_id.removeprefix("req-").replace("-", "")
    return f"tx{digits[:21].ljust(21, '0')}-{int(time.time()):010x}"
