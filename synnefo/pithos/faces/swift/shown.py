"""What stands for an object when it is read: links are followed, large objects put together."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Mapping
from urllib.parse import quote

from django.http import HttpRequest

from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, ItemNotFound, Unauthorized
from synnefo.pithos.blocks.content import Content
from synnefo.pithos.faces.joined import Joined, Piece
from synnefo.pithos.faces.ranges import Span
from synnefo.pithos.faces.streams import Sendable
from synnefo.pithos.faces.swift import kit, links, metadata, slo, versions
from synnefo.pithos.faces.swift.following import etag, followed
from synnefo.pithos.namespace import access, manifests, objects
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.manifests import MANIFEST
from synnefo.pithos.namespace.models import SWIFT, Version
from synnefo.pithos.namespace.names import Path

_JSON = "application/json; charset=utf-8"


@dataclasses.dataclass(frozen=True)
class Shown:
    """A version where it was found, what is sent for it, and what its answer says beside.

    ``part`` is that of a large object which was asked for by its number.
    """

    path: Path
    version: Version
    content: Sendable
    etag: str
    content_type: str
    more: Mapping[str, str] = dataclasses.field(default_factory=dict)
    part: Span | None = None

    @property
    def size_bytes(self) -> int:
        return self.content.size_bytes

    @property
    def is_own(self) -> bool:
        """Whether what is sent is what the object holds, as it is."""
        return isinstance(self.content, Content) and self.content.packed == self.version.content.packed

    @property
    def sent_etag(self) -> str:
        """Where it is not the MD5 of what is sent, it is put in quotes."""
        return f'"{self.etag}"' if isinstance(self.content, Joined) else self.etag


def of_request(request: HttpRequest, caller: Caller, path: Path) -> Shown:
    """What a request asks for. Raises Forbidden, ItemNotFound, Conflict and what ``followed`` raises."""
    version = None
    if "version-id" in request.GET:
        version = versions.get(caller, path, kit.parameter(request, "version-id"))
    if request.GET.get("symlink") == "get":
        version = version or objects.get(caller, path)
        link = links.of(version.attributes, path.account)
        if link is not None:
            more = link.headers() | versions.headers(path, version)
            return Shown(path, version, version.content, etag(version), _type_of(version), more)
    only = kit.container_of_signature(request) or None
    path, version, location = followed(caller, path, version, within=only or "")
    more = versions.headers(path, version)
    if location:
        more["Content-Location"] = location
    return _put_together(request, caller, Shown(path, version, version.content, "", _type_of(version), more))


def as_it_is(path: Path, version: Version) -> Shown | None:
    """A version that leads nowhere and stands for nothing but what it holds; None for all others."""
    attributes = version.attributes
    if SWIFT in attributes or MANIFEST in version.own_attributes or version.is_snapshot:
        return None
    if not version.checksum:
        return None
    more = versions.headers(path, version)
    return Shown(path, version, version.content, version.checksum, _type_of(version), more)


def _type_of(version: Version) -> str:
    return metadata.sendable(version.content_type) or kit.OCTETS


def _put_together(request: HttpRequest, caller: Caller, plain: Shown) -> Shown:
    version, as_it_is = plain.version, request.GET.get("multipart-manifest") == "get"
    if slo.is_one(version.attributes):
        found = _manifest(request, plain) if as_it_is else _static(request, caller, plain)
        return dataclasses.replace(found, more={**found.more, "X-Static-Large-Object": "True"})
    if manifest := version.own_attributes.get(MANIFEST, ""):
        plain = dataclasses.replace(plain, more={**plain.more, MANIFEST: quote(manifest)})
        if not as_it_is:
            return _dynamic(request, caller, plain, manifest)
    return dataclasses.replace(plain, etag=etag(version))


def _static(request: HttpRequest, caller: Caller, plain: Shown) -> Shown:
    version, more, part = plain.version, {**plain.more, "X-Manifest-Etag": etag(plain.version)}, None
    if only := kit.container_of_signature(request):
        places = slo.paths(plain.path.account, slo.segments_of(version))
        if any(place.container != only for place in places):
            raise Conflict("A segment is outside what is signed.")
    if "part-number" in request.GET:
        part, count = slo.part_of(request, version)
        more["X-Parts-Count"] = str(count)
    content = slo.joined(caller, plain.path.account, version)
    return dataclasses.replace(
        plain, content=content, etag=slo.etag_of(version.attributes), more=more, part=part
    )


def _dynamic(request: HttpRequest, caller: Caller, plain: Shown, manifest: str) -> Shown:
    only, place = kit.container_of_signature(request), manifest.partition("/")[0]
    if only and place != only:
        raise Unauthorized("The segments are outside what is signed.")
    with contextlib.suppress(ItemNotFound):
        access.container(caller, plain.path.account, place, Right.LIST)
    parts = manifests.parts(caller, plain.path.account, manifest)
    tags = "".join(one.md5 or one.hash for one in parts)
    digest = hashlib.md5(tags.encode(), usedforsecurity=False).hexdigest()
    content = Joined([Piece(one.version, 0, one.size_bytes) for one in parts])
    return dataclasses.replace(plain, content=content, etag=digest)


def _manifest(request: HttpRequest, plain: Shown) -> Shown:
    if request.GET.get("format") != "raw":
        return dataclasses.replace(plain, content_type=_JSON, etag=etag(plain.version))
    text = slo.raw(plain.version)
    md5 = hashlib.md5(text, usedforsecurity=False).hexdigest()
    return dataclasses.replace(plain, content=Content(b"", len(text), md5, text), etag=md5)
