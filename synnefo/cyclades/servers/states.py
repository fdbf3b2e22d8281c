"""What may be done to a server in which state (spec: cyclades 3.3). The only place where this stands.

``suspended`` is an administrator's doing and stops its owner; ``locked`` is its owner's own and keeps him
from doing by mistake what he would be sorry for. Administrators are stopped by neither.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from synnefo.common.faults import BadRequest, BuildInProgress, Forbidden, WrongState
from synnefo.cyclades.servers.models import Server

Oper = Server.Oper


class Action(enum.Enum):
    """Values are how records of what was done call them; ``word`` is how clients have always been told."""

    START = "start"
    STOP = "stop"
    REBOOT = "reboot"
    RESIZE = "resize"
    RESIZE_COLD = "resize-stopped"
    CONFIRM = "confirmResize"
    REVERT = "revertResize"
    REBUILD = "rebuild"
    RESCUE = "rescue"
    RESCUE_COLD = "rescue-stopped"
    UNRESCUE = "unrescue"
    UNRESCUE_COLD = "unrescue-stopped"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    SUSPEND = "suspend"
    RESUME = "resume"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    LOCK = "lock"
    UNLOCK = "unlock"
    PLUG = "plug"
    UNPLUG = "unplug"
    ATTACH_VOLUME = "attach_volume"
    DETACH_VOLUME = "detach_volume"
    EXTEND_VOLUME = "extend_volume"
    IMAGE = "createImage"
    PASSWORD = "changePassword"  # noqa: S105  an action, no secret
    FIREWALL = "firewallProfile"
    REASSIGN = "reassign"
    METADATA = "metadata"
    TAG = "tag"
    RENAME = "rename"
    DESTROY = "destroy"

    @property
    def word(self) -> str:
        return _WORDS.get(self, self.name)


_WORDS = {
    Action.RESIZE_COLD: "RESIZE",
    Action.RESCUE_COLD: "RESCUE",
    Action.UNRESCUE_COLD: "UNRESCUE",
    Action.PLUG: "CONNECT",
    Action.UNPLUG: "DISCONNECT",
    Action.FIREWALL: "SET_FIREWALL_PROFILE",
}
_LIVE = frozenset({Oper.STARTED, Oper.STOPPED, Oper.PAUSED})
_ANY = frozenset(Oper) - {Oper.ERROR, Oper.BUILD, Oper.DESTROYED}
#: In which states an action is possible; those that are not here are possible at any time.
_STATES: Mapping[Action, frozenset[Oper]] = {
    Action.START: frozenset({Oper.STOPPED}),
    Action.STOP: frozenset({Oper.STARTED}),
    Action.REBOOT: frozenset({Oper.STARTED, Oper.STOPPED, Oper.PAUSED, Oper.SUSPENDED}),
    Action.RESIZE: frozenset({Oper.STARTED, Oper.STOPPED}),
    Action.RESIZE_COLD: frozenset({Oper.STOPPED}),
    Action.CONFIRM: frozenset({Oper.RESIZED}),
    Action.REVERT: frozenset({Oper.RESIZED}),
    Action.REBUILD: frozenset({Oper.STARTED, Oper.STOPPED, Oper.ERROR}),
    Action.RESCUE: frozenset({Oper.STARTED, Oper.STOPPED}),
    Action.RESCUE_COLD: frozenset({Oper.STOPPED}),
    Action.UNRESCUE: frozenset({Oper.STARTED, Oper.STOPPED}),
    Action.UNRESCUE_COLD: frozenset({Oper.STOPPED}),
    Action.PAUSE: frozenset({Oper.STARTED}),
    Action.UNPAUSE: frozenset({Oper.PAUSED}),
    Action.SUSPEND: frozenset({Oper.STARTED}),
    Action.RESUME: frozenset({Oper.SUSPENDED}),
    Action.SHELVE: _LIVE | {Oper.SUSPENDED},
    Action.UNSHELVE: frozenset({Oper.SHELVED}),
    Action.PLUG: _LIVE,
    Action.UNPLUG: _LIVE,
    Action.ATTACH_VOLUME: _LIVE | {Oper.RESIZED, Oper.SHELVED},
    Action.DETACH_VOLUME: _LIVE | {Oper.RESIZED, Oper.SHELVED},
    Action.EXTEND_VOLUME: _LIVE | {Oper.RESIZED, Oper.SHELVED},
    Action.IMAGE: _LIVE | {Oper.SUSPENDED, Oper.SHELVED},
    Action.PASSWORD: frozenset({Oper.STARTED}),
    Action.FIREWALL: _ANY,
    Action.REASSIGN: frozenset(Oper),
}
#: While another system has its disks, these would take from under it what it works on.
_NOT_IN_RESCUE = frozenset(
    {
        Action.RESIZE, Action.RESIZE_COLD, Action.REBUILD, Action.RESCUE, Action.RESCUE_COLD, Action.PAUSE,
        Action.SUSPEND, Action.SHELVE, Action.ATTACH_VOLUME, Action.DETACH_VOLUME, Action.EXTEND_VOLUME,
        Action.IMAGE, Action.PASSWORD,
    }
)  # fmt: skip
_IN_RESCUE_ONLY = frozenset({Action.UNRESCUE, Action.UNRESCUE_COLD})
_DESPITE_LOCK = frozenset({Action.LOCK, Action.UNLOCK, Action.RENAME, Action.TAG})


def require(server: Server, action: Action, *, is_admin: bool = False) -> None:
    """Raise the fault that says why not: deleted, suspended, locked, busy, or in the wrong state."""
    if server.deleted:
        raise BadRequest("Server has been deleted.")
    if server.suspended and not is_admin:
        raise Forbidden("Administratively Suspended VM")
    if server.locked and not is_admin and action not in _DESPITE_LOCK:
        raise WrongState(f"Instance {server.uuid} is locked")
    if action not in _STATES:
        return
    if server.task == Server.Task.BUILD:
        raise BuildInProgress(f"Server '{server.pk}' is being built.")
    if server.task:
        raise WrongState(f"Cannot perform '{action.word}' action while there is a pending '{server.task}'.")
    _require_state(server, action)


def _require_state(server: Server, action: Action) -> None:
    possible = _STATES[action]
    if server.operstate not in possible:
        if server.operstate == Oper.BUILD:
            raise BuildInProgress(f"Server '{server.pk}' is being built.")
        raise WrongState(
            f"Cannot perform '{action.word}' action while server is in '{server.operstate}' state."
        )
    if server.rescue and action in _NOT_IN_RESCUE:
        raise WrongState(f"Cannot perform '{action.word}' action while server is in rescue mode.")
    if not server.rescue and action in _IN_RESCUE_ONLY:
        raise WrongState(f"Cannot perform '{action.word}' action while server is not in rescue mode.")
