"""Servers and actions as pages show them: words, colours, what is offered. No decisions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from django.conf import settings

from synnefo.common.caller import Caller
from synnefo.common.faults import Fault
from synnefo.common.shown import State
from synnefo.common.units import GIB, MIB, show_amount
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.images import rules as images
from synnefo.cyclades.networks.models import IPAddress
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.states import Action, require


@dataclasses.dataclass(frozen=True)
class Offer:
    """An action as a button: its name in the form, label and icon. ``minor`` ones stand in a menu."""

    name: str
    label: str
    icon: str
    minor: bool = False


_TASKS = {
    Server.Task.BUILD: State("Building", "blue", busy=True),
    Server.Task.START: State("Starting", "blue", busy=True),
    Server.Task.STOP: State("Stopping", "blue", busy=True),
    Server.Task.REBOOT: State("Rebooting", "blue", busy=True),
    Server.Task.DESTROY: State("Deleting", "orange", busy=True),
    Server.Task.CONNECT: State("Connecting", "blue", busy=True),
    Server.Task.DISCONNECT: State("Disconnecting", "blue", busy=True),
    Server.Task.RESIZE: State("Resizing", "blue", busy=True),
    Server.Task.REVERT: State("Going back to its old size", "blue", busy=True),
    Server.Task.REBUILD: State("Rebuilding", "blue", busy=True),
    Server.Task.RESCUE: State("Entering rescue", "blue", busy=True),
    Server.Task.UNRESCUE: State("Leaving rescue", "blue", busy=True),
    Server.Task.PAUSE: State("Pausing", "blue", busy=True),
    Server.Task.UNPAUSE: State("Going on", "blue", busy=True),
    Server.Task.SUSPEND: State("Suspending to disk", "blue", busy=True),
    Server.Task.RESUME: State("Resuming", "blue", busy=True),
    Server.Task.SHELVE: State("Shelving", "blue", busy=True),
    Server.Task.UNSHELVE: State("Unshelving", "blue", busy=True),
    Server.Task.ATTACH_VOLUME: State("Attaching a volume", "blue", busy=True),
    Server.Task.DETACH_VOLUME: State("Detaching a volume", "blue", busy=True),
    Server.Task.DELETE_VOLUME: State("Removing a volume", "blue", busy=True),
    Server.Task.MODIFY_VOLUME: State("Extending a volume", "blue", busy=True),
    Server.Task.SNAPSHOT: State("Taking a snapshot", "blue", busy=True),
    Server.Task.IMAGE: State("Making an image", "blue", busy=True),
    Server.Task.FIREWALL: State("Changing its firewall", "blue", busy=True),
    Server.Task.PASSWORD: State("Setting a password", "blue", busy=True),
}
_STATES = {
    Server.Oper.BUILD: State("Building", "blue", busy=True),
    Server.Oper.STARTED: State("Running", "green"),
    Server.Oper.STOPPED: State("Stopped", "secondary"),
    Server.Oper.PAUSED: State("Paused", "yellow"),
    Server.Oper.SUSPENDED: State("Suspended to disk", "secondary"),
    Server.Oper.SHELVED: State("Shelved", "secondary"),
    Server.Oper.RESIZED: State("Resized, to be confirmed", "yellow"),
    Server.Oper.ERROR: State("Error", "red"),
    Server.Oper.DESTROYED: State("Deleted", "secondary"),
}
_OFFERS = (
    (Action.START, Offer("start", "Start", "play")),
    (Action.STOP, Offer("stop", "Stop", "stop")),
    (Action.REBOOT, Offer("reboot", "Reboot", "reboot")),
    (Action.UNPAUSE, Offer("unpause", "Go on", "play")),
    (Action.RESUME, Offer("resume", "Resume", "play")),
    (Action.UNSHELVE, Offer("unshelve", "Unshelve", "play")),
    (Action.CONFIRM, Offer("confirm-resize", "Confirm its size", "play")),
    (Action.REVERT, Offer("revert-resize", "Old size again", "reboot")),
    (Action.REBOOT, Offer("hard-reboot", "Hard reboot", "bolt", minor=True)),
    (Action.PAUSE, Offer("pause", "Pause", "stop", minor=True)),
    (Action.SUSPEND, Offer("suspend", "Suspend to disk", "stop", minor=True)),
    (Action.SHELVE, Offer("shelve", "Shelve", "stop", minor=True)),
    (Action.UNRESCUE, Offer("unrescue", "Leave rescue", "lifebuoy")),
    (Action.LOCK, Offer("lock", "Lock", "lock", minor=True)),
    (Action.UNLOCK, Offer("unlock", "Unlock", "lock")),
)
#: What is asked about first: the last word of the page that asks. ``minor`` ones lose data.
_QUESTIONS = (
    (Action.RESIZE, Offer("size", "Resize…", "size")),
    (Action.IMAGE, Offer("image", "Create image…", "box")),
    (Action.RESCUE, Offer("rescue", "Rescue…", "lifebuoy")),
    (Action.REBUILD, Offer("rebuild", "Rebuild…", "undo", minor=True)),
)
_RESCUES = (Action.RESCUE, Action.UNRESCUE)


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
        found = [address for port in self.server.ports.all() for address in port.addresses.all()]
        return [address for address in found if not address.floating_ip]

    @property
    def floating_ips(self) -> list[IPAddress]:
        return self.leading_floating_ips + self.own_floating_ips

    @property
    def leading_floating_ips(self) -> list[IPAddress]:
        """Those that lead to a card of the server's."""
        return [address for port in self.server.ports.all() for address in port.floating_ips.all()]

    @property
    def own_floating_ips(self) -> list[IPAddress]:
        """Those that a card on the public network has as its own."""
        found = [address for port in self.server.ports.all() for address in port.addresses.all()]
        return [address for address in found if address.floating_ip]

    @property
    def first_ip(self) -> str:
        """The address that one would look for: a floating one before a fixed one."""
        return next((ip.address for ip in (*self.floating_ips, *self.fixed_ips)), "")

    @property
    def offers(self) -> list[Offer]:
        return [offer for action, offer in _OFFERS if self._may(action)]

    @property
    def questions(self) -> list[Offer]:
        """What is asked about first; the names of these are the addresses of their pages."""
        page = f"/ui/servers/{self.server.uuid}/"
        return [
            dataclasses.replace(offer, name=f"{page}{offer.name}/")
            for action, offer in _QUESTIONS
            if self._may(action)
        ]

    @property
    def has_menu(self) -> bool:
        return self.may_be_renamed or self.may_be_deleted or any(offer.minor for offer in self.offers)

    @property
    def may_be_tagged(self) -> bool:
        return self._may(Action.TAG) and self.server.task != Server.Task.DESTROY

    @property
    def has_screen(self) -> bool:
        blocked = self.server.suspended and not self.caller.is_admin
        return self.server.operstate == Server.Oper.STARTED and not blocked

    @property
    def ask_delete(self) -> str:
        """Where one is asked before it is deleted."""
        return f"/ui/servers/delete/?server={self.server.uuid}"

    @property
    def may_be_renamed(self) -> bool:
        return self._may(Action.RENAME)

    @property
    def may_be_deleted(self) -> bool:
        return self._may(Action.DESTROY) and self.server.task != Server.Task.DESTROY

    def _may(self, action: Action) -> bool:
        """Whether the rules would let it happen; ``states`` decides."""
        if action is Action.REBOOT and self.server.operstate != Server.Oper.STARTED:
            return False  # it would be a start, which is offered under its own name
        if action in _RESCUES and not settings.CYCLADES_RESCUE_ENABLED:
            return False
        if action is (Action.LOCK if self.server.locked else Action.UNLOCK):
            return False
        if action is Action.LOCK and self.server.task == Server.Task.DESTROY:
            return False
        if action is Action.UNLOCK and self.server.locked_by == "admin" and not self.caller.is_admin:
            return False
        try:
            require(self.server, action, is_admin=self.caller.is_admin)
        except Fault:
            return False
        return True


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
    if server.rescue:
        return State("In rescue", "yellow")
    return _STATES[Server.Oper(server.operstate)]


def size_of(flavor: Flavor) -> str:
    cpus = "1 CPU" if flavor.cpu == 1 else f"{flavor.cpu} CPUs"
    ram, disk = show_amount(flavor.ram * MIB, "bytes"), show_amount(flavor.disk * GIB, "bytes")
    return f"{cpus}, {ram}, {disk}"
