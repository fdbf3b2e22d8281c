"""Conditions of requests: on the ETag (If-Match, If-None-Match) and on dates (If-Modified-Since, ...)."""

from __future__ import annotations

import datetime

from django.conf import settings
from django.http import HttpRequest
from django.utils.http import parse_http_date_safe

from synnefo.common.faults import PreconditionFailed
from synnefo.pithos.blocks.hashing import block_count
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.objects import Check


class NotModified(Exception):
    """The client has what it asks for."""

    def __init__(self, etag: str = "") -> None:
        super().__init__(etag)
        self.etag = etag


def etag(version: Version) -> str:
    """The MD5 of the content; without quotes, as clients compare it.

    While that is not known, the root hash of the blocks and how many they are, so that nobody takes it for
    an MD5. Where settings say so the root hash alone, always.
    """
    if not settings.PITHOS_UPDATE_MD5:
        return version.hash
    return version.checksum or _unknown_md5(version)


def _unknown_md5(version: Version) -> str:
    return f"{version.hash}-{block_count(version.size_bytes, settings.PITHOS_BACKEND_BLOCK_SIZE)}"


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
    if wanted and tag not in wanted and not _matches(wanted, version):
        raise PreconditionFailed("Resource ETag does not match")
    unwanted = _tags(request, "HTTP_IF_NONE_MATCH")
    if tag in unwanted or _matches(unwanted, version):
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
    """By any of its tags: clients may remember the one that it had before its MD5 was known."""
    if version is None:
        return False
    return bool(tags & {"*", version.hash, version.checksum, _unknown_md5(version)})


def _date(text: str) -> int | None:
    """Seconds since the epoch, from any of the three forms of HTTP; None for anything else."""
    return parse_http_date_safe(text) if text else None
