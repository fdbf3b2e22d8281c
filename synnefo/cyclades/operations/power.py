"""Operations that put a server's processors or memory to rest, and wake it: pause, suspend, shelve."""

from __future__ import annotations

from django.conf import settings

from synnefo.cyclades.operations.servers import ServerProcedure
from synnefo.cyclades.servers.models import Server
from synnefo.engine.procedure import Move, step

Oper = Server.Oper


class PauseServer(ServerProcedure):
    kind = "server.pause"

    @step(undo=None, because="a pause that failed is looked at; nothing was lost")
    def halt(self) -> Move:
        server = self.server()
        engine = self.engine(server)
        return self.through(engine, lambda: engine.pause(server.engine_name, self.fence))

    def finish(self, error: str) -> None:
        self.settle(None if error else Oper.PAUSED, error)


class SuspendServer(ServerProcedure):
    kind = "server.suspend"

    @step(undo=None, because="memory that could not be written is still where it was")
    def save(self) -> Move:
        server = self.server()
        engine = self.engine(server)
        return self.through(engine, lambda: engine.save(server.engine_name, self.fence))

    def finish(self, error: str) -> None:
        self.settle(None if error else Oper.SUSPENDED, error, wanted_on=bool(error))


class ShelveServer(ServerProcedure):
    """Its disks stay on the engine; it holds nothing else."""

    kind = "server.shelve"

    @step(undo=None, because="a half-stopped guest is still the user's to start")
    def halt(self) -> Move:
        server = self.server()
        engine, timeout_s = self.engine(server), settings.CYCLADES_SHUTDOWN_TIMEOUT_S
        return self.through(engine, lambda: engine.stop(server.engine_name, self.fence, timeout_s=timeout_s))

    def finish(self, error: str) -> None:
        if not error:
            self.settle(Oper.SHELVED, "", wanted_on=False)
            return
        server = self.settle(None, error)
        server.wanted_on = server.charged_as_running
        server.save(update_fields=("wanted_on",))


class WakeServer(ServerProcedure):
    """Let a server that rests go on, or boot it: one operation for all kinds of rest."""

    @step(undo=None, because="what did not wake rests on; what did is looked at")
    def power_on(self) -> Move:
        server = self.server()
        self.join_networks(server)
        engine = self.engine(server)
        return self.through(engine, lambda: engine.start(server.engine_name, self.fence))

    def finish(self, error: str) -> None:
        server = self.settle(None if error else Oper.STARTED, error)
        server.wanted_on = server.operstate in (Oper.STARTED, Oper.PAUSED)
        server.save(update_fields=("wanted_on",))


class UnpauseServer(WakeServer):
    kind = "server.unpause"


class ResumeServer(WakeServer):
    kind = "server.resume"


class UnshelveServer(WakeServer):
    kind = "server.unshelve"
