"""The lane of plain reads: GET and HEAD of objects that stand for nothing but what they hold.

Its reference is ``objects.show``.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence

from synnefo.common.http.context import new_request_id
from synnefo.common.http.lanes import Answer, Lane, Scope
from synnefo.pithos.faces import streams
from synnefo.pithos.faces.swift import objects, plain, shown
from synnefo.pithos.faces.swift.shown import Shown
from synnefo.pithos.namespace import objects as rules
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.names import Path

_METHODS = ("GET", "HEAD")
#: What browsers show as a page is told more.
_PAGE = "text/html"
#: What is longer is read as the client takes it.
_SHORT_BYTES = 64 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """``started`` is by ``time.perf_counter``."""

    method: str
    path: Path
    token: str
    started: float


class PlainReads(Lane[Asked]):
    def asked(self, scope: Scope, body: memoryview | None) -> Asked | None:
        if scope["method"] not in _METHODS or (path := plain.path_of(scope)) is None:
            return None
        token = ""
        for name, value in scope["headers"]:
            if name == plain.TOKEN and not token:
                token = value.decode("latin-1")
            elif name not in plain.IDLE:
                return None
        return Asked(scope["method"], path, token, time.perf_counter()) if token else None

    def answers(self, asked: Sequence[Asked]) -> Sequence[Answer | None]:
        try:
            pairs = zip(asked, _found(asked), strict=True)
            return [_answer(one, found) if found else None for one, found in pairs]
        except plain.UNANSWERED:
            return [None] * len(asked)


def _found(asked: Sequence[Asked]) -> list[Shown | None]:
    callers = plain.callers_of([one.token for one in asked])
    versions = rules.get_each([(caller, one.path) for caller, one in zip(callers, asked, strict=True)])
    return [_shown(one.path, version) for one, version in zip(asked, versions, strict=True)]


def _shown(path: Path, version: Version | None) -> Shown | None:
    found = shown.as_it_is(path, version) if version else None
    return None if found is None or found.content_type.startswith(_PAGE) else found


def _answer(asked: Asked, found: Shown) -> Answer:
    request_id, own = new_request_id(), {"Content-Type": found.content_type}
    own["Content-Length"] = str(found.size_bytes)
    objects.describe(own, found, is_sent=True)
    content: bytes | Iterator[bytes] = b""
    if asked.method == "GET":
        content = streams.pieces(found.content, (0, found.size_bytes))
        if found.size_bytes <= _SHORT_BYTES:
            content = b"".join(content)
    plain.count(request_id, asked.method, asked.path, 200, asked.started)
    return Answer(200, plain.headers(request_id, own), content)
