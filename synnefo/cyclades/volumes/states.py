"""What may be done to a volume in which state (spec: cyclades 2.5). The only place where this stands."""

from __future__ import annotations

import enum

from synnefo.common.faults import BadRequest, WrongState
from synnefo.cyclades.volumes.models import Volume

_S = Volume.Status


class Action(enum.Enum):
    DESCRIBE = "change"
    DELETE = "delete"
    EXTEND = "extend"
    CLONE = "copy"
    SNAPSHOT = "keep a picture of"
    RESERVE = "reserve"
    REASSIGN = "reassign"
    OFFER = "transfer"


_NEEDS = {
    Action.DELETE: (_S.AVAILABLE, _S.ERROR, _S.ERROR_DELETING),
    Action.EXTEND: (_S.AVAILABLE,),
    Action.CLONE: (_S.AVAILABLE, _S.IN_USE),
    Action.SNAPSHOT: (_S.AVAILABLE, _S.IN_USE),
    Action.RESERVE: (_S.AVAILABLE,),
    Action.REASSIGN: (_S.AVAILABLE, _S.IN_USE, _S.ERROR),
    Action.OFFER: (_S.AVAILABLE,),
}
#: What needs a volume that no server has.
_ALONE = (Action.DELETE, Action.EXTEND, Action.RESERVE, Action.OFFER)


def require(volume: Volume, action: Action) -> None:
    """Raise the fault that says why not: deleted, in a server, or in the wrong state."""
    if volume.deleted:
        raise BadRequest("Volume has been deleted.")
    if action in _ALONE and volume.server_id is not None:
        raise WrongState(f"Cannot {action.value} volume {volume.uuid}: it is attached to a server.")
    needed = _NEEDS.get(action)
    if needed is not None and volume.status not in needed:
        allowed = " or ".join(needed)
        raise WrongState(
            f"Cannot {action.value} volume {volume.uuid} in state {volume.status}; it must be {allowed}."
        )
