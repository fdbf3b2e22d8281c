"""Answers that take long: what comes at once keeps its status, of all else the beginning is sent and blanks.

S3's clients give up after a minute of silence, and know that a 200 may turn out to be an error.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as StillWorking

from django.db import connections
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from synnefo.pithos.faces.s3 import kit, xml
from synnefo.pithos.faces.s3.kit import Asked

AT_ONCE_S = 10.0
EVERY_S = 5.0


def patiently(
    asked: Asked,
    view: Callable[[Asked], HttpResponse],
    at_once_s: float = AT_ONCE_S,
    every_s: float = EVERY_S,
) -> HttpResponseBase:
    """What a view answers, which is XML; it goes on when the client goes away. Raises what it raises."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="patience")
    work = pool.submit(contextvars.copy_context().run, _with_connections_of_its_own, view, asked)
    pool.shutdown(wait=False)
    try:
        return work.result(at_once_s)
    except StillWorking:
        return StreamingHttpResponse(_slowly(asked, work, every_s), content_type=kit.XML)


def _slowly(asked: Asked, work: Future[HttpResponse], every_s: float) -> Iterator[bytes]:
    yield xml.HEAD.encode()
    while not wait([work], every_s).done:
        yield b" "
    error = work.exception()
    if isinstance(error, Exception):  # its status is gone, but not its words
        found = kit.failed(asked.request, kit.refusal(asked, error))
    else:
        found = work.result()
    yield found.content.removeprefix(xml.HEAD.encode())


def _with_connections_of_its_own(view: Callable[[Asked], HttpResponse], asked: Asked) -> HttpResponse:
    try:
        return view(asked)
    finally:
        connections.close_all()
