"""Removing from an engine what no row knows."""

from __future__ import annotations

from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.operations.base import BackendProcedure
from synnefo.cyclades.servers.models import Server
from synnefo.engine.procedure import Move, step


class RemoveOrphan(BackendProcedure):
    """``payload``: ``backend`` is the engine's number, ``server`` that of the server that it once was."""

    kind = "server.remove-orphan"
    deadline_s = 3600.0

    @step(undo=None, because="nobody knows it, so nobody misses it")
    def remove(self) -> Move:
        """One that got a row meanwhile stays."""
        if Server.objects.filter(pk=self.payload["server"], deleted=False).exists():
            return self.done()
        self.job = self.engine_of(self._backend).delete(
            Server(pk=self.payload["server"]).engine_name, self.fence
        )
        return self.next()

    @step(undo=None, because="waiting changes nothing")
    def wait(self) -> Move:
        return self.wait_for(self.engine_of(self._backend))

    def finish(self, error: str) -> None:
        """Nothing here knew of it."""

    @property
    def _backend(self) -> Backend:
        return Backend.objects.get(pk=self.payload["backend"])
