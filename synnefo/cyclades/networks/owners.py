"""Changes of servers' owners that happened before the history of addresses told of them.

A change splits what the history says: the old owner's servers lost their addresses at that moment, and the
new owner's got them.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Sequence

from django.db import transaction

from synnefo.common.faults import BadRequest
from synnefo.common.transactions import atomic
from synnefo.cyclades.networks.models import IPAddressHistory

_FORMAT = "%Y-%m-%d %H:%M:%S.%f"
_Action = IPAddressHistory.Action


@dataclasses.dataclass(frozen=True)
class Change:
    """At a moment a server went from one owner (uuid) to another."""

    server: int
    before: str
    after: str
    at: datetime.datetime


def parse(text: str) -> list[Change]:
    """``42|from|to|2016-01-31 12:00:00.000000`` a line, in UTC; by time. Raises BadRequest."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        parts = [part.strip() for part in line.split("|")]
        try:
            server, before, after, moment = parts
            at = datetime.datetime.strptime(moment, _FORMAT).replace(tzinfo=datetime.UTC)
            found.append(Change(int(server), before, after, at))
        except ValueError as error:
            raise BadRequest(f"line {number}: {error}") from None
    return sorted(found, key=lambda change: change.at)


def replay(changes: Sequence[Change], *, fix: bool) -> Iterator[str]:
    """Write each change into the history, and tell what; without ``fix`` all is taken back at the end."""
    told = []
    with atomic():
        for change in changes:
            told += _split(change)
        if not fix:
            transaction.set_rollback(True)
    yield from told


def _split(change: Change) -> list[str]:
    """What the server had then is the new owner's from then on; what is told already is passed over."""
    told = []
    for last in _held(change):
        reason = f"owner of server {change.server} changed"
        about = {"address": last.address, "server_id": change.server, "network_id": last.network_id}
        for user, action in ((change.before, _Action.DISASSOCIATE), (change.after, _Action.ASSOCIATE)):
            IPAddressHistory.objects.create(
                **about, user_id=user, action=action, action_date=change.at, action_reason=reason
            )
            told.append(
                f"{change.at:{_FORMAT}} {last.address} server {change.server} user {user} {action.value}"
            )
        later = IPAddressHistory.objects.filter(
            server_id=change.server, address=last.address, action_date__gt=change.at, user_id=change.before
        )
        if count := later.update(user_id=change.after):
            told.append(
                f"{last.address} server {change.server}: {count} later rows are user {change.after}'s"
            )
    return told


def _held(change: Change) -> list[IPAddressHistory]:
    """The last row of each address that the server had at the moment, where the owner was the old one."""
    rows = IPAddressHistory.objects.filter(server_id=change.server, action_date__lte=change.at)
    last = {row.address: row for row in rows.order_by("action_date", "pk")}
    return [row for row in last.values() if row.action == _Action.ASSOCIATE and row.user_id == change.before]
