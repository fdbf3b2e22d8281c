"""Plain reads: GET and HEAD of objects that stand for nothing but what they hold, answered at once.

Their reference is ``objects.show``. Those that come together take one look-up by keys, so the server's loop
waits for it: to hand it to a thread and to take it back would cost more than the reading. Who is not known
yet is asked by the view who he is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from synnefo.common.accounts import accounts
from synnefo.common.http.context import new_request_id
from synnefo.common.http.lanes import Answer, Lane, Scope
from synnefo.pithos.blocks import recent
from synnefo.pithos.faces.swift import objects, plain, shown
from synnefo.pithos.namespace import numbered
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.names import Path

_METHODS = ("GET", "HEAD")
#: What browsers show as a page is told more.
_PAGE = "text/html"


class Asked(NamedTuple):
    """``started`` is by ``time.perf_counter``."""

    method: str
    path: Path
    token: str
    started: float


class PlainReads(Lane[Asked]):
    def asked(self, scope: Scope, body: memoryview | None) -> Asked | None:
        started, method = time.perf_counter(), scope["method"]
        if method not in _METHODS or (path := plain.path_of(scope)) is None:
            return None
        token = ""
        for name, value in scope["headers"]:
            if name == plain.TOKEN and not token:
                token = value.decode("latin-1")
            elif name not in plain.IDLE:
                return None
        return Asked(method, path, token, started) if token else None

    def answers(self, asked: Sequence[Asked]) -> Sequence[Answer | None]:
        try:
            wanted = [
                (plain.caller(accounts().remembered(one.token), writes=False), one.path) for one in asked
            ]
            found = numbered.currents(wanted)
        except plain.UNANSWERED:  # the view says it, in its words
            return [None] * len(asked)
        pairs = zip(asked, found, strict=True)
        return [None if version is None else _answer(one, version) for one, version in pairs]


def _answer(asked: Asked, version: Version) -> Answer | None:
    found = shown.as_it_is(asked.path, version)
    if found is None or found.content_type.startswith(_PAGE):
        return None
    request_id, own = new_request_id(), {"Content-Type": found.content_type}
    own["Content-Length"] = str(found.size_bytes)
    objects.describe(own, found, is_sent=True)
    content: bytes | Iterator[bytes] = b""
    if asked.method == "GET":
        inline = version.data
        content = recent.whole(version.content) if inline is None else bytes(inline)
    plain.count(request_id, asked.method, asked.path, 200, asked.started)
    return Answer(200, plain.headers(request_id, own), content)
