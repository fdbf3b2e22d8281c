"""Going along links to what they lead to, as far as who asks may go."""

from __future__ import annotations

from django.conf import settings

from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, Fault
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.blocks.content import md5_of
from synnefo.pithos.faces.swift import links
from synnefo.pithos.namespace import objects
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.names import Path


class LinkBroken(Conflict):
    """A static link leads to what is not what it says, at ``location``."""

    def __init__(self, message: str, location: str = "") -> None:
        super().__init__(message)
        self.location = location


class Elsewhere(Exception):
    """What a link leads to, at ``location``, cannot be read: ``fault`` tells why."""

    def __init__(self, fault: Fault, location: str) -> None:
        super().__init__()
        self.fault, self.location = fault, location


def etag(version: Version) -> str:
    """The MD5 of the content; where nobody took it yet it is taken now, and kept."""
    if not version.checksum:
        content = version.content
        objects.note_checksum(version, md5_of(blocks(), content, settings.PITHOS_BACKEND_BLOCK_SIZE))
    return version.checksum


def followed(
    caller: Caller, path: Path, version: Version | None = None, *, within: str = "", static_only: bool = False
) -> tuple[Path, Version, str]:
    """What is at the end of links, and the location that the last of them says (empty: there was none).

    With ``within`` they must not lead out of that container, nor out of the account. Raises Forbidden,
    ItemNotFound, Elsewhere, LinkBroken, Conflict (a circle).
    """
    expected = location = ""
    for _ in range(links.MOST_HOPS + 1):
        try:
            version = version or objects.get(caller, path)
        except Fault as fault:
            if location:
                raise Elsewhere(fault, location) from None
            raise
        link = links.of(version.attributes, path.account)
        found = link.etag if link is not None and link.etag else etag(version)
        if expected and expected != found:
            words = f"Object Etag {found!r} does not match X-Symlink-Target-Etag header {expected!r}"
            raise LinkBroken(words, location)
        if link is None or (static_only and not link.etag):
            return path, version, location
        if within and (link.target.account, link.target.container) != (path.account, within):
            raise Conflict("The link leads out of what is signed.")
        expected, path, version, location = link.etag, link.target, None, link.location
    raise Conflict(f"Too many levels of symbolic links, maximum allowed is {links.MOST_HOPS}")
