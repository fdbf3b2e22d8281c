"""PROPFIND and PROPPATCH: what a resource says about itself, and what clients let it say.

Live properties are what the store knows. Others are kept with the object, in the domain of this face: as
text behind a ``=``, or as XML. Whole containers, and folders that names imply, keep none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from xml.etree import ElementTree

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import http_date

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Fault, Forbidden
from synnefo.pithos.faces import body, wholes
from synnefo.pithos.faces.webdav import checks, kit, locks, places, resources, room, xml
from synnefo.pithos.faces.webdav.models import DavLock
from synnefo.pithos.faces.webdav.resources import DOMAIN, Resource
from synnefo.pithos.namespace import objects

_MOST_BYTES = 256 * 1024
_OWNCLOUD = "{http://owncloud.org/ns}"
_TYPES = 'xmlns:D="DAV:"'
_AT_ONCE = 200
_BOTH_LOCKS = "".join(
    f"<D:lockentry><D:lockscope><D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"
    for scope in ("exclusive", "shared")
)


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """What is looked up once for a whole answer."""

    names: dict[str, str]
    locks: list[DavLock]
    quota: Callable[[Resource], room.Room | None]

    def locks_on(self, resource: Resource) -> list[DavLock]:
        return [lock for lock in self.locks if locks.holds(lock, resource.place.name)]


Live = Callable[[Resource, Known], str | None]


def _length(resource: Resource, known: Known) -> str | None:
    return None if resource.is_folder or resource.version is None else str(wholes.size_of(resource.version))


def _kind(resource: Resource, known: Known) -> str | None:
    if resource.is_folder or resource.version is None:
        return None
    return xml.text(resource.version.content_type or "application/octet-stream")


def _created(resource: Resource, known: Known) -> str | None:
    if resource.container is None or resource.place.name:
        return None
    return resource.container.created.strftime("%Y-%m-%dT%H:%M:%SZ")


def _checksums(resource: Resource, known: Known) -> str | None:
    if resource.is_folder or resource.version is None or not resource.version.checksum:
        return None
    return f'<checksum xmlns="{_OWNCLOUD[1:-1]}">MD5:{resource.version.checksum}</checksum>'


def _left(resource: Resource, known: Known) -> str | None:
    quota = known.quota(resource) if resource.is_folder else None
    return None if quota is None or quota.left_bytes is None else str(quota.left_bytes)


def _used(resource: Resource, known: Known) -> str | None:
    quota = known.quota(resource) if resource.is_folder else None
    return None if quota is None else str(quota.used_bytes)


_LIVE: dict[str, Live] = {
    "{DAV:}resourcetype": lambda one, _: "<D:collection/>" if one.is_folder else "",
    "{DAV:}displayname": lambda one, known: xml.text(resources.title(one, known.names)),
    "{DAV:}getlastmodified": lambda one, _: http_date(one.modified.timestamp()),
    "{DAV:}creationdate": _created,
    "{DAV:}getcontentlength": _length,
    "{DAV:}getcontenttype": _kind,
    "{DAV:}getetag": lambda one, _: xml.text(one.etag) or None,
    "{DAV:}supportedlock": lambda one, _: _BOTH_LOCKS if one.container else "",
    "{DAV:}lockdiscovery": lambda one, known: "".join(shown(lock, one) for lock in known.locks_on(one)),
}
#: What takes another look, and so comes only if it is asked for by name.
_LIVE_IF_NAMED: dict[str, Live] = {
    "{DAV:}quota-available-bytes": _left,
    "{DAV:}quota-used-bytes": _used,
    f"{_OWNCLOUD}checksums": _checksums,
}
_PROTECTED = {**_LIVE, **_LIVE_IF_NAMED}


@dataclasses.dataclass(frozen=True, slots=True)
class _Asked:
    """Names of properties; all that there are with ``every``, and their names alone with ``bare``."""

    names: tuple[str, ...] = ()
    every: bool = False
    bare: bool = False


def find(request: HttpRequest, caller: Caller, path: str) -> HttpResponse | StreamingHttpResponse:
    """PROPFIND: of a resource and, with ``Depth: 1``, of what is in it."""
    depth = request.META.get("HTTP_DEPTH", "infinity").strip().lower()
    if depth not in ("0", "1"):
        raise Forbidden("Only Depth 0 and 1 are answered.", details=kit.FINITE_DEPTH)
    asked = _asked(body.whole(request, _MOST_BYTES) if body.has_body(request) else b"")
    top = resources.get(caller, places.find(caller, path))
    shown_ones = [top, *(resources.members(caller, top) if depth == "1" and top.is_folder else ())]
    known = _known(caller, top, shown_ones, asked)
    response = StreamingHttpResponse(
        _multistatus(_listed(one, asked, known) for one in shown_ones), status=207,
        content_type=xml.CONTENT_TYPE,
    )  # fmt: skip
    response["Cache-Control"] = "private, no-store"
    return response


def patch(request: HttpRequest, caller: Caller, path: str) -> HttpResponse:
    """PROPPATCH: all of it or nothing; each property is told how it went."""
    place = places.find(caller, path)
    changes = _changes(body.whole(request, _MOST_BYTES))
    found = resources.get(caller, place)
    tokens = checks.check_if(request, caller, place)
    if found.container is not None:
        locks.require(caller, tokens, found.container, place.name)
    refused = {name: 403 for name in changes if name in _PROTECTED}
    if not refused and (found.version is None or found.container is None):
        refused = dict.fromkeys(changes, 403)
    if not refused:
        refused = _kept(caller, found, changes)
    told = {name: refused.get(name, 424 if refused else 200) for name in changes}
    parts = [
        _status([xml.empty(name) for name in told if told[name] == one], one) for one in set(told.values())
    ]
    text = b"".join(_multistatus([_response(found, "".join(parts))]))
    return HttpResponse(text, status=207, content_type=xml.CONTENT_TYPE)


def shown(lock: DavLock, resource: Resource) -> str:
    """A lock as ``lockdiscovery`` has it."""
    scope = "shared" if lock.is_shared else "exclusive"
    left_s = max(0, int((lock.expires - timezone.now()).total_seconds()))
    root = _root_of(lock, resource)
    owner = f"<D:owner>{lock.owner}</D:owner>" if lock.owner else ""
    return (
        f"<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:{scope}/></D:lockscope>"
        f"<D:depth>{'infinity' if lock.is_deep else '0'}</D:depth>{owner}"
        f"<D:timeout>Second-{left_s}</D:timeout><D:locktoken><D:href>{lock.href}</D:href></D:locktoken>"
        f"<D:lockroot><D:href>{xml.text(root)}</D:href></D:lockroot></D:activelock>"
    )


def inner_xml(element: ElementTree.Element) -> str:
    """What an element holds, as XML that stands for itself."""
    text = xml.text(element.text or "")
    return text + "".join(ElementTree.tostring(child, encoding="unicode") for child in element)


def _root_of(lock: DavLock, resource: Resource) -> str:
    """Where the lock itself is: at the resource, or above it."""
    path, name = resource.place.path, resource.place.name
    root = path[: len(path) - len(name) + len(lock.name)].rstrip("/")
    return places.href(root, is_folder=lock.name != name or resource.is_folder)


def _asked(text: bytes) -> _Asked:
    if not text:
        return _Asked(tuple(_LIVE), every=True)
    root = xml.parsed(text, "propfind")
    named = root.find(f"{xml.DAV}prop")
    if named is not None:
        return _Asked(tuple(dict.fromkeys(map(_name, named))))
    if root.find(f"{xml.DAV}propname") is not None:
        return _Asked((*_LIVE, *_LIVE_IF_NAMED), every=True, bare=True)
    if root.find(f"{xml.DAV}allprop") is None:
        raise BadRequest("The body asks for nothing.")
    more = root.find(f"{xml.DAV}include")
    named_too = map(_name, more) if more is not None else ()
    return _Asked(tuple(dict.fromkeys([*_LIVE, *named_too])), every=True)


def _known(caller: Caller, top: Resource, found: list[Resource], asked: _Asked) -> Known:
    wants_locks = top.container is not None and "{DAV:}lockdiscovery" in asked.names and not asked.bare
    held = locks.around(top.container, top.place.name) if wants_locks and top.container else []
    names = resources.names_of_accounts(found) if "{DAV:}displayname" in asked.names else {}
    return Known(names, held, room.Rooms(caller).of)


def _listed(resource: Resource, asked: _Asked, known: Known) -> str:
    there, missing = list[str](), list[str]()
    own = resource.own
    for name in asked.names:
        live = _PROTECTED.get(name)
        if live is None:
            value = _dead(name, own[name]) if name in own else None
        else:
            inner = live(resource, known)
            value = None if inner is None else xml.filled(name, inner)
        if value is not None:
            there.append(xml.empty(name) if asked.bare else value)
        elif not asked.every:
            missing.append(xml.empty(name))
    if asked.every:
        dead = [name for name in own if name.startswith("{") and name not in asked.names]
        there += [xml.empty(name) if asked.bare else _dead(name, own[name]) for name in dead]
    statuses = _status(there, 200) if there or not missing else ""
    return _response(resource, statuses + (_status(missing, 404) if missing else ""))


def _dead(name: str, kept: str) -> str:
    return xml.filled(name, xml.text(kept[1:])) if kept.startswith("=") else kept


_WORDS = {
    200: "OK",
    403: "Forbidden",
    404: "Not Found",
    424: "Failed Dependency",
    507: "Insufficient Storage",
}


def _status(properties: Iterable[str], status: int) -> str:
    return (
        f"<D:propstat><D:prop>{''.join(properties)}</D:prop>"
        f"<D:status>HTTP/1.1 {status} {_WORDS[status]}</D:status></D:propstat>"
    )


def _response(resource: Resource, inner: str) -> str:
    href = places.href(resource.place.path, is_folder=resource.is_folder)
    return f"<D:response><D:href>{xml.text(href)}</D:href>{inner}</D:response>\n"


def _multistatus(responses: Iterable[str]) -> Iterator[bytes]:
    """In pieces of some size."""
    waiting = [f"{xml.HEADER}<D:multistatus {_TYPES}>\n"]
    for response in responses:
        waiting.append(response)
        if len(waiting) >= _AT_ONCE:
            yield "".join(waiting).encode()
            waiting.clear()
    yield "".join([*waiting, "</D:multistatus>\n"]).encode()


def _changes(text: bytes) -> dict[str, str]:
    """Names, with what is kept of their new values; nothing for those that go."""
    found: dict[str, str] = {}
    for action in xml.parsed(text, "propertyupdate"):
        properties = action.find(f"{xml.DAV}prop")
        if action.tag not in (f"{xml.DAV}set", f"{xml.DAV}remove") or properties is None:
            raise BadRequest("The body is no propertyupdate of DAV.")
        for element in properties:
            found[_name(element)] = _value(element) if action.tag == f"{xml.DAV}set" else ""
    return found


def _name(element: ElementTree.Element) -> str:
    """In Clark's notation always, also of those that are in no namespace."""
    return element.tag if element.tag.startswith("{") else f"{{}}{element.tag}"


def _value(element: ElementTree.Element) -> str:
    if len(element) or element.attrib:
        element.tail = None
        return ElementTree.tostring(element, encoding="unicode")
    return f"={element.text or ''}"


def _kept(caller: Caller, found: Resource, changes: dict[str, str]) -> dict[str, int]:
    """Keep them; what is refused, with a status each."""
    try:
        objects.set_attributes(caller, found.place.at(), changes, merge=True, domain=DOMAIN)
    except BadRequest:  # longer, or more, than is kept
        return dict.fromkeys(changes, 507)
    except Fault as fault:
        if fault.status != 403:
            raise
        return dict.fromkeys(changes, 403)
    return {}
