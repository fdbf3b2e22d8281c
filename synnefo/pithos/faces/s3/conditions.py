"""Conditions of requests, on what is there and (of copies) on what is copied; the ETags that they name."""

from __future__ import annotations

import datetime
from email.utils import parsedate_to_datetime

from django.conf import settings

from synnefo.common.faults import ItemNotFound
from synnefo.pithos.blocks.hashing import block_count
from synnefo.pithos.faces import wholes
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.namespace.listing import Listed
from synnefo.pithos.namespace.models import Version
from synnefo.pithos.namespace.objects import Check, no_check
from synnefo.pithos.uploads import facts

COPY_SOURCE = "x-amz-copy-source-"


def etag(version: Version | Listed) -> str:
    """The MD5, or that of the parts; while neither is known the root hash and how many blocks it is of.

    What other faces put together says with a number behind it that it is no MD5, as objects in parts do.
    """
    if (kind := wholes.kind_of(version)) is not None:
        return joined_etag(kind.etag(version.attributes))
    known = facts.of(version).get("etag") or version.checksum
    if known:
        return known
    return f"{version.hash}-{block_count(version.size_bytes, settings.PITHOS_BACKEND_BLOCK_SIZE)}"


def joined_etag(tag: str) -> str:
    return f"{tag}-1"


def of_write(asked: Asked) -> Check:
    """What must hold in the moment of a change: If-Match, If-None-Match.

    The check raises S3Error, ItemNotFound.
    """
    wanted, unwanted = _tags(asked.header("if-match")), _tags(asked.header("if-none-match"))
    if not wanted and not unwanted:
        return no_check

    def holds(version: Version | None) -> None:
        if wanted and version is None:
            raise ItemNotFound("Object does not exist")
        if wanted and not _matches(wanted, version):
            raise S3Error("PreconditionFailed", Condition="If-Match")
        if unwanted and _matches(unwanted, version):
            raise S3Error("PreconditionFailed", Condition="If-None-Match")

    return holds


def check_read(asked: Asked, version: Version) -> None:
    """Raises S3Error (NotModified, PreconditionFailed)."""
    _check(asked, version, "", "NotModified")


def check_source(asked: Asked, version: Version) -> None:
    """The same for what is copied. Raises S3Error (PreconditionFailed)."""
    _check(asked, version, COPY_SOURCE, "PreconditionFailed")


def _check(asked: Asked, version: Version, prefix: str, unchanged: str) -> None:
    wanted, unwanted = _tags(asked.header(f"{prefix}if-match")), _tags(asked.header(f"{prefix}if-none-match"))
    changed = version.modified.replace(microsecond=0)
    if wanted and not _matches(wanted, version):
        raise S3Error("PreconditionFailed", Condition="If-Match")
    border = _date(asked.header(f"{prefix}if-unmodified-since"))
    if not wanted and border is not None and changed > border:
        raise S3Error("PreconditionFailed", Condition="If-Unmodified-Since")
    headers = {"ETag": f'"{etag(version)}"'}
    if unwanted and _matches(unwanted, version):
        raise S3Error(unchanged, Condition="If-None-Match", headers=headers)
    since = _date(asked.header(f"{prefix}if-modified-since"))
    if not unwanted and since is not None and changed <= since:
        raise S3Error(unchanged, Condition="If-Modified-Since", headers=headers)


def _tags(text: str) -> set[str]:
    return {tag.strip().removeprefix("W/").strip('"') for tag in text.split(",")} - {""}


def _matches(tags: set[str], version: Version | None) -> bool:
    return version is not None and bool(tags & {"*", etag(version)})


def _date(text: str) -> datetime.datetime | None:
    try:
        found = parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError, OverflowError):
        return None
    return found.replace(tzinfo=datetime.UTC) if found is not None and found.tzinfo is None else found
