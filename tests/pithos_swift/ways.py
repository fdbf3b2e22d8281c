"""One request on two ways: as it is answered beside the application, and as the view answers it."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import quote

from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from synnefo.common.http import lanes
from synnefo.common.http.lanes import Lane

#: What differs between any two answers.
_STAMPS = ("x-trans-id", "x-openstack-request-id")

Answer = tuple[int, dict[str, str], bytes]


class Ways:
    """``asked`` counts the requests that the view was asked for."""

    def __init__(self, *given: Lane[Any]) -> None:
        self._view = WSGIHandler()
        self._lanes = given
        self.asked = 0

    def both(
        self, method: str, path: str, token: str, query: str = "", body: bytes | None = None, **more: str
    ) -> tuple[Answer, Answer]:
        """What it is answered, and what the view does. ``more`` is as WSGI has it."""
        request = method, path, token, query, body
        return self.answered(*request, **more), self.of_view(*request, **more)

    def answered(
        self, method: str, path: str, token: str, query: str = "", body: bytes | None = None, **more: str
    ) -> Answer:
        """What it is answered beside the application, or else by it."""
        environ = _environ(method, path, token, query, body, more)
        answer = self._beside(_scope(environ), None if body is None else memoryview(body))
        if answer is not None:
            return _of_answer(answer)
        self.asked += 1
        return _of_view(self._view, environ, body)

    def together(self, *requests: tuple[str, str, str]) -> list[Answer | None]:
        """What the lane answers by one go: requests by method, path and token, which it takes all."""
        (lane,) = self._lanes
        asked = [lane.asked(_scope(_environ(*request, "", None, {})), None) for request in requests]
        assert None not in asked
        return [None if answer is None else _of_answer(answer) for answer in lane.answers(asked)]

    def of_view(
        self, method: str, path: str, token: str, query: str = "", body: bytes | None = None, **more: str
    ) -> Answer:
        return _of_view(self._view, _environ(method, path, token, query, body, more), body)

    def _beside(self, scope: dict[str, Any], body: memoryview | None) -> lanes.Answer | None:
        for lane in self._lanes:
            if (question := lane.asked(scope, body)) is not None:
                (found,) = lane.answers([question])
                return found
        return None


def _environ(
    method: str, path: str, token: str, query: str, body: bytes | None, more: dict[str, str]
) -> dict[str, str]:
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": "",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "HTTP_HOST": "localhost", **more,
    }  # fmt: skip
    if token:
        environ["HTTP_X_AUTH_TOKEN"] = token
    if body is not None:
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _scope(environ: dict[str, str]) -> dict[str, Any]:
    """The request as ASGI has it."""
    names = {name: name.removeprefix("HTTP_").lower().replace("_", "-") for name in environ}
    return {
        "method": environ["REQUEST_METHOD"],
        "raw_path": quote(environ["PATH_INFO"].encode("latin-1")).encode(),
        "query_string": environ["QUERY_STRING"].encode(),
        "headers": [
            (header.encode(), environ[name].encode("latin-1"))
            for name, header in names.items()
            if name.startswith(("HTTP_", "CONTENT_"))
        ],
    }


def _of_answer(answer: lanes.Answer) -> Answer:
    names = [name for name, _ in answer.headers]
    assert len(set(names)) == len(names)
    headers = {name.decode(): value.decode("latin-1") for name, value in answer.headers}
    content = answer.content if isinstance(answer.content, bytes) else b"".join(answer.content)
    return _unstamped(answer.status, headers, content)


def _of_view(view: WSGIHandler, environ: dict[str, str], sent: bytes | None) -> Answer:
    said: list[tuple[str, dict[str, str]]] = []
    signals = (request_started, request_finished)
    for signal in signals:  # the connection is the test's
        signal.disconnect(close_old_connections)

    def start(status: str, headers: list[tuple[str, str]], error: Any = None) -> None:
        said.append((status, {name.lower(): value for name, value in headers}))

    try:
        body = view({**environ, "wsgi.input": io.BytesIO(sent or b"")}, start)
        content = b"".join(body)
        body.close()
    finally:
        for signal in signals:
            signal.connect(close_old_connections)
    ((status, headers),) = said
    return _unstamped(int(status[:3]), headers, content)


def _unstamped(status: int, headers: dict[str, str], content: bytes) -> Answer:
    for name in _STAMPS:
        assert headers.pop(name).startswith("tx")
    return status, headers, content
