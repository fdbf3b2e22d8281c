"""Limits as they follow from projects against limits that holdings have: compared, and mended."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from django.db.models import CharField, Q, Value
from django.db.models.functions import Concat

from synnefo.astakos.projects.holdings import derived
from synnefo.astakos.projects.models import Project
from synnefo.astakos.quotas import rules
from synnefo.astakos.quotas.keys import Key, key_of
from synnefo.astakos.quotas.models import Holding
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller

_BATCH = 200


@dataclasses.dataclass(frozen=True)
class Difference:
    """A holding that has another limit than follows. None: it is missing, or follows from nothing."""

    key: Key
    derived: int | None
    held: int | None


def differences(user: str | None = None) -> Iterator[Difference]:
    """All of them, or those of one user's shares and of his system project; project by project."""
    known = Project.objects.filter(state__in=Project.INITIALIZED)
    if user is not None:
        known = known.filter(Q(memberships__person__uuid=user) | Q(uuid=user)).distinct()
    uuids = list(known.order_by("pk").values_list("uuid", flat=True))
    for start in range(0, len(uuids), _BATCH):
        for found in _of_projects(uuids[start : start + _BATCH]):
            if user is None or found.key[0] in (f"user:{user}", f"project:{user}"):
                yield found
    if user is None:
        yield from (Difference(key_of(row), None, row.limit) for row in _of_no_project())


def mend(caller: Caller, found: Iterable[Difference], *, remove_unexpected: bool = False) -> int:
    """Give holdings the limits that follow; what follows from nothing is removed only if that is asked for.

    Returns how many holdings were changed. What a commission waits for stays.
    """
    rows = list(found)
    limits = {one.key: one.derived for one in rows if one.derived is not None}
    for start in range(0, len(limits), _BATCH):
        keys = list(limits)[start : start + _BATCH]
        rules.set_limits({key: limits[key] for key in keys})
    removed = rules.remove([one.key for one in rows if one.derived is None]) if remove_unexpected else 0
    if limits or removed:
        audit.record(caller, "quota.mend", "cloud", "", limits=len(limits), removed=removed)
    return len(limits) + removed


def _of_projects(uuids: list[str]) -> Iterator[Difference]:
    pools = [f"project:{uuid}" for uuid in uuids]
    rows = Holding.rows.filter(Q(holder__in=pools, source="") | Q(source__in=pools))
    held = {key_of(row): row.limit for row in rows}
    wanted = derived(uuids)
    for key in sorted(wanted.keys() | held.keys()):
        if wanted.get(key) != held.get(key):
            yield Difference(key, wanted.get(key), held.get(key))


def _of_no_project() -> Iterable[Holding]:
    known = Project.objects.filter(state__in=Project.INITIALIZED).annotate(
        holder=Concat(Value("project:"), "uuid", output_field=CharField())
    )
    pools = known.values("holder")
    rows = Holding.rows.exclude(source__in=pools).exclude(source="", holder__in=pools)
    return rows.order_by("holder", "source", "resource")
