"""The two-phase commissions of the quotaholder, and limits.

Every function is one transaction. Holdings are locked in the order of their primary key, commissions
before holdings, so that concurrent calls queue and never deadlock. Whoever has locked holdings has taken in
what was appended to them (``deltas``); whoever may use up a limit is alone with them.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Collection, Iterable, Mapping

from django.db.models import Q, QuerySet
from django.utils import timezone

from synnefo.astakos.quotas import models
from synnefo.astakos.quotas.arithmetic import Level, NoCapacity, OutOfRange
from synnefo.astakos.quotas.deltas import save_usage, take_in
from synnefo.astakos.quotas.keys import Key as Key
from synnefo.astakos.quotas.keys import any_of, buckets, key_of, merged
from synnefo.astakos.quotas.models import Commission, Holding
from synnefo.common import locks
from synnefo.common.accounts import Provision
from synnefo.common.faults import ItemNotFound, OverLimit
from synnefo.common.transactions import atomic

_KEYS_PER_QUERY = 100
_ROWS_PER_QUERY = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Resolution:
    """What became of the serials of one call; ``missing`` are unknown or settled already."""

    accepted: list[int]
    rejected: list[int]
    missing: list[int]


def issue(
    provisions: Iterable[Provision],
    *,
    client: str,
    name: str = "",
    force: bool = False,
    auto_accept: bool = False,
) -> int:
    """Reserve all provisions or none; returns the commission's serial.

    Equal keys are summed. Raises OverLimit or ItemNotFound with the refusing provision in ``data``.
    """
    wanted = merged(provisions)
    with atomic():
        holdings = _held_alone(wanted)
        for key, quantity in wanted.items():
            if key not in holdings:
                raise _no_holding(key, quantity)
            _issue_one(holdings[key], quantity, force)
        commission = Commission.objects.create(client=client, name=name, issued=timezone.now())
        models.Provision.objects.bulk_create(
            models.Provision(
                commission=commission, holder=key[0], source=key[1], resource=key[2], quantity=quantity
            )
            for key, quantity in wanted.items()
        )
        save_usage(holdings.values())
        if auto_accept:
            resolve([commission.serial], [], client=client)
    return commission.serial


def resolve(accept: Iterable[int], reject: Iterable[int], *, client: str) -> Resolution:
    """Settle pending commissions of a client; a serial named twice is accepted."""
    verdicts = dict.fromkeys(reject, False) | dict.fromkeys(accept, True)
    if not verdicts:
        return Resolution([], [], [])
    with atomic():
        rows = (
            Commission.objects.filter(client=client, serial__in=verdicts)
            .order_by("serial")
            .select_for_update()
        )
        commissions = {row.serial: row for row in rows}
        if commissions:
            _settle(commissions, verdicts)
    return Resolution(
        accepted=[serial for serial in commissions if verdicts[serial]],
        rejected=[serial for serial in commissions if not verdicts[serial]],
        missing=[serial for serial in verdicts if serial not in commissions],
    )


def pending(client: str, *, issued_before: datetime.datetime | None = None) -> list[int]:
    """Serials of a client that wait for a decision, oldest first."""
    rows = Commission.objects.filter(client=client)
    if issued_before is not None:
        rows = rows.filter(issued__lt=issued_before)
    return list(rows.order_by("serial").values_list("serial", flat=True))


def hand_over(client: str, to: str) -> int:
    """Make pending commissions of one client another one's; how many."""
    return Commission.objects.filter(client=client).update(client=to)


def set_limits(limits: Mapping[Key, int]) -> None:
    """Make holdings have these limits; missing ones are made, usage stays, others are left alone."""
    with atomic():
        held = _held_alone(limits)
        changed = [row for key, row in held.items() if row.limit != limits[key]]
        for row in changed:
            row.limit = limits[key_of(row)]
        made = [
            Holding(holder=key[0], source=key[1], resource=key[2], limit=limit)
            for key, limit in limits.items()
            if key not in held
        ]
        # The same statement for both: a row that somebody else makes meanwhile only gets its limit.
        Holding.objects.bulk_create(
            sorted(changed + made, key=key_of),
            batch_size=_ROWS_PER_QUERY,
            update_conflicts=True,
            unique_fields=("holder", "source", "resource"),
            update_fields=("limit",),
        )


def remove(keys: Collection[Key]) -> int:
    """Remove holdings with their usage, but for those that commissions wait for; returns how many."""
    with atomic():
        held = _held_alone(keys)
        waiting = {key_of(row) for row in models.Provision.objects.all()}
        gone = [row.pk for key, row in held.items() if key not in waiting]
        for start in range(0, len(gone), _ROWS_PER_QUERY):
            Holding.rows.filter(pk__in=gone[start : start + _ROWS_PER_QUERY]).delete()
    return len(gone)


def holdings_of(
    *, holders: Iterable[str] | None = None, resources: Iterable[str] | None = None
) -> QuerySet[Holding]:
    """Holdings, narrowed where something is given."""
    rows = Holding.objects.all()
    if holders is not None:
        rows = rows.filter(holder__in=list(holders))
    if resources is not None:
        rows = rows.filter(resource__in=list(resources))
    return rows


def _held_alone(keys: Collection[Key]) -> dict[Key, Holding]:
    """The holdings with all that was appended to them; nobody appends until the transaction ends."""
    locks.take(locks.Kind.USAGE, buckets(keys))
    held = _locked(keys)
    rows = list(held.values())
    for start in range(0, len(rows), _ROWS_PER_QUERY):
        take_in(rows[start : start + _ROWS_PER_QUERY])
    return held


def _locked(keys: Collection[Key]) -> dict[Key, Holding]:
    """The holdings of the keys, locked in primary-key order."""
    found: dict[Key, Holding] = {}
    for batch in _batches(keys):
        rows = list(Holding.rows.filter(batch).order_by("pk").select_for_update())
        found |= {key_of(row): row for row in rows}
    return found


def _batches(keys: Collection[Key]) -> list[Q]:
    if len(keys) <= _KEYS_PER_QUERY:
        return [any_of(keys)] if keys else []
    # Several statements cannot lock in one order: find the rows first.
    ordered, numbers = sorted(keys), list[int]()
    for start in range(0, len(ordered), _KEYS_PER_QUERY):
        batch = Holding.rows.filter(any_of(ordered[start : start + _KEYS_PER_QUERY]))
        numbers += batch.values_list("pk", flat=True)
    numbers.sort()
    return [Q(pk__in=numbers[start : start + 500]) for start in range(0, len(numbers), 500)]


def _issue_one(row: Holding, quantity: int, force: bool) -> None:
    try:
        level = Level(row.limit, row.folded_min, row.folded_max).issued(quantity, force=force)
    except OutOfRange as refusal:
        raise _over_limit(row, quantity, refusal) from refusal
    row.folded_min, row.folded_max = level.usage_min, level.usage_max


def _settle(commissions: Mapping[int, Commission], verdicts: Mapping[int, bool]) -> None:
    provisions = list(models.Provision.objects.filter(commission__in=commissions).order_by("pk"))
    holdings = _locked({key_of(provision) for provision in provisions})
    settled = timezone.now()
    logs = []
    for provision in provisions:
        commission = commissions[provision.commission_id]
        accepted = verdicts[commission.serial]
        row = holdings[key_of(provision)]
        level = Level(row.limit, row.folded_min, row.folded_max).settled(provision.quantity, accept=accepted)
        row.folded_min, row.folded_max = level.usage_min, level.usage_max
        logs.append(_log_entry(commission, provision, level, accepted, settled))
    models.ProvisionLog.objects.bulk_create(logs, batch_size=_ROWS_PER_QUERY)
    save_usage(holdings.values())
    models.Provision.objects.filter(commission__in=commissions).delete()
    Commission.objects.filter(serial__in=commissions).delete()


def _log_entry(
    commission: Commission,
    provision: models.Provision,
    level: Level,
    accepted: bool,
    settled: datetime.datetime,
) -> models.ProvisionLog:
    return models.ProvisionLog(
        serial=commission.serial,
        name=commission.name,
        client=commission.client,
        holder=provision.holder,
        source=provision.source,
        resource=provision.resource,
        quantity=provision.quantity,
        accepted=accepted,
        limit=level.limit,
        usage_min=level.usage_min,
        usage_max=level.usage_max,
        issued=commission.issued,
        settled=settled,
    )


def _provision_data(key: Key, quantity: int) -> dict[str, object]:
    return {"holder": key[0], "source": key[1] or None, "resource": key[2], "quantity": quantity}


def _over_limit(row: Holding, quantity: int, refusal: OutOfRange) -> OverLimit:
    over = isinstance(refusal, NoCapacity)
    what = "There is not enough of" if over else "There is not that much to give back of"
    return OverLimit(
        f"{what} {row.resource} for {row.holder}: "
        f"limit {refusal.limit}, usage {refusal.usage}, asked for {quantity}.",
        data={
            "name": "NoCapacityError" if over else "NoQuantityError",
            "provision": _provision_data(key_of(row), quantity),
            "limit": refusal.limit,
            "usage": refusal.usage,
        },
    )


def _no_holding(key: Key, quantity: int) -> ItemNotFound:
    return ItemNotFound(
        f"There is no such holding: {key[2]} of {key[0]} from {key[1] or 'nowhere'}.",
        data={"name": "NoHoldingError", "provision": _provision_data(key, quantity)},
    )
