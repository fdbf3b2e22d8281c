"""States, operations and what people did, as pages show them: words and colours. No decisions."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping

from django.db.models import Q, QuerySet
from django.utils import timezone

from synnefo.audit.models import AuditEvent
from synnefo.common.caller import Caller
from synnefo.common.shown import State
from synnefo.engine.models import Operation, Target
from synnefo.engine.procedure import REGISTRY

DONE = State("Done", "green")
_OUTCOMES = {
    Operation.State.DOING: State("In progress", "blue", busy=True),
    Operation.State.UNDOING: State("Being undone", "orange", busy=True),
    Operation.State.SUCCEEDED: DONE,
    Operation.State.FAILED: State("Failed", "red"),
}
_KINDS = {
    "server.create": "Create",
    "server.start": "Start",
    "server.restore": "Start after the host came back",
    "server.stop": "Stop",
    "server.reboot": "Reboot",
    "server.delete": "Delete",
    "server.plug": "Add network card",
    "server.unplug": "Remove network card",
    "server.pause": "Pause",
    "server.unpause": "Go on",
    "server.suspend": "Suspend to disk",
    "server.resume": "Resume",
    "server.shelve": "Shelve",
    "server.unshelve": "Unshelve",
    "server.rescue": "Rescue",
    "server.unrescue": "Leave rescue",
    "server.rebuild": "Rebuild",
    "server.password": "Set password",
    "server.resize": "Resize",
    "server.revert-resize": "Go back to the old size",
    "server.confirm-resize": "Confirm the new size",
    "server.attach-volume": "Attach volume",
    "server.detach-volume": "Detach volume",
    "server.delete-volume": "Remove volume",
    "server.extend-volume": "Extend volume",
    "volume.snapshot": "Read its disk",
}
_STEPS = {
    "connect": "connecting the networks",
    "make": "making the machine",
    "power_on": "powering on",
    "ask": "asking the guest",
    "wait": "waiting for the machine",
    "remove": "removing the machine",
    "stop_again": "powering off again",
    "put_in": "putting the card in",
    "take_out": "taking the card out",
    "fetch": "fetching the image",
}
#: What people did, by the action that the audit keeps; others are not shown.
_ACTIONS = {
    "server.create": "Create server",
    "server.start": "Start server",
    "server.stop": "Stop server",
    "server.reboot": "Reboot server",
    "server.destroy": "Delete server",
    "server.rename": "Rename server",
    "server.lock": "Lock server",
    "server.unlock": "Unlock server",
    "server.rescue": "Rescue server",
    "server.unrescue": "Leave rescue of",
    "server.rebuild": "Rebuild server",
    "server.resize": "Resize server",
    "server.createImage": "Create image of",
    "server.pause": "Pause server",
    "server.unpause": "Go on with server",
    "server.suspend": "Suspend server",
    "server.resume": "Resume server",
    "server.plug": "Add network card to",
    "server.unplug": "Remove network card of",
    "server.console": "Open console of",
    "network.create": "Create network",
    "network.rename": "Rename network",
    "network.delete": "Delete network",
    "subnet.create": "Add subnet to",
    "subnet.update": "Change subnet of",
    "subnet.delete": "Remove subnet of",
    "router.create": "Create router",
    "router.update": "Change router",
    "router.gateway": "Change gateway of",
    "router.join": "Add interface to",
    "router.leave": "Remove interface of",
    "router.delete": "Delete router",
    "floating_ip.create": "Allocate floating IP",
    "floating_ip.associate": "Move floating IP",
    "floating_ip.delete": "Release floating IP",
    "keypair.create": "Add key",
    "keypair.delete": "Delete key",
    "image.register": "Register image",
    "image.modify": "Change image",
    "image.unregister": "Remove image",
}


@dataclasses.dataclass(frozen=True)
class OperationShown:
    """What was or is being done to a server: how far it is, for how long, by whom."""

    title: str
    state: State
    step: str
    done_percent: float
    began: datetime.datetime
    elapsed: datetime.timedelta
    who: str
    error: str
    request_id: str


@dataclasses.dataclass(frozen=True)
class Deed:
    """What somebody did, and what became of it; ``url`` is empty if its object is gone."""

    title: str
    name: str
    url: str
    state: State
    error: str
    at: datetime.datetime
    who: str


#: Names and pages of objects by kind and id, as far as the caller sees them.
Places = Mapping[tuple[str, str], tuple[str, str]]


def operation_shown(row: Operation, caller: Caller, names: Mapping[str, str]) -> OperationShown:
    hard = " (hard)" if row.payload.get("hard") else ""
    declared = REGISTRY[row.kind].steps if row.kind in REGISTRY else ()
    number = next((place for place, step in enumerate(declared, 1) if step.name == row.step), 0)
    words = _STEPS.get(row.step, row.step)
    if len(declared) > 1 and number:
        words = f"step {number} of {len(declared)}: {words}"
    return OperationShown(
        title=_KINDS.get(row.kind, row.kind) + hard,
        state=_OUTCOMES[Operation.State(row.state)],
        step=words if row.active else "",
        done_percent=100.0 * (number - 0.5) / len(declared) if number else 0.0,
        began=row.created,
        elapsed=(row.finished or timezone.now()) - row.created,
        who=_who(row.actor, names.get(row.actor, ""), caller),
        error=row.error,
        request_id=row.request_id,
    )


def own_events(caller: Caller) -> QuerySet[AuditEvent]:
    """What the caller did in this project, newest first."""
    rows = AuditEvent.objects.filter(actor=caller.user, project=caller.project, action__in=_ACTIONS)
    return rows.order_by("-id")


def events_on(kind: str, target: int) -> QuerySet[AuditEvent]:
    """What was done to an object, newest first. The caller has checked who may see it."""
    rows = AuditEvent.objects.filter(target_kind=kind, target_id=str(target), action__in=_ACTIONS)
    return rows.order_by("-id")


def deeds(events: Iterable[AuditEvent], caller: Caller, places: Places) -> list[Deed]:
    """Events with what became of them: the operation that the same request started on the same object."""
    rows = list(events)
    outcomes = _outcomes(rows)
    found = []
    for row in rows:
        operation = outcomes.get((row.request_id, row.target_kind, row.target_id))
        name, url = places.get((row.target_kind, row.target_id), ("", ""))
        found.append(
            Deed(
                title=_ACTIONS[row.action],
                name=name or str(row.details.get("name") or row.details.get("address") or ""),
                url=url,
                state=_OUTCOMES[Operation.State(operation.state)] if operation else DONE,
                error=operation.error if operation else "",
                at=row.at,
                who=_who(row.actor, row.actor_name, caller),
            )
        )
    return found


def _outcomes(rows: list[AuditEvent]) -> dict[tuple[str, str, str], Operation]:
    wanted = Q()
    for kind in ("server", "network"):
        ids = [int(row.target_id) for row in rows if row.target_kind == kind and row.request_id]
        if ids:
            wanted |= Q(kind=kind, object_id__in=ids)
    if not wanted:
        return {}
    requests = {row.request_id for row in rows if row.request_id}
    targets = Target.objects.filter(wanted, operation__request_id__in=requests).select_related("operation")
    return {
        (target.operation.request_id, target.kind, str(target.object_id)): target.operation
        for target in targets.order_by("operation_id")
    }


def _who(uuid: str, name: str, caller: Caller) -> str:
    return "you" if uuid == caller.user else name or "the cloud"
