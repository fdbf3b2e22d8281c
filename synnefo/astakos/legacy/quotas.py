"""Holdings with their usage, commissions that wait, and the log of those that were settled.

A commission belonged to the component that has the name written in it; it does still, whatever that is
called later.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from django.db.models import Model

from synnefo.astakos.legacy.projects import amount
from synnefo.astakos.legacy.world import World
from synnefo.astakos.quotas.models import Commission, Holding, Provision, ProvisionLog
from synnefo.common.legacy.source import Row, Source, Sql
from synnefo.common.legacy.steps import Numbered, Step, of_table

#: Of settled commissions the old log did not say who issued them.
UNKNOWN_CLIENT = "imported"


def _holdings(source: Source) -> Sql:
    """The old table lets a project have several holdings of a resource; the one that is used counts."""
    return (
        "SELECT id AS key, *, row_number() OVER (PARTITION BY holder, coalesce(source, ''), resource"
        " ORDER BY usage_max DESC, id DESC) AS place FROM quotaholder_app_holding"
    )


def _holding(row: Row, world: World) -> Iterator[Model]:
    if row["place"] > 1:
        world.report.note("second holding of the same: left behind", f"{row['holder']} {row['resource']}")
        return
    usage_min = amount(row, "usage_min", world)
    yield Holding(
        holder=row["holder"],
        source=row["source"] or "",
        resource=row["resource"],
        limit=amount(row, "limit", world),
        folded_min=usage_min,
        folded_max=max(row["usage_max"], usage_min),
    )


def _commission(row: Row, world: World) -> Iterator[Model]:
    client = row["clientkey"]
    world.report.note("commission that waits for its component's decision", f"{row['serial']} of {client}")
    yield Commission(
        pk=row["serial"],
        name=row["name"],
        client=world.clients.get(client, client),
        issued=row["issue_datetime"],
    )


def _provision(row: Row, world: World) -> Iterator[Model]:
    yield Provision(commission_id=row["serial_id"], quantity=row["quantity"], **_key(row))


def _settled(row: Row, world: World) -> Iterator[Model]:
    yield ProvisionLog(
        serial=row["serial"],
        name=row["name"],
        client=UNKNOWN_CLIENT,
        quantity=row["delta_quantity"],
        accepted=row["reason"].startswith("ACCEPT"),
        limit=row["limit"],
        usage_min=row["usage_min"],
        usage_max=row["usage_max"],
        issued=_moment(row["issue_time"]),
        settled=_moment(row["log_time"]),
        **_key(row),
    )


def _key(row: Row) -> dict[str, str]:
    return {"holder": row["holder"], "source": row["source"] or "", "resource": row["resource"]}


def _moment(text: str) -> datetime.datetime:
    """The old log kept moments as text, in UTC without saying so."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


STEPS = (
    Step("holdings", _holdings, _holding),
    Step(
        "pending commissions",
        lambda source: "SELECT serial AS key, * FROM quotaholder_app_commission",
        _commission,
        (Numbered(Commission, "quotaholder_app_commission", "serial"),),
    ),
    Step("provisions", of_table("quotaholder_app_provision"), _provision),
    Step("log of commissions", of_table("quotaholder_app_provisionlog"), _settled),
)
