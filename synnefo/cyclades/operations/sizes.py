"""Operations that give a server another size, and take that back."""

from __future__ import annotations

from django.conf import settings

from synnefo.cyclades.backends.base import Backend
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.operations.server_volumes import VolumeProcedure
from synnefo.cyclades.operations.servers import ServerProcedure
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine.procedure import Move, step


class ResizeServer(ServerProcedure):
    """``payload``: ``flavor`` and ``old`` are ids, ``runs`` says whether it is on before and after,
    ``confirm`` whether it waits for its owner's word after that."""

    kind = "server.resize"

    @step(undo="start_again", because="what ran runs on at its old size")
    def halt(self) -> Move:
        if not self.payload["runs"]:
            return self.next()
        server = self.server()
        engine, timeout_s = self.engine(server), settings.CYCLADES_SHUTDOWN_TIMEOUT_S
        return self.through(engine, lambda: engine.stop(server.engine_name, self.fence, timeout_s=timeout_s))

    @step(undo="change_back", because="the owner pays for the old size if this fails")
    def change(self) -> Move:
        server = self.server()
        engine = self.engine(server)
        return self.through(engine, lambda: self._make(engine, server, self.payload["flavor"]))

    @step(undo="halt_again", because="its size can be changed back only while it is off")
    def power_on(self) -> Move:
        if not self.payload["runs"]:
            return self.next()
        server = self.server()
        self.join_networks(server)
        engine = self.engine(server)
        return self.through(engine, lambda: engine.start(server.engine_name, self.fence))

    def start_again(self) -> Move:
        if not self.payload["runs"]:
            return self.next()
        server = self.server()
        engine = self.engine(server)
        return self.undone(engine, engine.start(server.engine_name, self.fence))

    def change_back(self) -> Move:
        server = self.server()
        engine = self.engine(server)
        return self.undone(engine, self._make(engine, server, self.payload["old"]))

    def halt_again(self) -> Move:
        server = self.server()
        engine = self.engine(server)
        return self.undone(engine, engine.stop(server.engine_name, self.fence, timeout_s=0))

    def finish(self, error: str) -> None:
        if error:
            self.settle(None, error)
        elif self.payload["confirm"]:
            self.settle(
                Server.Oper.RESIZED, "", flavor_id=self.payload["flavor"], old_flavor_id=self.payload["old"]
            )
        else:
            self.settle(None, "", flavor_id=self.payload["flavor"])

    def _make(self, engine: Backend, server: Server, flavor_id: int) -> str:
        flavor = Flavor.objects.get(pk=flavor_id)
        return engine.resize(server.engine_name, flavor.cpu, flavor.ram, self.fence)


class RevertResize(ResizeServer):
    """The way back: ``flavor`` is the one that it had before."""

    kind = "server.revert-resize"

    def finish(self, error: str) -> None:
        if error:
            self.settle(None, error)
            return
        oper = Server.Oper.STARTED if self.payload["runs"] else Server.Oper.STOPPED
        self.settle(oper, "", flavor_id=self.payload["flavor"], old_flavor_id=None)


class ConfirmResize(VolumeProcedure):
    """The end of a resize to a larger disk: its first volume grows, which has no way back."""

    kind = "server.confirm-resize"

    @step(undo=None, because="a disk never shrinks; one that could not grow is as it was")
    def grow(self) -> Move:
        volume = self.volume()
        engine = self.engine(self.server())
        size_gib: int = self.payload["size_gib"]
        return self.through(engine, lambda: engine.extend_volume(volume.engine_name, size_gib, self.fence))

    def finish(self, error: str) -> None:
        server = self.settle(None, error)
        self.stay(error)
        if not error:
            Volume.objects.filter(pk=self.target(Volume.TARGET)).update(size_gib=self.payload["size_gib"])
            server.operstate = Server.Oper.STARTED if server.wanted_on else Server.Oper.STOPPED
            server.old_flavor = None
            server.save(update_fields=("operstate", "old_flavor", "updated"))
