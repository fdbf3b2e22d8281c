"""Operations on servers. Each ends in one transaction that says what became of the server."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from synnefo.common.caller import system_caller
from synnefo.common.objects import store_of
from synnefo.cyclades.backends.base import Backend, DiskImage, GuestSetup, InstanceSpec, Nic, Power
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.networks.models import Port
from synnefo.cyclades.networks.state import discard
from synnefo.cyclades.networks.state import lock as lock_network
from synnefo.cyclades.operations.base import BackendProcedure
from synnefo.cyclades.operations.networks import apply, changed, host_name
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

    def settle(self, oper: Server.Oper | None, error: str, **changes: object) -> Server:
        """Write the new state (None: as it was), the error, and that nothing is under way."""
        server = Server.objects.select_for_update(of=("self",)).get(pk=self.target(Server.TARGET))
        server.operstate = oper or server.operstate
        server.task, server.fault = Server.Task.NONE, error
        for name, value in changes.items():
            setattr(server, name, value)
        server.save()
        return server


class CreateServer(ServerProcedure):
    kind = "server.create"
    deadline_s = 1800.0

    @step(undo=None, because="a network serves its other servers too; it goes when it is deleted")
    def connect(self) -> Move:
        self.join_networks(self.server())
        return self.next()

    @step(undo=None, because="content on the host serves other servers, and goes when it is not used")
    def fetch(self) -> Move:
        server = self.server()
        ready = self.engine(server).prepare_image(self._image())
        return self.next() if ready else self.again(_IMAGE_POLL_S)

    @step(undo="remove", because="a half-made instance must not be found running later")
    def make(self) -> Move:
        server = self.server()
        self.job = self.engine(server).create(self._spec(server), self.fence)
        return self.next()

    @step(undo="remove", because="an instance that failed is of no use; its owner deletes the row")
    def wait(self) -> Move:
        return self.wait_for(self.engine(self.server()))

    def remove(self) -> Move:
        server = self.server()
        engine = self.engine(server)
        if engine.instance(server.engine_name).power is not Power.ABSENT:
            self.job = engine.delete(server.engine_name, self.fence)
            return self.again(0.5)
        return self.next()

    def finish(self, error: str) -> None:
        oper = Server.Oper.ERROR if error else Server.Oper.STARTED
        launched = None if error else timezone.now()
        server = self.settle(oper, error, launched_at=launched, user_data=b"", wanted_on=not error)
        server.ports.update(state=Port.State.ERROR if error else Port.State.ACTIVE)
        made = Volume.Status.ERROR if error else Volume.Status.IN_USE
        server.volumes.update(status=made, materialised=not error, attached_at=launched)

    def _image(self) -> DiskImage:
        image = Image.objects.get(pk=self.payload["image"])
        path = store_of(image.hold).local_path(image.hold)
        source = "" if path is not None else image.hold
        return DiskImage(path, image.disk_format, image.hash, source, image.size_bytes)

    def _spec(self, server: Server) -> InstanceSpec:
        cards = server.ports.select_related("network").prefetch_related("addresses").order_by("index", "id")
        return InstanceSpec(
            name=server.engine_name,
            vcpus=server.flavor.cpu,
            ram_mib=server.flavor.ram,
            disk_gib=server.flavor.disk,
            image=self._image(),
            nics=tuple(card_of(port) for port in cards),
            guest=GuestSetup(
                hostname=host_name(server.name),
                instance_id=server.uuid,
                ssh_keys=tuple(self.payload["ssh_keys"]),
                user_data=bytes(server.user_data),
                admin_password=self.secret.get("admin_password"),
                metadata={row.key: row.value for row in server.metadata.all()},
            ),
        )


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
        server.wanted_on = server.operstate == Server.Oper.STARTED
        server.save(update_fields=("wanted_on",))


class DeleteServer(ServerProcedure):
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

    def finish(self, error: str) -> None:
        if error:
            self.settle(Server.Oper.ERROR, error)
            return
        gone = {"deleted": True, "deleted_at": timezone.now(), "user_data": b""}
        server = self.settle(Server.Oper.DESTROYED, "", **gone)
        release_ports(server)
        server.volumes.update(
            status=Volume.Status.DELETED, deleted=True, deleted_at=timezone.now(), server=None, index=None
        )


def release_ports(server: Server) -> None:
    """Cards that came with the server go with it; the user's own ports are free again."""
    for network_id in sorted(set(server.ports.values_list("network_id", flat=True))):
        network = lock_network(network_id)
        for port in server.ports.filter(network=network):
            if port.made_by_server:
                discard(port)
            else:
                port.server, port.state, port.device_owner = None, Port.State.DOWN, ""
                port.save()
        changed(network, system_caller())


def card_of(port: Port) -> Nic:
    """A port as engines know it; its addresses should be prefetched."""
    fixed = next(iter(port.addresses.all()), None)
    return Nic(port.engine_name, port.network.engine_name, port.mac, fixed.address if fixed else None)
