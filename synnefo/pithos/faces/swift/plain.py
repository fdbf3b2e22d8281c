"""Plain reads: GET and HEAD of an object by the account's own people, answered without Django's handler.

Nothing is asked for more often, and resolvers, middleware and answers that can do anything take several
times as long as its rules. The rules are those of the view (``objects.show``), which remains the reference:
whatever is more than plain (another header, a query, a refusal, what is shared, leads elsewhere or stands
for something else) is left to it.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog
from django.conf import settings
from django.core.signals import request_started
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import Fault
from synnefo.common.http import context
from synnefo.common.http.addresses import objects_path
from synnefo.pithos.faces import streams
from synnefo.pithos.faces.swift import kit, objects, shown
from synnefo.pithos.faces.swift.shown import Shown
from synnefo.pithos.namespace import access
from synnefo.pithos.namespace import objects as rules
from synnefo.pithos.namespace.names import Path

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

#: Headers that change nothing about a plain read.
_IDLE = {
    "HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING", "HTTP_ACCEPT_LANGUAGE", "HTTP_CONNECTION", "HTTP_HOST",
    "HTTP_USER_AGENT", "HTTP_X_AUTH_TOKEN",
    "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP",
}  # fmt: skip
_METHODS = ("GET", "HEAD")
#: What browsers show as a page is told more.
_PAGE = "text/html"


@dataclasses.dataclass(frozen=True)
class _Asked:
    """A request that may be a plain one."""

    method: str
    path: Path
    token: str


def served_first(application: Application) -> Application:
    """The application, with plain reads answered before it is asked.

    Where answers differ with the scheme of the request it is asked for all.
    """
    if settings.SECURE_SSL_REDIRECT or settings.SECURE_HSTS_SECONDS:
        return application

    def serve(environ: Environ, start_response: Any) -> Iterable[bytes]:
        started, asked = time.perf_counter(), _asked(environ)
        if asked is None:
            return application(environ, start_response)
        request_started.send(sender=served_first, environ=environ)  # connections that have ended are left
        found = _found(asked)
        if found is None:
            return application(environ, start_response)
        request_id = context.new_request_id()
        start_response("200 OK", list(_headers(found, request_id).items()))
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            context.count(asked.method, environ["PATH_INFO"], 200, started)
        if asked.method == "HEAD":
            return ()
        return streams.pieces(found.content, (0, found.size_bytes))

    return serve


def _asked(environ: Environ) -> _Asked | None:
    path: str = environ["PATH_INFO"]
    if environ["REQUEST_METHOD"] not in _METHODS or environ["QUERY_STRING"] or not path.isascii():
        return None
    match = _pattern().fullmatch(path)
    if match is None or any(name.startswith("HTTP_") and name not in _IDLE for name in environ):
        return None
    token: str = environ.get("HTTP_X_AUTH_TOKEN", "")
    return _Asked(environ["REQUEST_METHOD"], Path(*match.groups()), token) if token else None


@functools.cache
def _pattern() -> re.Pattern[str]:
    """Paths of objects, as ``urls`` has them; a NUL is for the view to refuse."""
    base = re.escape(objects_path().rstrip("/"))
    return re.compile(rf"{base}/swift/v1/{kit.PREFIX}([^/\0]+)/([^/\0]+)/([^\0]+)")


def _found(asked: _Asked) -> Shown | None:
    try:
        caller = _caller(asked)
        found = shown.as_it_is(asked.path, rules.get(caller, asked.path)) if caller else None
    except (Fault, DatabaseError, InterfaceError):  # the view says it, in its words
        return None
    return None if found is None or found.content_type.startswith(_PAGE) else found


def _caller(asked: _Asked) -> Caller | None:
    """One of the account's own people, with a token that is good for all services."""
    identity = accounts().identify(asked.token)
    caller = identity.caller(kit.scope_of(identity))
    is_plain = not identity.services and asked.path.account in access.names_of(caller)
    return caller if is_plain else None


def _headers(found: Shown, request_id: str) -> dict[str, str]:
    headers = {"Content-Type": found.content_type, "Content-Length": str(found.size_bytes)}
    objects.describe(headers, found, is_sent=True)
    headers |= kit.stamps(request_id)
    headers["Vary"] += ", origin"  # whatever its origin: it says what the answer to others would depend on
    headers.setdefault(*kit.CACHED)
    return {**_of_middleware(), **headers}


@functools.cache
def _of_middleware() -> Mapping[str, str]:
    """What Django puts on every answer."""
    response = SecurityMiddleware(lambda request: HttpResponse()).process_response(
        HttpRequest(), HttpResponse()
    )
    return {name: value for name, value in response.items() if name != "Content-Type"}
