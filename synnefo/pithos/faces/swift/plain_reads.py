"""Plain reads: GET and HEAD of objects that stand for nothing but what they hold, answered at once.

Their reference is ``objects.show``. A read takes one look-up by keys, so the server's loop waits for it: to
hand it to a thread and to take it back would cost more than the reading. Who is not known yet is asked by the
view who he is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from synnefo.common.accounts import accounts
from synnefo.common.http.context import new_request_id
from synnefo.common.http.lanes import Answer, Scope
from synnefo.pithos.faces import streams
from synnefo.pithos.faces.swift import objects, plain, shown
from synnefo.pithos.faces.swift.shown import Shown
from synnefo.pithos.namespace import access, numbered
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.names import Path

_METHODS = ("GET", "HEAD")
#: What browsers show as a page is told more.
_PAGE = "text/html"


def answer(scope: Scope) -> Answer | None:
    """The answer to a plain read; None for all else."""
    started, method = time.perf_counter(), scope["method"]
    if method not in _METHODS or (path := plain.path_of(scope)) is None:
        return None
    token = ""
    for name, value in scope["headers"]:
        if name == plain.TOKEN and not token:
            token = value.decode("latin-1")
        elif name not in plain.IDLE:
            return None
    try:
        found = _found(path, token) if token else None
    except plain.UNANSWERED:  # the view says it, in its words
        return None
    return None if found is None else _answer(method, found, started)


def _found(path: Path, token: str) -> Shown | None:
    caller = plain.caller(accounts().remembered(token), writes=False)
    if caller is None or not access.is_own(caller, path, Right.READ):
        return None
    version = numbered.current(caller, path)
    found = shown.as_it_is(path, version) if version else None
    return None if found is None or found.content_type.startswith(_PAGE) else found


def _answer(method: str, found: Shown, started: float) -> Answer:
    request_id, own = new_request_id(), {"Content-Type": found.content_type}
    own["Content-Length"] = str(found.size_bytes)
    objects.describe(own, found, is_sent=True)
    content: bytes | Iterator[bytes] = b""
    if method == "GET":
        inline = found.version.data
        content = streams.pieces(found.content, (0, found.size_bytes)) if inline is None else bytes(inline)
    plain.count(request_id, method, found.path, 200, started)
    return Answer(200, plain.headers(request_id, own), content)
