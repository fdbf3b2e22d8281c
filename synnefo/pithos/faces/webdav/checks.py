"""What a request demands of what is there: the If header, and where Destination points to."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from django.http import HttpRequest

from synnefo.common.caller import Caller
from synnefo.common.faults import BadGateway, BadRequest, Fault
from synnefo.common.http.addresses import dav_path
from synnefo.pithos.faces.webdav import ifheader, locks, places, resources
from synnefo.pithos.faces.webdav.places import Place
from synnefo.pithos.namespace import access
from synnefo.pithos.namespace.access import Right


def check_if(request: HttpRequest, caller: Caller, place: Place) -> frozenset[str]:
    """The tokens of locks that the request shows. Raises BadRequest, PreconditionFailed."""
    groups = ifheader.parse(request.META.get("HTTP_IF", ""))

    def state(uri: str) -> tuple[str, frozenset[str]]:
        try:
            there = places.find(caller, path_of(uri)) if uri else place
            found = resources.find(caller, there)
            container = access.object(caller, there.at(), Right.READ) if there.name else None
        except Fault:  # what is not there, or not his to see, has neither
            return "", frozenset()
        container = container or (found.container if found else None)
        held = locks.over(container, there.name) if container is not None else []
        return found.etag if found else "", frozenset(lock.token for lock in held)

    ifheader.check(groups, state)
    return ifheader.tokens(groups)


def destination(request: HttpRequest, caller: Caller) -> Place:
    """Raises BadRequest, BadGateway, ItemNotFound (no such project)."""
    text = request.META.get("HTTP_DESTINATION", "").strip()
    if not text:
        raise BadRequest("There is no Destination header.")
    return places.find(caller, path_of(text))


def path_of(uri: str) -> str:
    """The path below the face that a URI, or an absolute path, names. Raises BadRequest, BadGateway."""
    try:
        path = unquote(urlsplit(uri).path, errors="strict")
    except ValueError:
        raise BadRequest("This is no address of a file.") from None
    top = dav_path()
    if path != top and not path.startswith(f"{top}/"):
        raise BadGateway("The destination is not on this server.")
    return path.removeprefix(top)
