"""If-Match and If-None-Match, and the ETag that they are about."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from synnefo.common.faults import PreconditionFailed
from synnefo.pithos.faces.pithos.kit import NotModified
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.objects import Check


def etag(version: Version) -> str:
    """MD5 where it is known, else the root hash of the blocks; without quotes, as clients compare it."""
    return version.checksum if settings.PITHOS_UPDATE_MD5 and version.checksum else version.hash


def check(request: HttpRequest) -> Check:
    """What rules ask in the moment of a change. The check raises PreconditionFailed."""
    wanted = _tags(request, "HTTP_IF_MATCH")
    unwanted = _tags(request, "HTTP_IF_NONE_MATCH")

    def holds(version: Version | None) -> None:
        if wanted and not _matches(wanted, version):
            raise PreconditionFailed("Resource ETag does not match")
        if unwanted and _matches(unwanted, version):
            raise PreconditionFailed("Resource exists or ETag matches")

    return holds


def check_read(request: HttpRequest, version: Version, tag: str) -> None:
    """The same for what is only read and answered with this ETag. Raises PreconditionFailed, NotModified."""
    wanted = _tags(request, "HTTP_IF_MATCH")
    if wanted and not _matches(wanted, version):
        raise PreconditionFailed("Resource ETag does not match")
    if _matches(_tags(request, "HTTP_IF_NONE_MATCH"), version):
        raise NotModified(tag)


def _tags(request: HttpRequest, name: str) -> set[str]:
    found = {
        tag.strip().removeprefix("W/").strip('"').lower() for tag in request.META.get(name, "").split(",")
    }
    return found - {""}


def _matches(tags: set[str], version: Version | None) -> bool:
    return version is not None and bool(tags & {"*", version.hash, version.checksum})
