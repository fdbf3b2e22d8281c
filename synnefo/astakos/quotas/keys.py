"""What names a holding, and what a list of provisions wants of each."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Protocol

from django.db.models import Q

from synnefo.common.accounts import Provision

Key = tuple[str, str, str]  # holder, source (empty: none), resource

#: Locks for all holdings together. A transaction that needs very many of them needs no more than these.
_BUCKETS = 512


class Keyed(Protocol):
    holder: str
    source: str
    resource: str


def key_of(row: Keyed) -> Key:
    return row.holder, row.source, row.resource


def merged(provisions: Iterable[Provision]) -> dict[Key, int]:
    """Equal keys are summed."""
    wanted: dict[Key, int] = {}
    for provision in provisions:
        key = (provision.holder, provision.source or "", provision.resource)
        wanted[key] = wanted.get(key, 0) + provision.quantity
    return wanted


def any_of(keys: Iterable[Key]) -> Q:
    by_pair: dict[tuple[str, str], list[str]] = {}
    for holder, source, resource in keys:
        by_pair.setdefault((holder, source), []).append(resource)
    wanted = Q()
    for (holder, source), resources in by_pair.items():
        wanted |= Q(holder=holder, source=source, resource__in=resources)
    return wanted


def buckets(keys: Iterable[Key]) -> set[int]:
    """The locks (``locks.Kind.USAGE``) of these holdings; different ones may share a lock."""
    return {zlib.crc32("\n".join(key).encode()) % _BUCKETS for key in keys}
