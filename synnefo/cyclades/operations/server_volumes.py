"""Operations on a server and one of its volumes: putting it in, taking it out, making it larger."""

from __future__ import annotations

from django.utils import timezone

from synnefo.cyclades.operations import disks
from synnefo.cyclades.operations.servers import ServerProcedure
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine.procedure import Move, step

_IMAGE_POLL_S = 1.0


class VolumeProcedure(ServerProcedure):
    """The server stays what it was; what becomes of the volume is said by ``finish``."""

    def volume(self) -> Volume:
        return Volume.objects.get(pk=self.target(Volume.TARGET))

    def locked_volume(self) -> Volume:
        return Volume.objects.select_for_update(of=("self",)).get(pk=self.target(Volume.TARGET))

    def pull(self) -> Move:
        server, volume = self.server(), self.volume()
        engine = self.engine(server)
        return self.undone(engine, engine.detach_volume(server.engine_name, volume.engine_name, self.fence))

    def stay(self, error: str) -> None:
        """It is in the server as before, with what went wrong."""
        volume = self.locked_volume()
        volume.status, volume.fault = Volume.Status.IN_USE, error
        volume.save(update_fields=("status", "fault", "updated"))


class AttachVolume(VolumeProcedure):
    """``payload["is_new"]``: a volume that was made for this; if it fails it is an error, else free again."""

    kind = "server.attach-volume"
    deadline_s = 1800.0

    @step(undo=None, because="content on the host serves other servers, and goes when it is not used")
    def fetch(self) -> Move:
        ready = disks.prepared(self.engine(self.server()), self.volume())
        return self.next() if ready else self.again(_IMAGE_POLL_S)

    @step(undo="pull", because="a disk that failed must not be found in the server later")
    def put_in(self) -> Move:
        server, volume = self.server(), self.volume()
        engine = self.engine(server)
        return self.through(
            engine, lambda: engine.attach_volume(server.engine_name, disks.spec_of(volume), self.fence)
        )

    def finish(self, error: str) -> None:
        server = self.leave_as_it_was(error)
        volume = self.locked_volume()
        if not error:
            volume.status, volume.attached_at, volume.fault = Volume.Status.IN_USE, timezone.now(), ""
            volume.save(update_fields=("status", "attached_at", "fault", "updated"))
            disks.made(volume, server.backend)
            return
        disks.set_free(volume)
        volume.fault = error
        if self.payload["is_new"]:
            volume.status = Volume.Status.ERROR
        volume.save(update_fields=("status", "fault", "updated"))


class DetachVolume(VolumeProcedure):
    kind = "server.detach-volume"

    @step(undo=None, because="what is taken out stays out; what the guest holds on to stays in")
    def take_out(self) -> Move:
        server, volume = self.server(), self.volume()
        engine = self.engine(server)
        return self.through(
            engine, lambda: engine.detach_volume(server.engine_name, volume.engine_name, self.fence)
        )

    def finish(self, error: str) -> None:
        self.leave_as_it_was(error)
        if error:
            self.stay(error)
        else:
            disks.set_free(self.locked_volume())


class RemoveVolume(DetachVolume):
    kind = "server.delete-volume"

    @step(undo=None, because="a deletion that began is never taken back")
    def drop(self) -> Move:
        volume = self.volume()
        engine = self.engine(self.server())
        return self.through(engine, lambda: engine.delete_volume(volume.engine_name, self.fence))

    def finish(self, error: str) -> None:
        self.leave_as_it_was(error)
        if error:
            self.stay(error)
        else:
            disks.end(self.locked_volume())


class ExtendAttachedVolume(VolumeProcedure):
    kind = "server.extend-volume"

    @step(undo=None, because="a disk never shrinks; one that could not grow is as it was")
    def grow(self) -> Move:
        volume = self.volume()
        engine = self.engine(self.server())
        size_gib: int = self.payload["size_gib"]
        return self.through(engine, lambda: engine.extend_volume(volume.engine_name, size_gib, self.fence))

    def finish(self, error: str) -> None:
        self.leave_as_it_was(error)
        self.stay(error)
        if not error:
            Volume.objects.filter(pk=self.target(Volume.TARGET)).update(size_gib=self.payload["size_gib"])
