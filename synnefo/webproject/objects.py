"""The object store as a part of the web: its process group, and where pages find it.

Its requests last as long as clients like, so processes of their own may answer them (``SYNNEFO_WEB_SERVES``);
the others then send whoever comes to them there.
"""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from synnefo.common import faults
from synnefo.common.http.addresses import base_url, objects_url
from synnefo.common.http.lanes import Answer, Lane, Scope
from synnefo.common.http.rendering import render, synnefo
from synnefo.common.transactions import let_go

log = structlog.get_logger("synnefo.http")

Q = TypeVar("Q")
_SQLITE = "django.db.backends.sqlite3"
_STATEMENT_MS = 2000
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def context(request: HttpRequest) -> dict[str, object]:
    """``pithos_origin`` (``http://host:port``): scripts call it with ``X-Auth-Token``, never with cookies."""
    return {"pithos_origin": lambda: objects_url(request)}


@csrf_exempt
def elsewhere(request: HttpRequest, path: str = "") -> HttpResponse:
    """The same request is to be made to the processes that serve objects; its body is not read."""
    there = objects_url(request)
    if there == base_url(request):  # a front proxy that brought it here would bring it here again
        fault = faults.ServiceUnavailable("The object store is served by other processes than this one.")
        return render(request, fault, synnefo)
    headers = {"Location": f"{there}{request.get_full_path()}", "Content-Length": "0"}
    return HttpResponse(status=307, headers=headers, content_type="text/plain")


def unhurried(application: Application) -> Application:
    """The application, holding no connection to the database while clients send or take content.

    That is for connections out of a pool; one that belongs to its thread is nobody else's to use.
    """

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not isinstance(environ["wsgi.input"], io.BytesIO):  # that is a body which is here already
            environ["wsgi.input"] = _Body(environ["wsgi.input"])
        answer = application(environ, start_response)
        let_go()
        return answer

    return serve


def ways_beside() -> tuple[list[Lane[Any]], list[Lane[Any]]]:
    """The lanes of the process group for objects, prompt ones first.

    Where answers differ with the scheme of the request the application is asked for all.
    """
    differs = settings.SECURE_SSL_REDIRECT or settings.SECURE_HSTS_SECONDS
    serves_objects = "pithos" in settings.SYNNEFO_SERVICES and "objects" in settings.SYNNEFO_WEB_SERVES
    if differs or not serves_objects or "pages" in settings.SYNNEFO_WEB_SERVES:
        return [], []
    from synnefo.pithos.faces.swift.plain_reads import PlainReads
    from synnefo.pithos.faces.swift.plain_writes import PlainWrites

    return [lane_of_the_loop(PlainReads())], [unhurried_lane(PlainWrites())]


def unhurried_lane(lane: Lane[Q]) -> Lane[Q]:
    """A lane, likewise, which raises nothing. Who asks alone does so over a connection that it keeps."""
    return _UnhurriedLane(lane)


def lane_of_the_loop(lane: Lane[Q]) -> Lane[Q]:
    """A prompt lane over a connection of the loop's own, which it keeps; it raises nothing.

    A statement that takes long (somebody has locked the table) is given up, for the loop stands still.
    """
    return _LaneOfItsOwn(lane, f"-c statement_timeout={_STATEMENT_MS}")


def _apart(server_options: str) -> BaseDatabaseWrapper:
    """A connection that is neither a thread's nor of the pool."""
    said = connections.databases[DEFAULT_DB_ALIAS]
    options = {name: value for name, value in said["OPTIONS"].items() if name != "pool"}
    if said["ENGINE"] != _SQLITE:
        options["options"] = f"{options.get('options', '')} {server_options}"
    alone = {**said, "OPTIONS": options, "CONN_MAX_AGE": None}
    made: BaseDatabaseWrapper = load_backend(said["ENGINE"]).DatabaseWrapper(alone, DEFAULT_DB_ALIAS)
    made.inc_thread_sharing()
    return made


@contextmanager
def _instead(connection: BaseDatabaseWrapper) -> Iterator[BaseDatabaseWrapper]:
    """The connection is the thread's (or, in the loop, the task's), which gets back what it had."""
    before = [one for one in connections.all(initialized_only=True) if one.alias == DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = connection
    try:
        yield connection
    finally:
        del connections[DEFAULT_DB_ALIAS]
        for one in before:
            connections[DEFAULT_DB_ALIAS] = one


class _LaneThatRaisesNothing(Lane[Q]):
    def __init__(self, lane: Lane[Q]) -> None:
        self._lane = lane

    def asked(self, scope: Scope, body: memoryview | None) -> Q | None:
        return self._lane.asked(scope, body)

    def answers(self, asked: Sequence[Q]) -> Sequence[Answer | None]:
        try:
            return self._lane.answers(asked)
        except Exception:  # likewise: who waits must not be left without an answer
            log.exception("a lane did not answer", requests=len(asked))
            return [None] * len(asked)


class _LaneOfItsOwn(_LaneThatRaisesNothing[Q]):
    """One go at a time, over one connection: its statements are prepared there, and its pages in memory."""

    def __init__(self, lane: Lane[Q], server_options: str = "") -> None:
        super().__init__(lane)
        self._server_options = server_options

    def answers(self, asked: Sequence[Q]) -> Sequence[Answer | None]:
        with _instead(self._kept) as here:
            try:
                return super().answers(asked)
            finally:
                if here.errors_occurred:
                    here.close()

    @functools.cached_property
    def _kept(self) -> BaseDatabaseWrapper:
        return _apart(self._server_options)


class _UnhurriedLane(_LaneThatRaisesNothing[Q]):
    """What is asked while another go is under way takes a connection out of the pool."""

    def __init__(self, lane: Lane[Q]) -> None:
        super().__init__(lane)
        self._alone = _LaneOfItsOwn(lane)
        self._is_taken = threading.Lock()

    def answers(self, asked: Sequence[Q]) -> Sequence[Answer | None]:
        if self._is_taken.acquire(blocking=False):
            try:
                return self._alone.answers(asked)
            finally:
                self._is_taken.release()
        close_old_connections()
        try:
            return super().answers(asked)
        finally:
            let_go()


class _Body:
    """The stream of a request's body: whatever is done with it waits for the client."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._stream, name)

        def unhurried(*args: Any) -> Any:
            let_go()
            return method(*args)

        return unhurried
