"""Operations on servers: making, starting, stopping, rebooting and removing them.

Each ends in one transaction that says what became of the server.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import timezone

from synnefo.common.caller import system_caller
from synnefo.cyclades.backends.base import Backend, GuestFile, GuestSetup, InstanceSpec
from synnefo.cyclades.networks.history import disassociated
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.networks.state import lock as lock_network
from synnefo.cyclades.operations import disks
from synnefo.cyclades.operations.base import POLL_S, BackendProcedure
from synnefo.cyclades.operations.networks import apply, changed
from synnefo.cyclades.operations.pictures import card_of, host_name
from synnefo.cyclades.operations.ports import discard
from synnefo.cyclades.servers import diagnostics
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine.procedure import Move, StepFailed, step

_IMAGE_POLL_S = 1.0


class ServerProcedure(BackendProcedure):
    """An operation on one server, and how its outcome is written."""

    def server(self) -> Server:
        return Server.objects.select_related("flavor", "backend").get(pk=self.target(Server.TARGET))

    def engine(self, server: Server) -> Backend:
        if server.backend is None:
            raise StepFailed("The server is on no engine.")
        return self.engine_of(server.backend)

    def join_networks(self, server: Server) -> None:
        """Make the server's networks be in its engine, as they shall be now."""
        if server.backend is not None:
            for network_id in server.ports.values_list("network_id", flat=True).distinct():
                apply(network_id, server.backend, self)

    def undone(self, engine: Backend, job_id: str) -> Move:
        """The end of an undo that asked for a job (and asks again until it is over)."""
        return self.next() if self.is_over(engine, job_id) else self.again(POLL_S)

    def settle(self, oper: Server.Oper | None, error: str, **changes: object) -> Server:
        """Write the new state (None: as it was), the error, and that nothing is under way."""
        server = Server.objects.select_for_update(of=("self",)).get(pk=self.target(Server.TARGET))
        server.operstate = oper or server.operstate
        server.task, server.fault = Server.Task.NONE, error
        for name, value in changes.items():
            setattr(server, name, value)
        server.save()
        self.tell(server, error)
        return server

    def leave_as_it_was(self, error: str) -> Server:
        """Write that nothing is under way; what went wrong with a part of it is told, but no fault of it."""
        server = self.settle(None, "")
        self.tell(server, error)
        return server

    def tell(self, server: Server, error: str) -> None:
        """Let its owner read what went wrong, if anything did."""
        if error:
            diagnostics.note(server, diagnostics.ERROR, self.kind, error, at=timezone.now())


class GuestProcedure(ServerProcedure):
    """An operation after which a guest finds out who it is."""

    def fetch_content(self) -> Move:
        """Bring what the server's volumes are made of to the engine."""
        server = self.server()
        engine = self.engine(server)
        ready = [disks.prepared(engine, volume) for volume in _disks(server)]
        return self.next() if all(ready) else self.again(_IMAGE_POLL_S)

    def spec(self, server: Server) -> InstanceSpec:
        cards = server.ports.select_related("network").prefetch_related("addresses").order_by("index", "id")
        return InstanceSpec(
            name=server.engine_name,
            vcpus=server.flavor.cpu,
            ram_mib=server.flavor.ram,
            volumes=disks.specs_of(_disks(server)),
            nics=tuple(card_of(port) for port in cards),
            guest=self.guest(server),
            config_drive=server.config_drive,
        )

    def guest(self, server: Server) -> GuestSetup:
        return GuestSetup(
            hostname=host_name(server.name),
            instance_id=server.uuid,
            ssh_keys=tuple(self.payload.get("ssh_keys", ())),
            user_data=bytes(server.user_data),
            admin_password=self.secret.get("admin_password"),
            files=tuple(_file(value) for value in self.secret.get("files", ())),
            availability_zone=server.availability_zone,
            project=server.project,
            metadata={row.key: row.value for row in server.metadata.all()},
        )


class CreateServer(GuestProcedure):
    """``payload["given"]`` are volumes that existed before: if it fails they are free again."""

    kind = "server.create"
    deadline_s = 1800.0

    @step(undo=None, because="a network serves its other servers too; it goes when it is deleted")
    def connect(self) -> Move:
        self.join_networks(self.server())
        return self.next()

    @step(undo=None, because="content on the host serves other servers, and goes when it is not used")
    def fetch(self) -> Move:
        return self.fetch_content()

    @step(undo="remove", because="a half-made instance must not be found running later")
    def make(self) -> Move:
        server = self.server()
        self.job = self.engine(server).create(self.spec(server), self.fence)
        return self.next()

    @step(undo="remove", because="an instance that failed is of no use; its owner deletes the row")
    def wait(self) -> Move:
        return self.wait_for(self.engine(self.server()))

    def remove(self) -> Move:
        server = self.server()
        engine = self.engine(server)
        if not self.is_over(engine, engine.delete(server.engine_name, self.fence)):
            return self.again(POLL_S)
        for volume in _disks(server):
            if volume.pk not in self._given:
                job = engine.delete_volume(volume.engine_name, self.fence)
                if not self.is_over(engine, job):
                    return self.again(POLL_S)
        return self.next()

    def finish(self, error: str) -> None:
        oper = Server.Oper.ERROR if error else Server.Oper.STARTED
        launched = None if error else timezone.now()
        server = self.settle(oper, error, launched_at=launched, user_data=b"", wanted_on=not error)
        server.ports.update(state=Port.State.ERROR if error else Port.State.ACTIVE)
        self._finish_tags(server, error)
        for volume in server.volumes.select_for_update(of=("self",)):
            if not error:
                volume.status, volume.attached_at = Volume.Status.IN_USE, launched
                volume.save(update_fields=("status", "attached_at", "updated"))
                disks.made(volume, server.backend)
            elif volume.pk in self._given:
                disks.set_free(volume)
            else:
                volume.status = Volume.Status.ERROR
                volume.save(update_fields=("status", "updated"))

    def _finish_tags(self, server: Server, error: str) -> None:
        pending = server.tags.filter(status="PENDADD")
        if error:
            pending.delete()
        else:
            pending.update(status="ACTIVE")

    @property
    def _given(self) -> list[int]:
        found: list[int] = self.payload.get("given", [])
        return found


class StartServer(ServerProcedure):
    kind = "server.start"

    @step(undo="stop_again", because="a failed start must not leave a server running that is not charged")
    def power_on(self) -> Move:
        server = self.server()
        self.join_networks(server)
        self.job = self.engine(server).start(server.engine_name, self.fence)
        return self.next()

    @step(undo=None, because="the step before stops what runs")
    def wait(self) -> Move:
        return self.wait_for(self.engine(self.server()))

    def stop_again(self) -> Move:
        server = self.server()
        self.engine(server).stop(server.engine_name, self.fence, timeout_s=0)
        return self.next()

    def finish(self, error: str) -> None:
        self.settle(Server.Oper.STOPPED if error else Server.Oper.STARTED, error, wanted_on=not error)


class RestoreServer(ServerProcedure):
    """Start a server again that ran when its host went down. It is charged as running already."""

    kind = "server.restore"

    @step(undo=None, because="what did not start is noticed as stopped")
    def power_on(self) -> Move:
        server = self.server()
        self.join_networks(server)
        self.job = self.engine(server).start(server.engine_name, self.fence)
        return self.next()

    @step(undo=None, because="waiting changes nothing")
    def wait(self) -> Move:
        return self.wait_for(self.engine(self.server()))

    def finish(self, error: str) -> None:
        self.settle(Server.Oper.ERROR if error else Server.Oper.STARTED, error)


class StopServer(ServerProcedure):
    kind = "server.stop"

    @step(undo=None, because="a half-stopped guest is still the user's to start")
    def ask(self) -> Move:
        server = self.server()
        timeout_s = settings.CYCLADES_SHUTDOWN_TIMEOUT_S
        self.job = self.engine(server).stop(server.engine_name, self.fence, timeout_s=timeout_s)
        return self.next()

    @step(undo=None, because="waiting changes nothing")
    def wait(self) -> Move:
        return self.wait_for(self.engine(self.server()))

    def finish(self, error: str) -> None:
        self.settle(Server.Oper.STARTED if error else Server.Oper.STOPPED, error, wanted_on=bool(error))


class RebootServer(ServerProcedure):
    kind = "server.reboot"

    @step(undo=None, because="a reboot has no way back; the outcome is looked at")
    def ask(self) -> Move:
        server = self.server()
        timeout_s = settings.CYCLADES_SHUTDOWN_TIMEOUT_S
        engine = self.engine(server)
        self.job = engine.reboot(
            server.engine_name, self.fence, hard=self.payload["hard"], timeout_s=timeout_s
        )
        return self.next()

    @step(undo=None, because="waiting changes nothing")
    def wait(self) -> Move:
        return self.wait_for(self.engine(self.server()))

    def finish(self, error: str) -> None:
        if not error:
            self.settle(Server.Oper.STARTED, "", wanted_on=True)
            return
        server = self.settle(None, error)
        server.wanted_on = server.operstate in (Server.Oper.STARTED, Server.Oper.PAUSED)
        server.save(update_fields=("wanted_on",))


class DeleteServer(ServerProcedure):
    """``payload["kept"]`` are volumes that stay when the server goes."""

    kind = "server.delete"
    deadline_s = 3600.0

    @step(undo=None, because="a deletion that began is never taken back")
    def remove(self) -> Move:
        server = self.server()
        if server.backend is None:
            return self.done()
        self.job = self.engine(server).delete(server.engine_name, self.fence)
        return self.next()

    @step(undo=None, because="waiting changes nothing")
    def wait(self) -> Move:
        return self.wait_for(self.engine(self.server()))

    @step(undo=None, because="the server that they were made for is gone")
    def remove_volumes(self) -> Move:
        server = self.server()
        engine = self.engine(server)
        for volume in _disks(server):
            if volume.pk not in self._kept:
                job = engine.delete_volume(volume.engine_name, self.fence)
                if not self.is_over(engine, job):
                    return self.again(POLL_S)
        return self.next()

    def finish(self, error: str) -> None:
        if error:
            self.settle(Server.Oper.ERROR, error)
            return
        gone = {"deleted": True, "deleted_at": timezone.now(), "user_data": b"", "rescue": False}
        server = self.settle(Server.Oper.DESTROYED, "", **gone)
        release_ports(server)
        server.tags.all().delete()
        server.secrets.all().delete()
        for volume in server.volumes.select_for_update(of=("self",)):
            if volume.pk in self._kept:
                disks.set_free(volume)
            else:
                disks.end(volume)

    @property
    def _kept(self) -> list[int]:
        found: list[int] = self.payload.get("kept", [])
        return found


def release_ports(server: Server) -> None:
    """Cards that came with the server go with it; the user's own ports are free again."""
    for network_id in sorted(set(server.ports.values_list("network_id", flat=True))):
        network = lock_network(network_id)
        for port in server.ports.filter(network=network):
            release(port, keep=not port.made_by_server)
        changed(network, system_caller())


def release(port: Port, *, keep: bool) -> None:
    """Take a port on a locked network from its server: it is free again (``keep``), or gone."""
    if not keep:
        discard(port)
        return
    disassociated(port)
    port.server, port.state, port.device_owner = None, Port.State.DOWN, ""
    port.index = 0
    port.save()


def _disks(server: Server) -> list[Volume]:
    """Its volumes, the one that it boots from first."""
    return list(server.volumes.filter(deleted=False).order_by("index"))


def _file(value: dict[str, Any]) -> GuestFile:
    """A file as the operation keeps it."""
    return GuestFile(**{**value, "content": bytes.fromhex(value["content"])})
