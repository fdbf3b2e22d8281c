"""What became of the commissions that Cyclades had issued: the outbox tells Astakos what it does not know."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model
from django.utils import timezone

from synnefo.common.legacy.source import Row, Source, Sql
from synnefo.common.legacy.steps import Step
from synnefo.cyclades.legacy.world import World
from synnefo.engine.models import Commission


def _serials(source: Source) -> Sql:
    return "SELECT serial AS key, * FROM db_quotaholderserial"


def _serial(row: Row, world: World) -> Iterator[Model]:
    """One that was not decided is rejected, as ``reconcile-commissions-cyclades`` did there."""
    undecided = row["pending"] and not row["resolved"]
    if undecided:
        world.report.note("commission that was not decided: rejected", row["key"])
    accept = bool(row["accept"]) and not row["pending"]
    yield Commission(serial=row["key"], accept=accept, delivered=row["resolved"], created=timezone.now())


STEPS: tuple[Step[World], ...] = (Step("decided commissions", _serials, _serial),)
