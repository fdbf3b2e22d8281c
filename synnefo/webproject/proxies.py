"""Astakos' APIs below the object store's prefix, for pages of old that may talk to their own host alone.

``_astakos/identity/tokens`` is ``identity/v2.0/tokens`` of Astakos, ``_astakos/account/user_catalogs`` its
``account/v1.0/user_catalogs``. Where Astakos is installed with this process its own view answers; where it
is not, the request is made to it again, without cookies, and its answer is passed on as it comes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from urllib.parse import quote

import httpx
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, URLPattern, get_resolver, re_path
from django.views.decorators.csrf import csrf_exempt

from synnefo.common.faults import BadGateway, Fault, ItemNotFound, RequestTooLarge
from synnefo.common.http.addresses import accounts_url
from synnefo.common.http.context import client_address
from synnefo.common.http.rendering import render, synnefo

_APIS = {"identity": "identity/v2.0", "account": "account/v1.0"}
_MOST_BYTES = 1024 * 1024
_TIMEOUT_S = 30.0
#: What belongs to one connection, or to this host alone.
_DROPPED = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailers",
        "transfer-encoding", "upgrade", "host", "cookie", "x-forwarded-host", "content-length",
    }
)  # fmt: skip


def routes() -> list[URLPattern]:
    """Below the prefix of the object store."""
    base = "/".join(filter(None, (settings.PITHOS_BASE_PATH.strip("/"), settings.PITHOS_PROXY_PREFIX)))
    return [
        re_path(rf"^{base}/(?P<api>identity|account)/(?P<rest>[\s\S]*)$", relay),
        re_path(rf"^{base}/ui/(?P<rest>[\s\S]*)$", to_pages),
    ]


@csrf_exempt  # cookies do not count here: who asks has a token in a header
def relay(request: HttpRequest, api: str, rest: str) -> HttpResponseBase:
    """The answer of Astakos."""
    place = f"{_APIS[api]}/{rest}"
    try:
        if any(part in (".", "..") for part in rest.split("/")):
            raise ItemNotFound("The resource could not be found.")
        here = "astakos" in settings.SYNNEFO_SERVICES
        return _dispatched(request, place) if here else _forwarded(request, place)
    except Fault as fault:
        return render(request, fault, synnefo)


def to_pages(request: HttpRequest, rest: str) -> HttpResponse:
    """Pages are Astakos' own, with cookies: browsers go there."""
    query = request.META.get("QUERY_STRING", "")
    return HttpResponseRedirect(f"{accounts_url(request)}/ui/{quote(rest)}{'?' if query else ''}{query}")


def _dispatched(request: HttpRequest, place: str) -> HttpResponseBase:
    from django.contrib.auth import models as auth  # there where Astakos is

    try:
        match = get_resolver("synnefo.astakos.urls").resolve(f"/{place}")
    except Resolver404:
        raise ItemNotFound("The resource could not be found.") from None
    base = settings.ASTAKOS_BASE_PATH.strip("/")
    request.path = request.path_info = "/".join(("", *filter(None, (base, place))))
    request.COOKIES.clear()
    request.META.pop("HTTP_COOKIE", None)
    request.user = auth.AnonymousUser()
    try:
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    except Http404:
        raise ItemNotFound("The resource could not be found.") from None
    return response


def _forwarded(request: HttpRequest, place: str) -> HttpResponseBase:
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _DROPPED}
    headers.setdefault("X-Forwarded-For", client_address(request))
    query = request.META.get("QUERY_STRING", "")
    url = f"{accounts_url(request)}/{quote(place)}{'?' if query else ''}{query}"
    client = _client()
    asked = client.build_request(request.method or "GET", url, headers=headers, content=_body(request))
    try:
        answer = client.send(asked, stream=True)
    except httpx.HTTPError as error:
        raise BadGateway("Accounts cannot be reached at the moment.") from error
    response = StreamingHttpResponse(_pieces(answer), status=answer.status_code)
    for name, value in answer.headers.items():
        if name.lower() not in _DROPPED:
            response[name] = value
    return response


def _body(request: HttpRequest) -> bytes:
    found = request.read(_MOST_BYTES + 1)
    if len(found) > _MOST_BYTES:
        raise RequestTooLarge("The request body is too large.")
    return bytes(found)


def _pieces(answer: httpx.Response) -> Iterator[bytes]:
    try:
        yield from answer.iter_raw()
    finally:
        answer.close()


@functools.cache
def _client() -> httpx.Client:
    return httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False)
