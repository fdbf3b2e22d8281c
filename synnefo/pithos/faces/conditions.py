"""Conditions of requests: on the ETag (If-Match, If-None-Match) and on dates (If-Modified-Since, ...)."""

from __future__ import annotations

import datetime
from email.utils import parsedate_to_datetime

from django.conf import settings
from django.http import HttpRequest

from synnefo.common.faults import PreconditionFailed
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.objects import Check


class NotModified(Exception):
    """The client has what it asks for."""

    def __init__(self, etag: str = "") -> None:
        super().__init__(etag)
        self.etag = etag


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


def check_dates(request: HttpRequest, modified: datetime.datetime) -> None:
    """If-Modified-Since and If-Unmodified-Since. Raises NotModified, PreconditionFailed."""
    since = _date(request.META.get("HTTP_IF_MODIFIED_SINCE", ""))
    if since is not None and int(modified.timestamp()) <= since:
        raise NotModified
    border = _date(request.META.get("HTTP_IF_UNMODIFIED_SINCE", ""))
    if border is not None and int(modified.timestamp()) > border:
        raise PreconditionFailed("Resource has been modified")


def _tags(request: HttpRequest, name: str) -> set[str]:
    found = {
        tag.strip().removeprefix("W/").strip('"').lower() for tag in request.META.get(name, "").split(",")
    }
    return found - {""}


def _matches(tags: set[str], version: Version | None) -> bool:
    return version is not None and bool(tags & {"*", version.hash, version.checksum})


def _date(text: str) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp()) if text else None
    except (ValueError, TypeError, OverflowError):
        return None
