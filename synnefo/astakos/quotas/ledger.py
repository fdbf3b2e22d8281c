"""The ledger of usage: what was taken and given back, when, of which limit. Read here; ``rules`` and
``deltas`` append to it.

An event of a share names its user and the project; one of a pool names the project alone. A user's
allocation in a project is in both, so shares and pools are never listed together. Pending amounts are
no events; what the events of a holding add up to is its usage without them.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime
import io
import json
from collections.abc import Iterable, Iterator

from django.db import connection
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from synnefo.astakos.quotas import clients
from synnefo.astakos.quotas.keys import Key, key_of
from synnefo.astakos.quotas.models import Holding, Provision, ProvisionLog
from synnefo.common.faults import BadRequest
from synnefo.common.transactions import atomic

FORMATS = ("csv", "json")
OPENING = "opening balance"
_BATCH = 2000
#: ``differences``, written down.
_OPEN = """
INSERT INTO astakos_provisionlog
    (holder, source, resource, quantity, name, client, accepted, "limit", usage_min, usage_max, issued,
     settled)
SELECT h.holder, h.source, h.resource, h.usage_min - COALESCE(leaving.total, 0) - COALESCE(noted.total, 0),
    %s, '', true, h."limit", h.usage_min, h.usage_max, %s, %s
FROM astakos_holding h
LEFT JOIN (
    SELECT holder, source, resource, SUM(quantity) AS total FROM astakos_provisionlog
    WHERE accepted GROUP BY holder, source, resource
) noted ON noted.holder = h.holder AND noted.source = h.source AND noted.resource = h.resource
LEFT JOIN (
    SELECT holder, source, resource, SUM(quantity) AS total FROM astakos_provision
    WHERE quantity < 0 GROUP BY holder, source, resource
) leaving ON leaving.holder = h.holder AND leaving.source = h.source AND leaving.resource = h.resource
WHERE h.usage_min - COALESCE(leaving.total, 0) - COALESCE(noted.total, 0) <> 0
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """A line of the ledger. ``user`` is empty for a pool. ``usage`` counts what was pending besides.

    ``serial`` is None for many small amounts that were counted together.
    """

    at: str
    user: str
    project: str
    resource: str
    quantity: int
    usage: int
    limit: int
    serial: int | None
    name: str
    service: str


FIELDS = tuple(field.name for field in dataclasses.fields(Event))


def of_user(user: str, project: str | None = None) -> QuerySet[ProvisionLog]:
    """A user's shares, or the one of a project."""
    rows = _accepted().filter(holder=f"user:{user}")
    return rows if project is None else rows.filter(source=f"project:{project}")


def of_pool(project: str) -> QuerySet[ProvisionLog]:
    """All that was charged to a project."""
    return _accepted().filter(holder=f"project:{project}", source="")


def of_members(project: str) -> QuerySet[ProvisionLog]:
    """The same by the users to whom it was charged, without what belongs to nobody."""
    return _accepted().filter(source=f"project:{project}")


def of_all() -> QuerySet[ProvisionLog]:
    """All users' shares."""
    return _accepted().exclude(source="")


def read(
    rows: QuerySet[ProvisionLog],
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
) -> Iterator[Event]:
    """The events of a period (``until`` is outside), oldest first, from the database piece by piece."""
    if since is not None:
        rows = rows.filter(settled__gte=since)
    if until is not None:
        rows = rows.filter(settled__lt=until)
    rows = rows.order_by("settled", "pk")
    names = clients.names()
    after = Q()
    while found := list(rows.filter(after)[:_BATCH]):
        for row in found:
            yield _event(row, names)
        last = found[-1]
        # the first condition is for the index, the second for those of the same moment
        after = Q(settled__gte=last.settled) & (Q(settled__gt=last.settled) | Q(pk__gt=last.pk))


def written(events: Iterable[Event], style: str) -> Iterator[str]:
    """Events as text, in pieces: CSV with a head line, or a JSON list with an event a line."""
    return _csv(events) if style == "csv" else _json(events)


def moment(text: str) -> datetime.datetime:
    """A day, which begins at midnight, or a moment in ISO form; UTC unless it says otherwise.

    Raises BadRequest.
    """
    try:
        found = parse_datetime(text)
        day = None if found else parse_date(text)
    except ValueError:
        found = day = None
    if found is None and day is not None:
        found = datetime.datetime.combine(day, datetime.time())
    if found is None:
        raise BadRequest(f"{text!r} is no moment: write 2030-01-31 or 2030-01-31T12:00:00Z.")
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def differences() -> dict[Key, int]:
    """How much more (or, negative, less) is used of a holding than its events say; looks at all of them.

    Usage that was not folded yet is in neither. Of a release that is pending the ledger knows nothing yet.
    """
    noted = _sums(_accepted())
    leaving = _sums(Provision.objects.filter(quantity__lt=0))
    missing = {}
    for row in Holding.rows.iterator(chunk_size=_BATCH):
        key = key_of(row)
        more = row.folded_min - leaving.get(key, 0) - noted.get(key, 0)
        if more:
            missing[key] = more
    return missing


def open_balances() -> int:
    """Note usage that came without events (from another system) as such; returns how many holdings had any.

    One statement, however many holdings there are.
    """
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with atomic(), connection.cursor() as cursor:
        cursor.execute(_OPEN, (OPENING, now, now))
        return int(cursor.rowcount)


def _accepted() -> QuerySet[ProvisionLog]:
    return ProvisionLog.objects.filter(accepted=True)


def _sums(rows: QuerySet[ProvisionLog] | QuerySet[Provision]) -> dict[Key, int]:
    summed = rows.order_by().values_list("holder", "source", "resource").annotate(total=Sum(F("quantity")))
    return {(holder, source, resource): total for holder, source, resource, total in summed}


def _event(row: ProvisionLog, names: dict[str, str]) -> Event:
    kind, _, uuid = row.holder.partition(":")
    user = uuid if kind == "user" else ""
    return Event(
        at=row.settled.isoformat(),
        user=user,
        project=row.source.partition(":")[2] if user else uuid,
        resource=row.resource,
        quantity=row.quantity,
        usage=row.usage_max,
        limit=row.limit,
        serial=row.serial,
        name=row.name,
        service=names.get(row.client, row.client),
    )


def _csv(events: Iterable[Event]) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    for number, event in enumerate(events, 1):
        writer.writerow(dataclasses.astuple(event))
        if number % _BATCH == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _json(events: Iterable[Event]) -> Iterator[str]:
    head = "[\n"
    for event in events:
        yield head + json.dumps(dataclasses.asdict(event))
        head = ",\n"
    yield "\n]\n" if head != "[\n" else "[]\n"
