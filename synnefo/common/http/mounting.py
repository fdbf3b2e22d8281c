"""Mounting an API: its routes, its root without a slash, and faults in its shape for whatever is left."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import URLPattern, URLResolver, path, re_path
from ninja import NinjaAPI

from synnefo.common.faults import NotAllowed
from synnefo.common.http.facade import not_found
from synnefo.common.http.rendering import Shape, render

View = Callable[..., HttpResponse]


def mounted(base: str, api: NinjaAPI, shape: Shape, root: View) -> list[URLPattern | URLResolver]:
    """The URLs of an API under ``base``; ``root`` also answers at ``base`` itself."""
    patterns, app, namespace = api.urls
    for pattern in patterns:
        pattern.callback = _in_shape(pattern.callback, shape)
    return [
        path(base, root),
        path(f"{base}/", (patterns, app, namespace)),
        re_path(f"^{base}/(?P<path>.*)$", not_found(shape)),
    ]


def _in_shape(view: Any, shape: Shape) -> View:
    """The view, with a refused method answered in the facade's shape."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = view(request, *args, **kwargs)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        refusal = render(request, NotAllowed(f"The method {request.method} is not allowed here."), shape)
        refusal["Allow"] = response["Allow"]
        return refusal

    return wrapped
