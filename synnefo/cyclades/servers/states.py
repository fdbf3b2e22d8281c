"""What may be done to a server in which state (spec: cyclades 3.3). The only place where this stands."""

from __future__ import annotations

import enum

from synnefo.common.faults import BadRequest, BuildInProgress, Forbidden, WrongState
from synnefo.cyclades.servers.models import Server


class Action(enum.Enum):
    START = "start"
    STOP = "stop"
    REBOOT = "reboot"
    DESTROY = "destroy"
    RENAME = "rename"
    PLUG = "plug"
    UNPLUG = "unplug"


_NEEDS = {Action.START: Server.Oper.STOPPED, Action.STOP: Server.Oper.STARTED}


def require(server: Server, action: Action, *, is_admin: bool = False) -> None:
    """Raise the fault that says why not: deleted, suspended, busy, or in the wrong state."""
    if server.deleted:
        raise BadRequest("Server has been deleted.")
    if server.suspended and not is_admin:
        raise Forbidden("Administratively suspended server.")
    if action in (Action.DESTROY, Action.RENAME):
        return
    if server.task == Server.Task.BUILD:
        raise BuildInProgress("Server is being built.")
    if server.task:
        raise WrongState(f"Cannot '{action.value}' a server while it is in task {server.task}.")
    if server.operstate == Server.Oper.ERROR:
        raise WrongState(f"Cannot '{action.value}' a server in state ERROR; it can only be deleted.")
    needed = _NEEDS.get(action)
    if needed is not None and server.operstate != needed:
        raise WrongState(
            f"Cannot '{action.value}' a server in state {server.operstate}; it must be {needed}."
        )
