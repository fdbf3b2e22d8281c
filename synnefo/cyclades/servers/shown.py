"""Servers, actions and operations as pages show them: words, colours, what is offered. No decisions."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping

from django.utils import timezone

from synnefo.common.caller import Caller
from synnefo.common.faults import Fault
from synnefo.common.units import GIB, MIB, show_amount
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.networks.models import IPAddress
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.states import Action, require
from synnefo.engine.models import Operation


@dataclasses.dataclass(frozen=True)
class State:
    """A word and a colour; a busy one changes soon by itself."""

    word: str
    colour: str
    busy: bool = False


@dataclasses.dataclass(frozen=True)
class Offer:
    """An action as a button: its name in the form, label and icon."""

    name: str
    label: str
    icon: str


_TASKS = {
    Server.Task.BUILD: State("Building", "blue", busy=True),
    Server.Task.START: State("Starting", "blue", busy=True),
    Server.Task.STOP: State("Stopping", "blue", busy=True),
    Server.Task.REBOOT: State("Rebooting", "blue", busy=True),
    Server.Task.DESTROY: State("Deleting", "orange", busy=True),
}
_STATES = {
    Server.Oper.BUILD: State("Building", "blue", busy=True),
    Server.Oper.STARTED: State("Running", "green"),
    Server.Oper.STOPPED: State("Stopped", "secondary"),
    Server.Oper.ERROR: State("Error", "red"),
    Server.Oper.DESTROYED: State("Deleted", "secondary"),
}
_OFFERS = (
    (Action.START, Offer("start", "Start", "play")),
    (Action.STOP, Offer("stop", "Stop", "stop")),
    (Action.REBOOT, Offer("reboot", "Reboot", "reboot")),
    (Action.REBOOT, Offer("hard-reboot", "Hard reboot", "bolt")),
)
_KINDS = {
    "server.create": "Create",
    "server.start": "Start",
    "server.restore": "Start after the host came back",
    "server.stop": "Stop",
    "server.reboot": "Reboot",
    "server.delete": "Delete",
}
_STEPS = {
    "connect": "connecting the networks",
    "make": "making the machine",
    "power_on": "powering on",
    "ask": "asking the guest",
    "wait": "waiting for the machine",
    "remove": "removing the machine",
    "stop_again": "powering off again",
}


@dataclasses.dataclass(frozen=True)
class Shown:
    """A server as a row or a page shows it."""

    server: Server
    image_name: str
    caller: Caller

    @property
    def state(self) -> State:
        return state_of(self.server)

    @property
    def size(self) -> str:
        return size_of(self.server.flavor)

    @property
    def fixed_ips(self) -> list[IPAddress]:
        return [address for port in self.server.ports.all() for address in port.addresses.all()]

    @property
    def floating_ips(self) -> list[IPAddress]:
        return [address for port in self.server.ports.all() for address in port.floating_ips.all()]

    @property
    def offers(self) -> list[Offer]:
        return [offer for action, offer in _OFFERS if self._may(action)]

    @property
    def has_screen(self) -> bool:
        blocked = self.server.suspended and not self.caller.is_admin
        return self.server.operstate == Server.Oper.STARTED and not blocked

    @property
    def may_be_deleted(self) -> bool:
        return self._may(Action.DESTROY) and self.server.task != Server.Task.DESTROY

    def _may(self, action: Action) -> bool:
        """Whether the rules would let it happen; ``states`` decides."""
        if action is Action.REBOOT and self.server.operstate != Server.Oper.STARTED:
            return False  # it would be a start, which is offered under its own name
        try:
            require(self.server, action, is_admin=self.caller.is_admin)
        except Fault:
            return False
        return True


@dataclasses.dataclass(frozen=True)
class OperationShown:
    """What was or is being done to a server."""

    title: str
    state: State
    step: str
    began: datetime.datetime
    elapsed: datetime.timedelta
    error: str
    request_id: str


def shown(caller: Caller, servers: Iterable[Server]) -> list[Shown]:
    """Servers with the names of their images, by one query for all."""
    rows = list(servers)
    known = images.images_for(caller).filter(uuid__in={row.image for row in rows})
    names: Mapping[str, str] = dict(known.values_list("uuid", "name"))
    return [Shown(row, names.get(row.image, ""), caller) for row in rows]


def state_of(server: Server) -> State:
    if server.task:
        return _TASKS[Server.Task(server.task)]
    if server.suspended:
        return State("Suspended", "yellow")
    return _STATES[Server.Oper(server.operstate)]


def size_of(flavor: Flavor) -> str:
    cpus = "1 CPU" if flavor.cpu == 1 else f"{flavor.cpu} CPUs"
    ram, disk = show_amount(flavor.ram * MIB, "bytes"), show_amount(flavor.disk * GIB, "bytes")
    return f"{cpus}, {ram}, {disk}"


def operation_shown(row: Operation) -> OperationShown:
    states = {
        Operation.State.DOING: State("In progress", "blue", busy=True),
        Operation.State.UNDOING: State("Being undone", "orange", busy=True),
        Operation.State.SUCCEEDED: State("Done", "green"),
        Operation.State.FAILED: State("Failed", "red"),
    }
    hard = " (hard)" if row.payload.get("hard") else ""
    return OperationShown(
        title=_KINDS.get(row.kind, row.kind) + hard,
        state=states[Operation.State(row.state)],
        step=_STEPS.get(row.step, row.step) if row.active else "",
        began=row.created,
        elapsed=(row.finished or timezone.now()) - row.created,
        error=row.error,
        request_id=row.request_id,
    )
