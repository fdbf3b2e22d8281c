"""Copies: ``COPY`` with ``Destination``, and ``PUT`` with ``X-Copy-From``.

What is copied is what a reader would get: large objects become whole ones, links what they lead to, unless
the manifest or the link itself is asked for.
"""

from __future__ import annotations

from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden, PreconditionFailed, UnprocessableEntity
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import keep, read
from synnefo.pithos.faces import body, conditions, ranges
from synnefo.pithos.faces.joined import Joined
from synnefo.pithos.faces.swift import (
    expiry,
    kit,
    links,
    metadata,
    quotas,
    shown,
    slo,
    stacks,
    unsupported,
    versions,
)
from synnefo.pithos.faces.swift.shown import Shown
from synnefo.pithos.namespace import numbered, objects
from synnefo.pithos.namespace.manifests import MANIFEST
from synnefo.pithos.namespace.models import SWIFT, Version
from synnefo.pithos.namespace.names import Path, merged
from synnefo.pithos.namespace.objects import Check, Overrides, Seen, Source


def there(request: HttpRequest, account: str, container: str, name: str) -> HttpResponse:
    """COPY: to ``Destination``."""
    caller, origin = kit.caller(request), Path(account, container, name)
    unsupported.in_object(request)
    target = _location(request, account, "Destination")
    return _copied(request, caller, origin, target, objects.no_check, conditions.check(request))


def here(request: HttpRequest, caller: Caller, target: Path) -> HttpResponse:
    """PUT: from ``X-Copy-From``."""
    origin = _location(request, target.account, "X-Copy-From")
    if body.has_body(request):
        raise BadRequest("Copy requests require a zero byte body")
    return _copied(request, caller, origin, target, conditions.check(request), objects.no_check)


def _copied(
    request: HttpRequest, caller: Caller, origin: Path, target: Path, check: Check, check_source: Check
) -> HttpResponse:
    found = shown.of_request(request, caller, origin)
    check_source(found.version)
    seen = objects.look(caller, target, check)
    expected = request.META.get("HTTP_ETAG", "").strip().strip('"').lower()
    if expected and expected != found.etag:
        raise UnprocessableEntity("The content does not have the ETag that the request says.")
    quotas.check(seen.container, seen.version, found.size_bytes)
    if found.is_own and slo.is_one(found.version.attributes):
        slo.check_again(caller, target.account, found.version)
    stacks.put_by(caller, seen.container, target, seen.version)
    as_it_is = found.is_own and "HTTP_RANGE" not in request.META
    if as_it_is and (link := links.turned(request, found.version.attributes, origin.account)) is not None:
        made = _anew(request, caller, found, seen, target, link.kept())
    elif as_it_is:
        made = _same(request, caller, found, target, check)
    else:
        made = _anew(request, caller, found, seen, target)
    numbered.forget_replaced(seen.container, target.name)
    return _told(origin, seen, found, made)


def _same(request: HttpRequest, caller: Caller, found: Shown, target: Path, check: Check) -> Version:
    """The object as it is, without touching its content."""
    overrides = _overrides(request)
    source = Source(found.path, found.version.pk)
    return objects.copy(caller, source, target, overrides, check=check)


def _anew(
    request: HttpRequest, caller: Caller, found: Shown, seen: Seen, target: Path,
    kept: dict[str, str] | None = None,
) -> Version:  # fmt: skip
    """A new object of what a reader would get; ``kept`` is what it is besides its content."""
    header = request.META.get("HTTP_RANGE", "")
    spans = ranges.satisfiable(header, found.size_bytes) if header else None
    start, stop = found.part or (spans[0] if spans else (0, found.size_bytes))
    size = settings.PITHOS_BACKEND_BLOCK_SIZE
    if isinstance(found.content, Joined):
        pieces = found.content.pieces(start, stop)
    else:
        pieces = read(blocks(), found.content, size, start, stop)
    overrides, old = _overrides(request), found.version.own_attributes
    own = {} if overrides.fresh else {name: value for name, value in old.items() if name != MANIFEST}
    return objects.write(
        caller, target, keep(blocks(), pieces, size), attributes=merged(own, overrides.attributes),
        content_type=overrides.content_type or found.version.content_type, seen=seen,
        expires=overrides.expires or (None if overrides.fresh else found.version.expires),
        more={SWIFT: kept or {}},
    )  # fmt: skip


def _overrides(request: HttpRequest) -> Overrides:
    fresh = kit.is_true(request.META.get("HTTP_X_FRESH_METADATA", ""))
    attributes, kind = metadata.of_object(request), kit.given_type(request)
    return Overrides(attributes, kind, fresh, expiry.asked(request))


def _told(origin: Path, seen: Seen, found: Shown, made: Version) -> HttpResponse:
    response = kit.empty(201)
    response["ETag"] = made.checksum
    response["Last-Modified"] = kit.last_modified(made.modified)
    metadata.put_object(response, made.own_attributes)
    expiry.put(response, made)
    response["X-Copied-From"] = quote(f"{origin.container}/{origin.name}")
    response["X-Copied-From-Account"] = kit.PREFIX + origin.account
    response["X-Copied-From-Last-Modified"] = kit.last_modified(found.version.modified)
    versions.tell(response, seen.container, made)
    return response


def _location(request: HttpRequest, account: str, header: str) -> Path:
    """Where a header points to: ``<container>/<object>``, percent-encoded. Raises PreconditionFailed."""
    key = header.upper().replace("-", "_")
    text = links.decoded(request.META.get(f"HTTP_{key}", ""))
    container, _, name = text.removeprefix("/").partition("/")
    if not container or not name:
        raise PreconditionFailed(f"{header} header must be of the form <container name>/<object name>")
    other = links.decoded(request.META.get(f"HTTP_{key}_ACCOUNT", ""))
    if "/" in other:
        raise PreconditionFailed("Account name cannot contain slashes")
    if other and not other.startswith(kit.PREFIX):
        raise Forbidden("Access was denied to this resource.")
    return Path(other.removeprefix(kit.PREFIX) or account, container, name)
