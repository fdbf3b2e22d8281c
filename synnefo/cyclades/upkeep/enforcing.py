"""What has to go where more is used than may be, because a limit was lowered: planned here, then carried out.

Nothing is planned for a resource that was not named. Pools of projects come before users' shares of them.
Who loses something first: broken servers, those that are built, stopped ones, running ones, and among equals
the youngest; addresses and disks that nothing uses before those in use.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Iterable, Iterator

from synnefo.common.accounts import Held, accounts
from synnefo.common.caller import Caller
from synnefo.common.units import GIB, MIB
from synnefo.cyclades.networks import floating
from synnefo.cyclades.networks.models import IPAddress
from synnefo.cyclades.servers import cards, rules
from synnefo.cyclades.servers import volumes as disks
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.volumes import rules as volumes
from synnefo.cyclades.volumes.models import Volume

#: In the order in which they are looked at.
RESOURCES = (
    "cyclades.floating_ip", "cyclades.cpu", "cyclades.ram", "cyclades.vm", "cyclades.total_cpu",
    "cyclades.total_ram", "cyclades.disk",
)  # fmt: skip
#: Those that have a milder remedy.
SOFT = ("cyclades.floating_ip", "cyclades.vm", "cyclades.total_cpu", "cyclades.total_ram")
_RUNNING = ("cyclades.cpu", "cyclades.ram")

_FIRST = {Server.Oper.ERROR: 0, Server.Oper.BUILD: 1, Server.Oper.STOPPED: 2}
_LATER = 3


@dataclasses.dataclass(frozen=True)
class Violation:
    """More is used than may be; ``unresolved`` of it no action frees."""

    resource: str
    holder: str
    source: str | None
    usage: int
    limit: int
    unresolved: int


@dataclasses.dataclass(frozen=True)
class Action:
    """What is to be done with one thing; ``frees`` is what that is worth, by resource."""

    verb: str
    noun: str
    row: Server | Volume | IPAddress
    frees: dict[str, int]
    carry_out: Callable[[Caller], object]

    @property
    def destroys(self) -> bool:
        return self.verb == "delete"


@dataclasses.dataclass(frozen=True)
class Wish:
    """What is to be looked at, and how far it may go."""

    resources: Container[str]
    soft: Container[str] = ()
    users: Container[str] | None = None
    exclude_users: Container[str] = ()
    projects: Container[str] | None = None
    exclude_projects: Container[str] = ()
    system_volumes: bool = False
    cascade: bool = False


class Plan:
    """Violations and the actions that end them. Making it changes nothing."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._actions: dict[tuple[str, int], Action] = {}
        self.violations = [self._resolved(resource, held) for resource, held in _exceeded(wish)]

    @property
    def actions(self) -> list[Action]:
        """Addresses first, then servers, then disks that do not go with one."""
        order = {"floating IP": 0, "server": 1, "volume": 2}
        gone = {key for (noun, key), one in self._actions.items() if noun == "server" and one.destroys}
        kept = [one for one in self._actions.values() if _server_of(one) not in gone]
        return sorted(kept, key=lambda one: (order[one.noun], one.row.pk))

    def _resolved(self, resource: str, held: Held) -> Violation:
        left = held.usage - held.limit
        left -= sum(one.frees.get(resource, 0) for one in self._actions.values() if _pays(one.row, held))
        for action in self._remedies(resource, held):
            if left <= 0:
                break
            left -= action.frees.get(resource, 0)
            self._actions[action.noun, action.row.pk] = action
        return Violation(resource, held.holder, held.source, held.usage, held.limit, max(0, left))

    def _remedies(self, resource: str, held: Held) -> Iterator[Action]:
        soft = resource in self._wish.soft
        if resource == "cyclades.floating_ip":
            return _of_addresses(held, soft=soft)
        if resource == "cyclades.disk":
            return _of_volumes(held, self._wish)
        return self._of_servers(held, stop=soft or resource in _RUNNING)

    def _of_servers(self, held: Held, *, stop: bool) -> Iterator[Action]:
        rows = [row for row in _servers() if _pays(row, held)]
        for server in sorted(rows, key=_victim):
            known = self._actions.get(("server", server.pk))
            if known is not None and (known.destroys or stop):
                continue
            broken = server.operstate == Server.Oper.ERROR
            if stop and not broken:
                if server.operstate == Server.Oper.STARTED:
                    yield _stopping(server)
            else:
                yield _deletion(server)


def carry_out(caller: Caller, action: Action) -> None:
    """Raises what the rules raise."""
    action.carry_out(caller)


def _exceeded(wish: Wish) -> Iterator[tuple[str, Held]]:
    """Pools of projects (unless users are named), then shares; what a commission waits for is passed over."""
    for resource in (name for name in RESOURCES if name in wish.resources):
        held = [one for one in accounts().held(resource) if one.usage > one.limit and not one.pending]
        pools = [one for one in held if one.source is None and wish.users is None]
        for one in (*pools, *(one for one in held if one.source is not None)):
            user, project = _names(one)
            if _chosen(project, wish.projects, wish.exclude_projects) and (
                one.source is None or _chosen(user, wish.users, wish.exclude_users)
            ):
                yield resource, one


def _names(held: Held) -> tuple[str, str]:
    """User (none of a pool) and project."""
    project = (held.source or held.holder).removeprefix("project:")
    return ("" if held.source is None else held.holder.removeprefix("user:")), project


def _chosen(name: str, wanted: Container[str] | None, excluded: Container[str]) -> bool:
    return (wanted is None or name in wanted) and name not in excluded


def _pays(row: Server | Volume | IPAddress, held: Held) -> bool:
    user, project = _names(held)
    return row.project == project and (not user or row.userid == user)


def _servers() -> Iterable[Server]:
    return Server.objects.filter(deleted=False).select_related("flavor")


def _victim(server: Server) -> tuple[int, int]:
    return _FIRST.get(Server.Oper(server.operstate), _LATER), -server.pk


def _stopping(server: Server) -> Action:
    frees = {"cyclades.cpu": server.flavor.cpu, "cyclades.ram": server.flavor.ram * MIB}
    return Action("stop", "server", server, frees, lambda caller: rules.stop(caller, server.uuid))


def _deletion(server: Server) -> Action:
    running = server.flavor.running_charge if server.charged_as_running else {}
    own = server.volumes.filter(deleted=False, project=server.project, userid=server.userid)
    gone = sum(volume.size_gib for volume in own if volume.delete_on_termination) * GIB
    frees = {**server.flavor.lasting_charge, **running, "cyclades.disk": gone}
    return Action("delete", "server", server, frees, lambda caller: rules.delete(caller, server.uuid))


def _of_addresses(held: Held, *, soft: bool) -> Iterator[Action]:
    """Free ones, then those of servers in the order in which these would go."""
    rows = IPAddress.objects.filter(floating_ip=True).select_related("port__server", "nat_port__server")
    mine = [row for row in rows if _pays(row, held)]
    for ip in sorted(mine, key=lambda row: (_holder_of(row) is not None, *_victim_with(row))):
        used = ip.port_id is not None or ip.nat_port_id is not None
        if soft and not used:
            continue
        frees = {} if soft else {"cyclades.floating_ip": 1}
        yield Action(
            "detach" if soft else "delete",
            "floating IP",
            ip,
            frees,
            _detaching(ip) if soft else _releasing(ip),
        )


def _holder_of(ip: IPAddress) -> Server | None:
    port = ip.port or ip.nat_port
    return port.server if port is not None else None


def _victim_with(ip: IPAddress) -> tuple[int, int]:
    server = _holder_of(ip)
    return _victim(server) if server is not None else (0, -ip.pk)


def _detaching(ip: IPAddress) -> Callable[[Caller], object]:
    def detach(caller: Caller) -> None:
        now = floating.get(caller, ip.uuid)
        if now.port is not None:
            cards.unplug(caller, now.port)
        elif now.nat_port is not None:
            floating.associate(caller, now.uuid, None)

    return detach


def _releasing(ip: IPAddress) -> Callable[[Caller], object]:
    """One that is a card's goes when the card has gone: the command asks again."""

    def release(caller: Caller) -> None:
        if floating.get(caller, ip.uuid).port_id is not None:
            _detaching(ip)(caller)
            return
        floating.delete(caller, ip.uuid)

    return release


def _of_volumes(held: Held, wish: Wish) -> Iterator[Action]:
    """Free ones first; a server's first disk goes with the server, if that may be."""
    rows = Volume.objects.filter(deleted=False).select_related("server__flavor")
    mine = [row for row in rows if _pays(row, held)]
    for volume in sorted(mine, key=lambda row: (row.server_id is not None, row.index == 0, -row.pk)):
        server = volume.server
        if server is None or volume.index != 0:
            yield _removal(volume)
        elif wish.system_volumes and (wish.cascade or server.volumes.filter(deleted=False).count() == 1):
            yield _deletion(server)


def _removal(volume: Volume) -> Action:
    def remove(caller: Caller) -> None:
        if volume.server is None:
            volumes.delete(caller, volume.uuid)
        else:
            disks.delete(caller, volume.server.uuid, volume.uuid)

    return Action("delete", "volume", volume, volumes.cost(volume), remove)


def _server_of(action: Action) -> int | None:
    return action.row.server_id if isinstance(action.row, Volume) else None
