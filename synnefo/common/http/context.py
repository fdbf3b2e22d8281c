"""The middleware around every request: its id, its log line, its metrics, no traceback outside.

The id is taken from ``X-Openstack-Request-Id``/``X-Request-Id`` if it looks like one, else made here;
it is on every response, log line, operation and audit event. What else a service says on all its answers it
puts into the request's ``answer_headers``, and the headers that they depend on into ``answers_vary_by``. What
every request needs is read from ``request.META``: ``request.headers`` would first copy all headers.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from prometheus_client import Counter, Histogram

log = structlog.get_logger("synnefo.http")

_GOOD_ID = re.compile(r"^req-[0-9a-f-]{36}$")
REQUESTS = Counter("synnefo_http_requests_total", "Requests answered", ["method", "status"])
SECONDS = Histogram("synnefo_http_request_seconds", "Time to answer a request", ["method"])


class RequestContext:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request.id = request_id_of(request)  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request.id):  # type: ignore[attr-defined]
            response = self.get_response(request)
            count(request.method or "", request.path, response.status_code, started)
        response.headers.setdefault("X-Openstack-Request-Id", request.id)  # type: ignore[attr-defined]
        for name, value in getattr(request, "answer_headers", {}).items():
            response.headers.setdefault(name, value)
        if hasattr(request, "answers_vary_by"):
            patch_vary_headers(response, request.answers_vary_by)
        return response


def count(method: str, path: str, status: int, started: float, **more: str) -> None:
    """Count an answer and log it, with what ``more`` says; ``started`` is by ``time.perf_counter``."""
    took_s = time.perf_counter() - started
    counter, histogram = _meters(method, status)
    counter.inc()
    histogram.observe(took_s)
    level = log.warning if status >= 500 else log.debug
    level("request", method=method, path=path, status=str(status), ms=round(took_s * 1000), **more)


@functools.lru_cache(maxsize=256)
def _meters(method: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, str(status)), SECONDS.labels(method)


def request_id_of(request: HttpRequest) -> str:
    given: str = request.META.get("HTTP_X_OPENSTACK_REQUEST_ID", "")
    return given if _GOOD_ID.match(given) else new_request_id()


def new_request_id() -> str:
    return f"req-{uuid.uuid4()}"


def client_address(request: HttpRequest) -> str:
    """Where the request came from: an address, or "" for a local socket.

    Behind a trusted proxy it is the last forwarded address that is none of a trusted proxy itself: what
    stands before that came with the request and may be made up.
    """
    peer: str = request.META.get("REMOTE_ADDR", "") or ""
    trusted = settings.SYNNEFO_TRUSTED_PROXIES
    if peer not in trusted:
        return peer
    for forwarded in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        address: str = forwarded.strip()
        if address not in trusted:
            return address if _is_address(address) else peer
    return peer


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
