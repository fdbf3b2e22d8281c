"""How an action on a server begins: its row locked, its state asked, an operation written down."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from synnefo.audit.rules import record
from synnefo.common.accounts import Provision, provisions_for
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, ServiceUnavailable
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.states import Action, require
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine import rules as engine
from synnefo.engine.charging import commissioned
from synnefo.engine.procedure import Procedure

TARGET = Server.TARGET


def locked(found: Server) -> Server:
    """The server's row, locked until the transaction ends."""
    rows = Server.objects.select_for_update(of=("self",)).select_related("flavor__volume_type")
    return rows.get(pk=found.pk)


def fresh(found: Server) -> Server:
    """The server as it is now."""
    return Server.objects.select_related("flavor__volume_type").get(pk=found.pk)


def begin(caller: Caller, found: Server, action: Action) -> Server:
    """The server's row, locked, if the action is (still) possible. Raises what ``require`` raises."""
    server = locked(found)
    require(server, action, is_admin=caller.is_admin)
    record(caller, f"server.{action.value}", TARGET, server.pk, project=server.project, name=server.name)
    return server


def launch(
    procedure: type[Procedure], caller: Caller, server: Server, task: Server.Task, *,
    serial: int | None = None, volume: Volume | None = None, secret: dict[str, Any] | None = None,
    wanted_on: bool | None = None, **payload: object,
) -> None:  # fmt: skip
    """An operation on the server (and a volume), in its project, whoever asks for it.

    Raises ServiceUnavailable while its engine is offline.
    """
    require_engine(server)
    also = [] if volume is None else [(Volume.TARGET, volume.pk)]
    engine.start(
        procedure, targets=[(TARGET, server.pk), *also], actor=caller, project=server.project,
        payload=payload, secret=secret, serial=serial,
    )  # fmt: skip
    server.task = task
    if wanted_on is not None:
        server.wanted_on = wanted_on
    server.save(update_fields=("task", "wanted_on", "updated"))


def require_engine(server: Server) -> None:
    """Raises ServiceUnavailable if its engine is not to be talked to."""
    if server.backend is not None and server.backend.offline:
        raise ServiceUnavailable("The engine of this server is offline.")


def running_charge(server: Server, sign: int) -> list[Provision]:
    """What it takes (1) or frees (-1) by beginning or ceasing to run."""
    amounts = {name: sign * amount for name, amount in server.flavor.running_charge.items()}
    return provisions_for(server.userid, server.project, amounts)


def same_charge(server: Server, found: Server) -> None:
    """Raises Conflict if what was reckoned of the row that was read is not true of the locked one."""
    told = [(row.charged_as_running, row.flavor_id, row.project, row.userid) for row in (server, found)]
    if told[0] != told[1]:
        raise Conflict("The server changed its state just now; try again.")


def charged_later(
    provisions: Sequence[Provision], *, name: str, force: bool = False
) -> AbstractContextManager[int | None]:
    """The transaction of an action whose charge waits for its outcome; yields the serial."""
    return commissioned(_summed(provisions), name=name, force=force)


def _summed(provisions: Sequence[Provision]) -> list[Provision]:
    """The same with one entry for each holder, source and resource."""
    totals: dict[tuple[str, str | None, str], int] = {}
    for one in provisions:
        key = (one.holder, one.source, one.resource)
        totals[key] = totals.get(key, 0) + one.quantity
    return [Provision(*key, amount) for key, amount in totals.items() if amount]
