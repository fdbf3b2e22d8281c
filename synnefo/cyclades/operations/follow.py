"""What engines say by themselves, and looking whether it is true: events, reconciliation, capacity.

Both come through ``observe``. What an engine shows wins over what the database believed, unless an
operation is under way on the server: then the operation's own outcome decides.
"""

from __future__ import annotations

import datetime
import functools
import threading
import time

import structlog
from django.conf import settings
from django.utils import timezone

from synnefo.audit.rules import record
from synnefo.common.caller import system_caller
from synnefo.common.transactions import atomic
from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.base import (
    REASON_HOST_REBOOTED,
    BackendError,
    Event,
    EventKind,
    InstanceState,
    Power,
)
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.operations.servers import RestoreServer
from synnefo.cyclades.servers import vault
from synnefo.cyclades.servers.models import Server
from synnefo.engine import background
from synnefo.engine import rules as engine
from synnefo.engine.background import Stop
from synnefo.engine.charging import charging, decide

log = structlog.get_logger("synnefo.follow")

_EVENT_POWER = {
    EventKind.POWERED_ON: Power.ON,
    EventKind.POWERED_OFF: Power.OFF,
    EventKind.CRASHED: Power.OFF,
    EventKind.REMOVED: Power.ABSENT,
}
_LOOK_FOR_ENGINES_S = 2.0
_FORGET_EVERY_S = 300


def register() -> None:
    background.follower("engines", follow_engines)
    background.periodic("reconcile-servers", settings.CYCLADES_RECONCILE_S, reconcile)
    background.periodic("forget-secrets", _FORGET_EVERY_S, vault.forget_expired)


def follow_engines(stop: Stop) -> None:
    """Listen to every engine that is online, one thread each, until told to stop."""
    threads: dict[int, threading.Thread] = {}
    while not stop():
        for row in Backend.objects.filter(offline=False):
            if row.pk not in threads or not threads[row.pk].is_alive():
                listen = functools.partial(_listen, row, stop)
                threads[row.pk] = threading.Thread(target=listen, name=f"engine-{row.name}", daemon=True)
                threads[row.pk].start()
        end = time.monotonic() + _LOOK_FOR_ENGINES_S
        while not stop() and time.monotonic() < end:
            time.sleep(0.1)


def _listen(row: Backend, stop: Stop) -> None:
    try:
        driver = registry.engine(row)
        driver.ensure()
        log.info("engine ready", backend=row.name, **driver.describe())
        driver.follow(functools.partial(on_event, row), stop)
    except BackendError as error:
        log.warning("cannot follow engine", backend=row.name, error=str(error))


def on_event(backend: Backend, event: Event) -> None:
    """An engine told something. A reset changes nothing that is stored but the time."""
    log.info("engine event", instance=event.instance, kind=event.kind.value, message=event.message)
    server_id = server_id_of(event.instance)
    if server_id is None:
        return
    if event.kind is EventKind.RESET:
        Server.objects.filter(pk=server_id, deleted=False).update(updated=timezone.now())
        return
    reason = event.message or ("crashed" if event.kind is EventKind.CRASHED else "")
    observe(server_id, InstanceState(event.instance, _EVENT_POWER[event.kind], reason), timezone.now())


def reconcile() -> None:
    """Compare all servers with what their engines have, and refresh the engines' capacities."""
    for backend in Backend.objects.filter(offline=False):
        looked_at = timezone.now()
        try:
            driver = registry.engine(backend)
            seen = {state.name: state for state in driver.instances()}
            registry.look(backend)
        except BackendError as error:
            log.warning("cannot look at engine", backend=backend.name, error=str(error))
            continue
        for server in Server.objects.filter(backend=backend, deleted=False, updated__lt=looked_at):
            state = seen.get(server.engine_name, InstanceState(server.engine_name, Power.ABSENT))
            if differs(server, state):
                observe(server.pk, state, looked_at)


def observe(server_id: int, state: InstanceState, at: datetime.datetime) -> None:
    """Write what was seen at a time, with its effect on quota, unless something newer is known."""
    found = Server.objects.select_related("flavor").filter(pk=server_id, deleted=False).first()
    if found is None or not differs(found, state):
        return
    if state.power is Power.OFF and state.reason == REASON_HOST_REBOOTED and found.wanted_on:
        _restore(found, at)
        return
    oper, change = _meaning(found, state)
    with charging(found.userid, found.project, change, name="engine: observed", force=True) as serial:
        server = _idle(server_id, at)
        fits = server is not None and server.operstate == found.operstate
        decide(serial, accept=fits)
        if server is None or not fits:
            return
        server.operstate, server.fault = oper, state.reason
        server.wanted_on = oper in (Server.Oper.STARTED, Server.Oper.PAUSED)
        server.save()
        seen = {"before": found.operstate, "now": str(oper), "reason": state.reason}
        record(
            system_caller("engine"),
            "server.observed",
            Server.TARGET,
            server.pk,
            project=server.project,
            **seen,
        )


def server_id_of(instance: str) -> int | None:
    """``snf-42`` to 42; None for names that are not of this installation."""
    prefix: str = settings.BACKEND_PREFIX_ID
    rest = instance.removeprefix(prefix)
    return int(rest) if instance.startswith(prefix) and rest.isdigit() else None


def differs(server: Server, state: InstanceState) -> bool:
    if server.task or server.operstate == Server.Oper.BUILD:
        return False
    return _seen_as(server, state.power) != server.operstate


def _seen_as(server: Server, power: Power) -> Server.Oper:
    """The state that an observation means. Who rests on disk or waits for his owner's word is off or on."""
    now = Server.Oper(server.operstate)
    if power is Power.ABSENT:
        return Server.Oper.ERROR
    if power is Power.OFF:
        rests = (Server.Oper.SHELVED, Server.Oper.SUSPENDED, Server.Oper.RESIZED, Server.Oper.ERROR)
        return now if now in rests else Server.Oper.STOPPED
    if now is Server.Oper.RESIZED:
        return now
    return {Power.PAUSED: Server.Oper.PAUSED, Power.SAVED: Server.Oper.SUSPENDED}.get(
        power, Server.Oper.STARTED
    )


def _meaning(server: Server, state: InstanceState) -> tuple[Server.Oper, dict[str, int]]:
    """The state that an observation means, and what it changes in the charge."""
    now = _seen_as(server, state.power)
    runs = Server(operstate=now).charged_as_running
    if runs == server.charged_as_running:
        return now, {}
    sign = 1 if runs else -1
    return now, {name: sign * amount for name, amount in server.flavor.running_charge.items()}


def _restore(found: Server, at: datetime.datetime) -> None:
    with atomic():
        server = _idle(found.pk, at)
        if server is None:
            return
        server.task = Server.Task.START
        server.save(update_fields=("task", "updated"))
        system = system_caller("engine")
        engine.start(
            RestoreServer, targets=[(Server.TARGET, server.pk)], actor=system, project=server.project
        )
        record(system, "server.restore", Server.TARGET, server.pk, project=server.project)


def _idle(server_id: int, at: datetime.datetime) -> Server | None:
    """The server's row, locked, if nothing is under way on it and nothing newer was written."""
    server = Server.objects.select_for_update(of=("self",)).get(pk=server_id)
    if (
        server.deleted
        or server.task
        or server.updated > at
        or engine.active_on(Server.TARGET, server_id).exists()
    ):
        return None
    return server
