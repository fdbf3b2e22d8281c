"""What the ways for plain requests share: who asks for which object, and the headers of every answer.

Nothing is asked for more often than small objects, by the account's own people. Resolvers, middleware and
answers that can do anything take several times as long as the rules, and so do the questions to the database
if each request has its own. The views remain the reference: whatever is more than plain (another header,
a query, a refusal, what is shared, leads elsewhere or stands for something else) is left to them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

from synnefo.common.accounts import Identity
from synnefo.common.caller import Caller
from synnefo.common.faults import Fault
from synnefo.common.http import context
from synnefo.common.http.addresses import objects_path
from synnefo.common.http.lanes import Scope
from synnefo.pithos.faces.swift import kit
from synnefo.pithos.namespace.names import Path

TOKEN = b"x-auth-token"
#: Headers that change nothing about a plain request.
IDLE = frozenset({
    b"accept", b"accept-encoding", b"accept-language", b"connection", b"host", b"user-agent",
    b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip",
})  # fmt: skip
#: What goes wrong for all that are asked together is said by the views, to each.
UNANSWERED = (Fault, DatabaseError, InterfaceError)

_ENCODED = functools.lru_cache(maxsize=256)(lambda name: name.lower().encode("latin-1"))


def path_of(scope: Scope) -> Path | None:
    """The object that a request names, in ASCII and without a query."""
    raw: bytes = scope["raw_path"]
    if scope["query_string"]:
        return None
    raw = unquote_to_bytes(raw) if b"%" in raw else raw
    match = _pattern().fullmatch(raw.decode("ascii")) if raw.isascii() else None
    return None if match is None else Path(*match.groups())


@functools.cache
def _pattern() -> re.Pattern[str]:
    """Paths of objects, as ``urls`` has them; a NUL is for the views to refuse."""
    base = re.escape(objects_path().rstrip("/"))
    return re.compile(rf"{base}/swift/v1/{kit.PREFIX}([^/\0]+)/([^/\0]+)/([^\0]+)")


def caller(identity: Identity | None, *, writes: bool) -> Caller | None:
    """Who asks; None if nobody knows, or with a token that is not good for everything.

    What a limited one is good for is said by ``facade.admitted``.
    """
    if identity is None or identity.services or (writes and (identity.read_only or identity.remembered)):
        return None
    return identity.caller(kit.scope_of(identity))


def count(request_id: str, method: str, path: Path, status: int, started: float) -> None:
    """Count an answer and log it; ``started`` is by ``time.perf_counter``."""
    place = f"{objects_path()}swift/v1/{kit.PREFIX}{path}"
    context.count(method, place, status, started, request_id=request_id)


def headers(request_id: str, own: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Of an answer, with what is on all of them."""
    told = {**own, **kit.stamps(request_id)}
    told["Vary"] += ", origin"  # whatever its origin: it says what the answer to others would depend on
    told.setdefault(*kit.CACHED)
    return [*_of_middleware(), *_encoded(told.items())]


@functools.cache
def _of_middleware() -> list[tuple[bytes, bytes]]:
    """What Django puts on every answer."""
    response = SecurityMiddleware(lambda request: HttpResponse()).process_response(
        HttpRequest(), HttpResponse()
    )
    return _encoded((name, value) for name, value in response.items() if name != "Content-Type")


def _encoded(items: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(_ENCODED(name), value.encode("latin-1")) for name, value in items]
