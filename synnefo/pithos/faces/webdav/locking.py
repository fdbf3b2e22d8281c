"""LOCK and UNLOCK."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.pithos.blocks.content import EMPTY
from synnefo.pithos.faces import body
from synnefo.pithos.faces.webdav import checks, kit, locks, places, properties, resources, writing, xml
from synnefo.pithos.faces.webdav.models import DavLock
from synnefo.pithos.faces.webdav.places import Place
from synnefo.pithos.faces.webdav.resources import Resource
from synnefo.pithos.namespace import access, objects
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import Container

_MOST_BYTES = 64 * 1024
_USUAL_S = 3600


def lock(request: HttpRequest, caller: Caller, path: str) -> HttpResponse:
    """LOCK: a lock, or without a body more time for one; what is not there is made, empty."""
    place = places.find(caller, path)
    container = _container(caller, place)
    tokens = checks.check_if(request, caller, place)
    found = resources.in_container(container, place) if place.name else Resource(place, True, container)
    timeout_s = _timeout_s(request)
    if not body.has_body(request):
        return _answer(locks.refresh(caller, tokens, container, place.name, timeout_s), found, place, 200)
    is_shared, owner = _wanted(body.whole(request, _MOST_BYTES))
    depth = request.META.get("HTTP_DEPTH", "infinity").strip().lower()
    if depth not in ("0", "infinity"):
        raise BadRequest("A lock has Depth 0 or infinity.")
    if found is None:
        writing.require_folder(container, place)
        locks.require(caller, tokens, container, place.name, member=True)
    taken = locks.take(
        caller, container, place.name, is_shared=is_shared, is_deep=depth == "infinity", owner=owner,
        timeout_s=timeout_s,
    )  # fmt: skip
    if found is None:
        objects.write(caller, place.at(), EMPTY, content_type=writing.OCTETS, attributes={})
    response = _answer(taken, found, place, 200 if found else 201)
    response["Lock-Token"] = f"<{taken.href}>"
    return response


def unlock(request: HttpRequest, caller: Caller, path: str) -> HttpResponse:
    place = places.find(caller, path)
    token = request.META.get("HTTP_LOCK_TOKEN", "").strip()
    if not (token.startswith("<") and token.endswith(">")):
        raise BadRequest("There is no Lock-Token header.")
    locks.release(caller, DavLock.token_of(token[1:-1]), _container(caller, place), place.name)
    return kit.empty(204)


def _container(caller: Caller, place: Place) -> Container:
    """For who may change what is there. Raises Forbidden, ItemNotFound."""
    if not place.container:
        raise Forbidden("Only what is in a container, and containers, can be locked.")
    if place.name:
        return access.object(caller, place.at(), Right.WRITE)
    return access.container(caller, place.account, place.container, Right.WRITE)


def _wanted(text: bytes) -> tuple[bool, str]:
    """Whether it is to be shared, and what the client says about its owner, as XML."""
    root = xml.parsed(text, "lockinfo")
    kind = root.find(f"{xml.DAV}locktype/{xml.DAV}write")
    shared = root.find(f"{xml.DAV}lockscope/{xml.DAV}shared")
    if kind is None or (shared is None and root.find(f"{xml.DAV}lockscope/{xml.DAV}exclusive") is None):
        raise BadRequest("Locks are for writing, exclusive or shared.")
    owner = root.find(f"{xml.DAV}owner")
    return shared is not None, "" if owner is None else properties.inner_xml(owner)


def _timeout_s(request: HttpRequest) -> int:
    """The first that it can be of those that are asked for, at most a day."""
    for wish in request.META.get("HTTP_TIMEOUT", "").split(","):
        text = wish.strip().lower()
        if text == "infinite":
            return locks.MOST_S
        seconds = text.removeprefix("second-")
        if text.startswith("second-") and seconds.isascii() and seconds.isdigit():
            return max(1, min(int(seconds[:10]), locks.MOST_S))
    return _USUAL_S


def _answer(taken: DavLock, found: Resource | None, place: Place, status: int) -> HttpResponse:
    shown = properties.shown(taken, found or Resource(place, is_folder=False))
    inner = f"<D:lockdiscovery>{shown}</D:lockdiscovery>"
    text = f'{xml.HEADER}<D:prop xmlns:D="DAV:">{inner}</D:prop>\n'
    return HttpResponse(text, status=status, content_type=xml.CONTENT_TYPE)
