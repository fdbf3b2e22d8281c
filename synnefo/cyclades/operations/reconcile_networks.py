"""Looking whether engines have the networks and routers that they should have, and putting it right.

What is missing is applied again; what an engine has though nothing here says so is an orphan. The dispatcher
looks by itself and repairs what is missing; orphans are removed by ``reconcile-networks --fix-all``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import structlog
from django.conf import settings

from synnefo.common.caller import system_caller
from synnefo.common.transactions import atomic
from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.base import Backend as Engine
from synnefo.cyclades.backends.base import BackendError, Fence
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.networks.models import BackendNetwork, BackendRouter, Network, Router
from synnefo.cyclades.networks.state import ROUTER, TARGET, lock, lock_router
from synnefo.cyclades.operations.networks import changed
from synnefo.cyclades.operations.routers import router_changed
from synnefo.engine import background
from synnefo.engine.models import Target

log = structlog.get_logger("synnefo.reconcile")

#: Higher than any revision: nothing is known of what is removed by it.
_LAST_FENCE = Fence(operation=2**62, attempt=0)


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that is otherwise in an engine. ``number`` is the network's or router's, 0 of an orphan.

    ``tried``: the last operation on it failed.
    """

    backend: Backend
    kind: str
    name: str
    what: str
    number: int = 0
    tried: bool = False

    def __str__(self) -> str:
        return f"{self.backend.name}: {self.kind} {self.name}: {self.what}"


MISSING, ORPHAN, BEHIND = "is missing", "is there, but belongs to nothing", "is behind"


def register() -> None:
    background.periodic("reconcile-networks", settings.CYCLADES_RECONCILE_S, look_and_repair)


def look_and_repair() -> None:
    """What a dispatcher does now and then: bring back what is missing or behind, on engines that answer."""
    for backend in Backend.objects.filter(offline=False):
        try:
            findings = look(backend)
        except BackendError as error:
            log.warning("cannot look at networks", backend=backend.name, error=str(error))
            continue
        for finding in findings:
            if finding.what is not ORPHAN and not finding.tried:
                log.warning("repairing", finding=str(finding))
                repair(finding)


def look(backend: Backend) -> list[Finding]:
    """What differs between an engine and what it should have. Raises BackendError."""
    driver = registry.engine(backend)
    networks, routers = set(driver.networks()), set(driver.routers())
    held = BackendNetwork.objects.filter(backend=backend, network__deleting=False)
    joined = BackendRouter.objects.filter(backend=backend, router__deleting=False)
    in_engine = [(row.network, row.applied) for row in held.select_related("network")]
    joining = [(row.router, row.applied) for row in joined.select_related("router")]
    return [
        *_differing(backend, TARGET, in_engine, networks),
        *_differing(backend, ROUTER, joining, routers),
        *_orphans(backend, networks, routers),
    ]


def repair(finding: Finding) -> None:
    """Apply again what is missing or behind, remove what is an orphan. Raises BackendError."""
    if finding.what is ORPHAN:
        _remove(registry.engine(finding.backend), finding)
        return
    with atomic():
        if finding.kind == TARGET:
            changed(lock(finding.number), system_caller())
        else:
            router_changed(lock_router(finding.number), system_caller())


def _differing(
    backend: Backend, kind: str, held: Sequence[tuple[Network | Router, int]], seen: set[str]
) -> list[Finding]:
    """What an engine was told of and has not, or not as it is now; what is being worked on is passed over."""
    busy = set(Target.objects.filter(kind=kind, active=True).values_list("object_id", flat=True))
    found = []
    for thing, applied in held:
        if applied and thing.pk not in busy:
            what = MISSING if thing.engine_name not in seen else BEHIND if applied < thing.revision else ""
            if what:
                found.append(Finding(backend, kind, thing.engine_name, what, thing.pk, bool(thing.fault)))
    return found


def _orphans(backend: Backend, networks: set[str], routers: set[str]) -> list[Finding]:
    """Looked up after the engine was asked, so that what came into being meanwhile is known."""
    prefix = re.escape(settings.BACKEND_PREFIX_ID)
    known = {
        row.network.engine_name
        for row in BackendNetwork.objects.filter(backend=backend).select_related("network")
    }
    legs = {
        row.router.engine_name
        for row in BackendRouter.objects.filter(backend=backend).select_related("router")
    }
    return [
        Finding(backend, kind, name, ORPHAN)
        for kind, seen, held, pattern in (
            (TARGET, networks, known, rf"{prefix}net-\d+"),
            (ROUTER, routers, legs, rf"{prefix}router-\d+"),
        )
        for name in sorted(seen - held)
        if re.fullmatch(pattern, name)
    ]


def _remove(driver: Engine, finding: Finding) -> None:
    if finding.kind == TARGET:
        driver.remove_network(finding.name, _LAST_FENCE)
    else:
        driver.remove_router(finding.name, _LAST_FENCE)
