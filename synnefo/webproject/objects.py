"""The object store as a part of the web: its process group, and where pages find it.

Its requests last as long as clients like, so processes of their own may answer them (``SYNNEFO_WEB_SERVES``);
the others then send whoever comes to them there.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from synnefo.common import faults
from synnefo.common.http.addresses import base_url, objects_url
from synnefo.common.http.rendering import render, synnefo
from synnefo.common.transactions import let_go

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
