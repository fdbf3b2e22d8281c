"""``docs/api.md`` against the URL map."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from tests.docs.tables import rows

#: In place of the methods of a plain view, which checks them itself.
ANY = "-"
#: The views that answer what is no route.
NOT_ROUTES = re.compile(r"\(\?P<path>\.\*\)\$$")


def walk(patterns: Iterable[Any], prefix: str = "/") -> Iterator[tuple[str, str]]:
    """(method, path) of every route."""
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from walk(entry.url_patterns, path)
        elif isinstance(entry, URLPattern) and not NOT_ROUTES.search(path) and entry.name != "api-root":
            for method in methods_of(entry.callback):
                yield method, readable(path)


def methods_of(view: Any, depth: int = 4) -> list[str]:
    """What a route accepts, found through the views that wrap it; Django's own views do not tell."""
    for cell in getattr(view, "__closure__", None) or ():
        inner = cell.cell_contents
        if isinstance(inner, dict) and inner.keys() & {"GET", "POST", "PUT", "DELETE"}:
            return sorted(inner)
        if operations := getattr(inner, "operations", None):
            return sorted({method for operation in operations for method in operation.methods})
        if callable(inner) and depth and (found := methods_of(inner, depth - 1)) != [ANY]:
            return found
    return [ANY]


def readable(path: str) -> str:
    """``/servers/<uuid:id>/`` and ``/^servers/?$`` as people write them: ``/servers/{id}``."""
    path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", re.sub(r"\(\?:[^)]*\)\?", "", path)).replace("\\.", ".")
    path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)
    return re.sub(r"\^|/?\??\$?$", "", path) or "/"


def test_every_route_is_documented_and_no_other() -> None:
    documented = {(method, row[1]) for row in rows("api.md") for method in row[0].split(", ")}
    served = set(walk(get_resolver().url_patterns))
    assert sorted(served - documented) == [], "not documented"
    assert sorted(documented - served) == [], "documented, but not served"
