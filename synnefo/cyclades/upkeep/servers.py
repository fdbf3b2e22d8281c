"""Servers as the database has them against what their engines have, and how that is mended."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from django.db.models import QuerySet
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.transactions import atomic
from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.base import InstanceState, Power
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.operations import follow
from synnefo.cyclades.operations.orphans import RemoveOrphan
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server, ServerTag
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine import rules as engine

_LIVE = (Server.Oper.STARTED, Server.Oper.STOPPED, Server.Oper.PAUSED, Server.Oper.SUSPENDED)
_PASSING = (
    Volume.Status.CREATING, Volume.Status.ATTACHING, Volume.Status.DETACHING, Volume.Status.EXTENDING,
    Volume.Status.DELETING,
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that is not as it is written. ``kind`` is the option that mends it."""

    kind: str
    backend: str
    what: str
    mend: Callable[[Caller], object]


def look(backend: Backend) -> list[Finding]:
    """Everything that differs on an engine. Raises BackendError."""
    seen = {state.name: state for state in registry.engine(backend).instances()}
    servers = Server.objects.filter(backend=backend, deleted=False).select_related("flavor").order_by("pk")
    found = [*_of_servers(backend, servers, seen), *_orphans(backend, servers, seen)]
    return [*found, *_of_parts(backend, servers)]


def snapshots() -> list[Finding]:
    """Snapshots that are being made by nobody."""
    waiting = Image.objects.filter(is_snapshot=True, status=Image.Status.SAVING, deleted=False)
    return [
        Finding("unsynced-snapshots", "-", f"snapshot {row.uuid} is being made by nobody", _given_up(row))
        for row in waiting.order_by("pk")
        if row.volume_id is None or not engine.active_on(Volume.TARGET, row.volume_id).exists()
    ]


def _of_servers(
    backend: Backend, servers: QuerySet[Server], seen: dict[str, InstanceState]
) -> Iterator[Finding]:
    """Those on which nothing is under way."""
    for server in servers:
        if engine.active_on(Server.TARGET, server.pk).exists():
            continue
        about, state = f"server {server.pk}", seen.get(server.engine_name)
        if server.operstate == Server.Oper.BUILD:
            yield Finding(
                "unsynced", backend.name, f"{about} is being built by nobody", _built(server, state)
            )
        elif server.task:
            what = f"{about}: nobody carries out its task {server.task}"
            yield Finding("pending-tasks", backend.name, what, _without_task(server))
        elif state is None and server.operstate != Server.Oper.ERROR:
            yield Finding("stale", backend.name, f"{about} is not there", _deleted(server))
        elif state is not None and follow.differs(server, state):
            what = f"{about} is {server.operstate} here, {state.power.value} there"
            yield Finding("unsynced", backend.name, what, _observed(server, state))
        elif state is not None and server.operstate in _LIVE:
            yield from _of_making(backend, server, state)


def _of_making(backend: Backend, server: Server, state: InstanceState) -> Iterator[Finding]:
    """Its size, where a flavor of the size that its engine shows is to be had, and what it boots."""
    size = (state.vcpus, state.ram_mib)
    if None not in size and (server.flavor.cpu, server.flavor.ram) != size:
        seen = f"{state.vcpus} processors and {state.ram_mib} MiB"
        flavor = _flavor_of(server, state)
        what = f"server {server.pk} is {server.flavor.name} here, and has {seen} there"
        if flavor is None:
            yield Finding(
                "no-flavor", backend.name, f"{what}, of which there is no flavor", lambda caller: None
            )
        else:
            yield Finding("unsynced-flavors", backend.name, what, _of_flavor(server, flavor))
    if state.rescued is not None and state.rescued != server.rescue:
        what = f"server {server.pk} is {'' if server.rescue else 'not '}rescued here, but otherwise there"
        yield Finding("unsynced-rescue", backend.name, what, _rescued(server, state.rescued))


def _flavor_of(server: Server, state: InstanceState) -> Flavor | None:
    """The flavor that differs from its own in processors and memory alone, and has those of its instance."""
    own = server.flavor
    alike = Flavor.objects.filter(
        deleted=False,
        cpu=state.vcpus or 0,
        ram=state.ram_mib or 0,
        disk=own.disk,
        volume_type=own.volume_type,
        swap_mib=own.swap_mib,
        ephemeral_gib=own.ephemeral_gib,
    )
    return alike.order_by("pk").first()


def _orphans(
    backend: Backend, servers: QuerySet[Server], seen: dict[str, InstanceState]
) -> Iterator[Finding]:
    known = set(servers.values_list("pk", flat=True))
    for name in sorted(seen):
        number = follow.server_id_of(name)
        if number is not None and number not in known:
            yield Finding("orphans", backend.name, f"{name} is no server's", _removed(backend, number))


def _of_parts(backend: Backend, servers: QuerySet[Server]) -> Iterator[Finding]:
    """Tags, cards and disks of built servers that wait for an end that nobody brings."""
    built = servers.filter(operstate__in=_LIVE, task="")
    idle = [server for server in built if not engine.active_on(Server.TARGET, server.pk).exists()]
    for tag in ServerTag.objects.filter(server__in=idle, status=ServerTag.Status.PENDADD).order_by("pk"):
        what = f"server {tag.server_id}: tag {tag.tag} waits for nothing"
        yield Finding("unsynced-tags", backend.name, what, _changed(tag, status=ServerTag.Status.ACTIVE))
    for port in Port.objects.filter(server__in=idle, state=Port.State.BUILD).order_by("pk"):
        what = f"server {port.server_id}: card {port.pk} waits for nothing"
        yield Finding("unsynced-nics", backend.name, what, _changed(port, state=Port.State.ACTIVE))
    for volume in Volume.objects.filter(server__in=idle, status__in=_PASSING, deleted=False).order_by("pk"):
        if engine.active_on(Volume.TARGET, volume.pk).exists():
            continue
        what = f"server {volume.server_id}: volume {volume.pk} is {volume.status} for nobody"
        yield Finding("unsynced-disks", backend.name, what, _changed(volume, status=Volume.Status.IN_USE))


def _built(server: Server, state: InstanceState | None) -> Callable[[Caller], object]:
    """It is what its engine has of it; without an instance its building failed."""

    def mend(caller: Caller) -> None:
        power = state.power if state is not None else Power.ABSENT
        oper = {Power.ON: Server.Oper.STARTED, Power.OFF: Server.Oper.STOPPED}.get(power, Server.Oper.ERROR)
        with atomic():
            row = _locked(server)
            if row.operstate != Server.Oper.BUILD:
                return
            row.operstate, row.task = Server.Oper.STARTED if oper != Server.Oper.ERROR else oper, ""
            row.fault = "" if oper != Server.Oper.ERROR else "its building was given up"
            row.save(update_fields=("operstate", "task", "fault", "updated"))
            record(caller, "server.reconcile", Server.TARGET, row.pk, now=str(row.operstate))
        if state is not None and oper == Server.Oper.STOPPED:
            follow.observe(server.pk, state, timezone.now())

    return mend


def _without_task(server: Server) -> Callable[[Caller], object]:
    def mend(caller: Caller) -> None:
        with atomic():
            row = _locked(server)
            if row.task != server.task or engine.active_on(Server.TARGET, row.pk).exists():
                return
            row.task = ""
            row.save(update_fields=("task", "updated"))
            record(caller, "server.reconcile", Server.TARGET, row.pk, task=server.task)

    return mend


def _deleted(server: Server) -> Callable[[Caller], object]:
    return lambda caller: rules.delete(caller, server.uuid)


def _observed(server: Server, state: InstanceState) -> Callable[[Caller], object]:
    return lambda caller: follow.observe(server.pk, state, timezone.now())


def _of_flavor(server: Server, flavor: Flavor) -> Callable[[Caller], object]:
    """What it costs now is charged by ``reconcile-resources-cyclades``, as limits may not allow it."""

    def mend(caller: Caller) -> None:
        with atomic():
            row = _locked(server)
            if row.flavor_id != server.flavor_id or engine.active_on(Server.TARGET, row.pk).exists():
                return
            row.flavor = flavor
            row.save(update_fields=("flavor", "updated"))
            record(caller, "server.reconcile", Server.TARGET, row.pk, flavor=flavor.name)

    return mend


def _rescued(server: Server, rescued: bool) -> Callable[[Caller], object]:
    def mend(caller: Caller) -> None:
        with atomic():
            row = _locked(server)
            if row.rescue != server.rescue or engine.active_on(Server.TARGET, row.pk).exists():
                return
            row.rescue = rescued
            if not rescued:
                row.rescue_image, row.rescue_ref = None, ""
            row.save(update_fields=("rescue", "rescue_image", "rescue_ref", "updated"))
            record(caller, "server.reconcile", Server.TARGET, row.pk, rescue=rescued)

    return mend


def _removed(backend: Backend, number: int) -> Callable[[Caller], object]:
    def mend(caller: Caller) -> None:
        with atomic():
            payload = {"backend": backend.pk, "server": number}
            engine.start(RemoveOrphan, targets=[(Server.TARGET, number)], actor=caller, payload=payload)
            record(caller, "server.remove-orphan", "backend", backend.pk, name=backend.name, server=number)

    return mend


def _changed(row: ServerTag | Port | Volume, **values: str) -> Callable[[Caller], object]:
    """Unless it has changed since."""

    def mend(caller: Caller) -> None:
        before = {name: getattr(row, name) for name in values}
        with atomic():
            if type(row)._default_manager.filter(pk=row.pk, **before).update(**values):
                record(caller, "server.reconcile", Server.TARGET, row.server_id, part=str(row), **values)

    return mend


def _given_up(image: Image) -> Callable[[Caller], object]:
    def mend(caller: Caller) -> None:
        with atomic():
            rows = Image.objects.filter(pk=image.pk, status=Image.Status.SAVING)
            if rows.update(status=Image.Status.ERROR, updated=timezone.now()):
                record(caller, "image.reconcile", "image", image.pk, now="ERROR")

    return mend


def _locked(server: Server) -> Server:
    return Server.objects.select_for_update(of=("self",)).get(pk=server.pk)
