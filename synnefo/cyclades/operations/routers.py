"""Operations on routers: bringing engines up to date with what the database wants, and removal."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from synnefo.common.caller import Caller, system_caller
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.networks.models import Network, Port, Router
from synnefo.cyclades.networks.state import ROUTER, lock_router
from synnefo.cyclades.operations.base import BackendProcedure
from synnefo.cyclades.operations.networks import bring, revision_fence
from synnefo.cyclades.operations.pictures import gates_of
from synnefo.engine import rules as engine
from synnefo.engine.procedure import Move, step


def router_changed(router: Router, actor: Caller) -> None:
    """Engines must learn of a change; the router is locked. Its legs are there once they have."""
    router.revision += 1
    router.save(update_fields=("revision", "updated"))
    if not _engines_of(router).exists():
        _legs_are_there(router)
    elif not engine.active_on(ROUTER, router.pk).exists():
        engine.start(ApplyRouter, targets=[(ROUTER, router.pk)], actor=actor, project=router.project)


def gateways_changed(network: Network, actor: Caller) -> None:
    """What floating IPs lead to on a locked network changed: its gateways' routers do the translation."""
    for router_id in sorted(set(gates_of(network).values())):
        router_changed(lock_router(router_id), actor)


class ApplyRouter(BackendProcedure):
    """Bring every engine that has the router, or a network of its, up to its newest revision."""

    kind = "router.apply"

    @step(undo=None, because="a newer picture is never taken back; the next change carries it on")
    def push(self) -> Move:
        router = Router.objects.get(pk=self.target(ROUTER))
        for backend in _engines_of(router).filter(offline=False):
            bring(router.pk, backend, self)
        return self.done()

    def finish(self, error: str) -> None:
        router = lock_router(self.target(ROUTER))
        router.state = Router.State.ERROR if error else Router.State.ACTIVE
        router.fault = error
        router.save(update_fields=("state", "fault", "updated"))
        if error:
            return
        _legs_are_there(router)
        rows = router.in_backends.filter(backend__offline=False)
        if rows.filter(applied__lt=router.revision).exists():
            self.row.targets.update(active=False)
            engine.start(
                ApplyRouter, targets=[(ROUTER, router.pk)], actor=system_caller(), project=router.project
            )


class RemoveRouter(BackendProcedure):
    """Take a router away from every engine that has it."""

    kind = "router.remove"

    @step(undo=None, because="what is removed stays removed; the router is gone for its owner")
    def remove(self) -> Move:
        router = Router.objects.get(pk=self.target(ROUTER))
        for row in router.in_backends.select_related("backend"):
            self.engine_of(row.backend).remove_router(router.engine_name, revision_fence(router.revision))
        return self.done()

    def finish(self, error: str) -> None:
        router = lock_router(self.target(ROUTER))
        if error:
            router.deleting, router.state, router.fault = False, Router.State.ERROR, error
            router.save(update_fields=("deleting", "state", "fault", "updated"))
        else:
            forget_router(router)


def forget_router(router: Router) -> None:
    """The end of a router that exists in no engine any more, and of its address on the public network."""
    router.ports.all().delete()
    router.delete()


def _engines_of(router: Router) -> QuerySet[Backend]:
    joined = Q(networks__network__ports__router=router, networks__network__public=False)
    return Backend.objects.filter(Q(routers__router=router) | joined).distinct()


def _legs_are_there(router: Router) -> None:
    router.ports.filter(state=Port.State.DOWN).update(state=Port.State.ACTIVE)
