from __future__ import annotations

from typing import Any
from wsgiref import simple_server

import pytest
from django.core.servers.basehttp import ServerHandler, WSGIRequestHandler

from tests.legacy.conftest import old_server as old_server


@pytest.fixture(autouse=True)
def plain_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's server gives requests without a Content-Type one, and takes headers with ``_`` away.

    From answers to HEAD it takes a length of 0 away.
    """

    def get_environ(handler: WSGIRequestHandler) -> dict[str, Any]:
        environ: dict[str, Any] = simple_server.WSGIRequestHandler.get_environ(handler)
        if handler.headers.get("Content-Type") is None:
            environ["CONTENT_TYPE"] = ""
        return environ

    monkeypatch.setattr(WSGIRequestHandler, "get_environ", get_environ)
    monkeypatch.setattr(ServerHandler, "cleanup_headers", simple_server.ServerHandler.cleanup_headers)
