"""Putting servers to rest and waking them; locking them, by their owners and by administrators.

Who rests in memory alone (paused) is charged as running; on disk (suspended) or shelved he is not.
"""

from __future__ import annotations

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden
from synnefo.common.transactions import atomic
from synnefo.cyclades.operations.power import (
    PauseServer,
    ResumeServer,
    ShelveServer,
    SuspendServer,
    UnpauseServer,
    UnshelveServer,
)
from synnefo.cyclades.servers import acting
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.rules import get
from synnefo.cyclades.servers.states import Action, require
from synnefo.engine import rules as engine
from synnefo.engine.charging import decide
from synnefo.engine.procedure import Procedure

Task = Server.Task


def pause(caller: Caller, uuid: str) -> Server:
    """Stop its processors. Raises ItemNotFound, Forbidden, Conflict (state, busy), as all that follow."""
    return _act(caller, uuid, Action.PAUSE, PauseServer, Task.PAUSE)


def unpause(caller: Caller, uuid: str) -> Server:
    return _act(caller, uuid, Action.UNPAUSE, UnpauseServer, Task.UNPAUSE, runs=True)


def suspend(caller: Caller, uuid: str) -> Server:
    """Write its memory to disk; what it runs on is given back when that is done."""
    return _act(caller, uuid, Action.SUSPEND, SuspendServer, Task.SUSPEND, runs=False)


def resume(caller: Caller, uuid: str) -> Server:
    """Go on from there. Raises OverLimit, too."""
    return _act(caller, uuid, Action.RESUME, ResumeServer, Task.RESUME, runs=True)


def shelve(caller: Caller, uuid: str) -> Server:
    """Power it off for a long time."""
    return _act(caller, uuid, Action.SHELVE, ShelveServer, Task.SHELVE, runs=False)


def unshelve(caller: Caller, uuid: str) -> Server:
    """Boot it again. Raises OverLimit, too."""
    return _act(caller, uuid, Action.UNSHELVE, UnshelveServer, Task.UNSHELVE, runs=True)


def lock(caller: Caller, uuid: str, reason: str = "") -> Server:
    """Refuse what would change it, until ``unlock``."""
    with atomic():
        server = acting.begin(caller, get(caller, uuid), Action.LOCK)
        server.locked, server.locked_by = True, "admin" if caller.is_admin else "owner"
        server.save(update_fields=("locked", "locked_by", "updated"))
        record(caller, "server.lock-reason", Server.TARGET, server.pk, reason=reason[:255])
    return server


def unlock(caller: Caller, uuid: str) -> Server:
    """Raises Forbidden if an administrator locked it."""
    with atomic():
        server = acting.begin(caller, get(caller, uuid), Action.UNLOCK)
        if server.locked_by == "admin" and not caller.is_admin:
            raise Forbidden("An administrator locked this server.")
        server.locked, server.locked_by = False, ""
        server.save(update_fields=("locked", "locked_by", "updated"))
    return server


def ban(caller: Caller, uuid: str) -> Server:
    """Suspend a server administratively: its owner can do nothing with it. Raises Forbidden, BadRequest."""
    return _set_suspended(caller, uuid, True)


def unban(caller: Caller, uuid: str) -> Server:
    return _set_suspended(caller, uuid, False)


def reset_state(caller: Caller, uuid: str, oper: Server.Oper) -> Server:
    """Say that a server is STARTED or in ERROR, whatever was known: engines are believed after that.

    Raises Forbidden, Conflict (an operation is under way).
    """
    _check_admin(caller)
    found = get(caller, uuid)
    if oper not in (Server.Oper.STARTED, Server.Oper.ERROR):
        raise BadRequest("A server's state is reset to STARTED or ERROR.")
    cost = [] if found.charged_as_running else acting.running_charge(found, 1)
    with acting.charged_later(cost, name="api: server reset", force=True) as serial:
        server = acting.begin(caller, found, Action.RENAME)
        acting.same_charge(server, found)
        if engine.active_on(Server.TARGET, server.pk).exists():
            raise Conflict("An operation on this server is under way.")
        server.operstate, server.task, server.fault = oper, Task.NONE, ""
        server.save()
        decide(serial, accept=True)
    return server


def _act(
    caller: Caller, uuid: str, action: Action, procedure: type[Procedure], task: Server.Task, *,
    runs: bool | None = None,
) -> Server:  # fmt: skip
    """An action after which it runs or does not (None: as before); its charge waits for the outcome."""
    found = get(caller, uuid)
    require(found, action, is_admin=caller.is_admin)
    changes = runs is not None and runs != found.charged_as_running
    cost = acting.running_charge(found, 1 if runs else -1) if changes else []
    with acting.charged_later(cost, name=f"api: server {action.value}") as serial:
        server = acting.begin(caller, found, action)
        acting.same_charge(server, found)
        acting.launch(procedure, caller, server, task, serial=serial, wanted_on=runs)
    return server


def _set_suspended(caller: Caller, uuid: str, flag: bool) -> Server:
    _check_admin(caller)
    with atomic():
        server = acting.begin(caller, get(caller, uuid), Action.RENAME)
        if server.suspended == flag:
            raise BadRequest("The server is suspended already." if flag else "The server is not suspended.")
        server.suspended = flag
        server.save(update_fields=("suspended", "updated"))
        record(caller, "server.ban" if flag else "server.unban", Server.TARGET, server.pk)
    return server


def _check_admin(caller: Caller) -> None:
    if not caller.is_admin:
        raise Forbidden("Only administrators do this.")
