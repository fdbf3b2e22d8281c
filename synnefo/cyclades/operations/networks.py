"""Operations on networks: bringing engines up to date with what the database wants, and removal.

A network brings its routers along, and a router the networks that it joins: an engine has all of them, or
none.
"""

from __future__ import annotations

import contextlib

from django.db.models import F

from synnefo.common.caller import Caller, system_caller
from synnefo.cyclades.backends.base import Fence, Fenced
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.networks.models import BackendNetwork, BackendRouter, Network, Router
from synnefo.cyclades.networks.state import TARGET, forget, lock
from synnefo.cyclades.operations.base import BackendProcedure
from synnefo.cyclades.operations.pictures import network_spec, router_spec
from synnefo.engine import rules as engine
from synnefo.engine.procedure import Move, step


def changed(network: Network, actor: Caller) -> None:
    """Engines must learn of a change; the network is locked. One operation carries any number of changes."""
    network.revision += 1
    network.save(update_fields=("revision", "updated"))
    if network.in_backends.exists() and not engine.active_on(TARGET, network.pk).exists():
        engine.start(ApplyNetwork, targets=[(TARGET, network.pk)], actor=actor, project=network.project)


def apply(network_id: int, backend: Backend, procedure: BackendProcedure) -> None:
    """Make one engine hold the network and its routers as they shall be now, and remember the revision."""
    _let_go(network_id, backend, procedure)
    revision = _push(network_id, backend, procedure)
    routers = Router.objects.filter(ports__network=network_id, ports__network__public=False, deleting=False)
    for router_id in sorted(set(routers.values_list("pk", flat=True))):
        bring(router_id, backend, procedure)
    _confirm(network_id, backend, revision)


def bring(router_id: int, backend: Backend, procedure: BackendProcedure) -> None:
    """Make one engine hold a router as it shall be now, with the networks that it joins."""
    BackendRouter.objects.get_or_create(router_id=router_id, backend=backend)
    joined = Network.objects.filter(ports__router=router_id, public=False).distinct()
    known = BackendNetwork.objects.filter(backend=backend, applied__gte=F("network__revision"))
    for network in joined.exclude(in_backends__in=known):
        _confirm(network.pk, backend, _push(network.pk, backend, procedure))
    spec = router_spec(router_id)
    with contextlib.suppress(Fenced):
        procedure.engine_of(backend).apply_router(spec, revision_fence(spec.revision))
    rows = BackendRouter.objects.filter(router_id=router_id, backend=backend, applied__lt=spec.revision)
    rows.update(applied=spec.revision)


def revision_fence(revision: int) -> Fence:
    return Fence(operation=revision, attempt=0)


class ApplyNetwork(BackendProcedure):
    """Bring every engine that has the network up to its newest revision.

    One that is offline is brought up to it by reconciliation when it is back.
    """

    kind = "network.apply"

    @step(undo=None, because="a newer picture is never taken back; the next change carries it on")
    def push(self) -> Move:
        network_id = self.target(TARGET)
        rows = BackendNetwork.objects.filter(network_id=network_id, backend__offline=False)
        for row in rows.select_related("backend"):
            apply(network_id, row.backend, self)
        return self.done()

    def finish(self, error: str) -> None:
        network = lock(self.target(TARGET))
        network.state = Network.State.ERROR if error else Network.State.ACTIVE
        network.fault = error
        network.save(update_fields=("state", "fault", "updated"))
        rows = network.in_backends.filter(backend__offline=False)
        behind = rows.filter(applied__lt=network.revision).exists()
        if behind and not error:
            self.row.targets.update(active=False)
            engine.start(
                ApplyNetwork, targets=[(TARGET, network.pk)], actor=system_caller(), project=network.project
            )


class RemoveNetwork(BackendProcedure):
    """Take a network away from every engine that has it."""

    kind = "network.remove"

    @step(undo=None, because="what is removed stays removed; the network is gone for its owner")
    def remove(self) -> Move:
        network = Network.objects.get(pk=self.target(TARGET))
        fence = revision_fence(network.revision)
        for row in network.in_backends.select_related("backend"):
            _let_go(network.pk, row.backend, self)
            self.engine_of(row.backend).remove_network(network.engine_name, fence)
        return self.done()

    def finish(self, error: str) -> None:
        network = lock(self.target(TARGET))
        network.deleting = False
        if error:
            network.state, network.fault = Network.State.ERROR, error
            network.save(update_fields=("deleting", "state", "fault", "updated"))
        else:
            network.in_backends.all().delete()
            network.save(update_fields=("deleting",))
            forget(network)


class WithdrawNetwork(BackendProcedure):
    """Take a network away from one engine; it stays on the others."""

    kind = "network.withdraw"

    @step(undo=None, because="a server that needs it there brings it back")
    def remove(self) -> Move:
        network = Network.objects.get(pk=self.target(TARGET))
        backend = Backend.objects.get(pk=self.payload["backend"])
        _let_go(network.pk, backend, self)
        self.engine_of(backend).remove_network(network.engine_name, revision_fence(network.revision))
        return self.done()

    def finish(self, error: str) -> None:
        network = lock(self.target(TARGET))
        if not error:
            network.in_backends.filter(backend=self.payload["backend"]).delete()


def _push(network_id: int, backend: Backend, procedure: BackendProcedure) -> int:
    """Tell an engine of a network; returns the revision that it knows then.

    Operations on several targets (the network, servers in it) do this, so what fences is the revision,
    not the operation. Being fenced off means that a newer revision stands: all is well.
    """
    BackendNetwork.objects.get_or_create(network_id=network_id, backend=backend)
    spec = network_spec(network_id)
    with contextlib.suppress(Fenced):
        procedure.engine_of(backend).apply_network(spec, revision_fence(spec.revision))
    return spec.revision


def _let_go(network_id: int, backend: Backend, procedure: BackendProcedure) -> None:
    """Have routers leave a network that they have no interface in any more, which an engine does first."""
    network = Network.objects.get(pk=network_id)
    behind = BackendRouter.objects.filter(
        backend=backend, router__project=network.project, router__deleting=False,
        applied__lt=F("router__revision"),
    ).exclude(router__ports__network=network_id)  # fmt: skip
    for router_id in behind.order_by("router_id").values_list("router_id", flat=True):
        bring(router_id, backend, procedure)


def _confirm(network_id: int, backend: Backend, revision: int) -> None:
    rows = BackendNetwork.objects.filter(network_id=network_id, backend=backend, applied__lt=revision)
    rows.update(applied=revision)
