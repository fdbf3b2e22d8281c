"""Which bucket and key a request is about: by its path, or by its host's name.

``/<bucket>/<key>`` is a bucket of who signed, ``/<account>/<bucket>/<key>`` one of any account. A host below
a domain of ours (``PITHOS_S3_DOMAINS``) says the first: ``<bucket>.<domain>``, ``<account>.<domain>`` or
``<bucket>.<account>.<domain>``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from django.conf import settings
from django.db.models import QuerySet

from synnefo.common.prepared import Prepared
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.namespace.models import Account

_ACCOUNT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
MOST_KEY_BYTES = 1024


class Place(NamedTuple):
    """What is not said is empty."""

    account: str = ""
    bucket: str = ""
    key: str = ""


def of(host: str, path: str) -> Place:
    """What a host (with its port) and a decoded path say. Raises S3Error for a key that is none."""
    bucket, account = _of_host(host)
    rest = path.removeprefix("/")
    if not account:
        account, rest = _of_account(rest, bucket)
    if not bucket:
        bucket, _, rest = rest.partition("/")
    if len(rest.encode()) > MOST_KEY_BYTES:
        raise S3Error("KeyTooLongError", Size=str(len(rest.encode())), MaxSizeAllowed=str(MOST_KEY_BYTES))
    if "\x00" in bucket or "\x00" in rest:
        raise S3Error("InvalidURI")
    return Place(account, bucket, rest)


def can_be_bucket(name: str) -> bool:
    """Whether S3 lets a bucket be called so."""
    taken = name.startswith(("xn--", "sthree-")) or name.endswith(("-s3alias", "--ol-s3"))
    return bool(_BUCKET.fullmatch(name)) and not (taken or ".." in name or _ADDRESS.fullmatch(name))


def _of_host(host: str) -> tuple[str, str]:
    """Bucket and account in front of a domain of ours."""
    name = host.lower().rpartition(":")[0] if re.search(r":\d+$", host) else host.lower()
    for domain in settings.PITHOS_S3_DOMAINS:
        if name.endswith(f".{domain.lower()}"):
            front = name[: -len(domain) - 1]
            bucket, _, last = front.rpartition(".")
            return (bucket, last) if _ACCOUNT.fullmatch(last) else (front, "")
    return "", ""


def _of_account(path: str, bucket: str) -> tuple[str, str]:
    """The account that a path begins with, and the rest. A bucket may look like one, but for its name."""
    first, _, rest = path.partition("/")
    if bucket or not _ACCOUNT.fullmatch(first) or not _named(first):
        return "", path
    return first, rest


def _accounts_named(name: str) -> QuerySet[Account, tuple[int]]:
    return Account.objects.filter(name=name).values_list("pk")


_named = Prepared(_accounts_named, "name")
