"""Operations on what a server runs: its first disk made anew, another system to mend it, a new password."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.utils import timezone

from synnefo.cyclades.backends.base import DiskImage
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.operations import disks
from synnefo.cyclades.operations.servers import GuestProcedure, ServerProcedure
from synnefo.cyclades.servers.models import RescueImage, Server
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine.procedure import Move, StepFailed, step

Oper = Server.Oper
_IMAGE_POLL_S = 1.0


class RebuildServer(GuestProcedure):
    """``payload["runs"]``: whether it is on in the end, as it was before."""

    kind = "server.rebuild"
    deadline_s = 1800.0

    @step(undo=None, because="content on the host serves other servers, and goes when it is not used")
    def fetch(self) -> Move:
        return self.fetch_content()

    @step(undo=None, because="what was on the disk is gone; the owner may try again")
    def make(self) -> Move:
        server = self.server()
        self.join_networks(server)
        self.job = self.engine(server).rebuild(self.spec(server), self.fence)
        return self.next()

    @step(undo=None, because="waiting changes nothing")
    def wait(self) -> Move:
        engine = self.engine(self.server())
        if not self.is_over(engine, self.job):
            return self.again(_IMAGE_POLL_S)
        self.job = ""
        return self.next()

    @step(undo=None, because="a server that was off is to be off")
    def halt(self) -> Move:
        if self.payload["runs"]:
            return self.next()
        server = self.server()
        engine = self.engine(server)
        return self.through(engine, lambda: engine.stop(server.engine_name, self.fence, timeout_s=0))

    def finish(self, error: str) -> None:
        if error:
            self.settle(Oper.ERROR, error)
            return
        runs: bool = self.payload["runs"]
        server = self.settle(
            Oper.STARTED if runs else Oper.STOPPED, "", wanted_on=runs, launched_at=timezone.now(),
            user_data=b"",
        )  # fmt: skip
        for root in server.volumes.select_for_update(of=("self",)).filter(index=0):
            disks.made(root, server.backend)
            root.status, root.fault = Volume.Status.IN_USE, ""
            root.save(update_fields=("status", "fault", "updated"))


class RescueServer(GuestProcedure):
    """``payload``: ``image`` or ``rescue_image`` is the id of what it boots; ``runs`` whether it is on then,
    ``was_on`` whether it is before."""

    kind = "server.rescue"
    deadline_s = 1800.0

    @step(undo=None, because="content on the host serves other servers, and goes when it is not used")
    def fetch(self) -> Move:
        ready = self.engine(self.server()).prepare_image(self._system())
        return self.next() if ready else self.again(_IMAGE_POLL_S)

    @step(undo="leave", because="a server that could not be rescued boots from its own disk")
    def enter(self) -> Move:
        server = self.server()
        engine = self.engine(server)
        guest = self.guest(server) if "image" in self.payload else None
        return self.through(
            engine, lambda: engine.rescue(server.engine_name, self._system(), guest, self.fence)
        )

    @step(undo="halt_again", because="what was off before is off after a failure")
    def power_on(self) -> Move:
        if not self.payload["runs"]:
            return self.next()
        server = self.server()
        self.join_networks(server)
        engine = self.engine(server)
        return self.through(engine, lambda: engine.start(server.engine_name, self.fence))

    def leave(self) -> Move:
        server = self.server()
        engine = self.engine(server)
        return self.undone(engine, engine.unrescue(server.engine_name, self.fence))

    def halt_again(self) -> Move:
        if self.payload["was_on"]:
            return self.next()
        server = self.server()
        engine = self.engine(server)
        return self.undone(engine, engine.stop(server.engine_name, self.fence, timeout_s=0))

    def finish(self, error: str) -> None:
        if error:
            self.settle(None, error, rescue=False, rescue_image=None, rescue_ref="")
            return
        runs: bool = self.payload["runs"]
        self.settle(Oper.STARTED if runs else Oper.STOPPED, "", rescue=True, wanted_on=runs)

    def _system(self) -> DiskImage:
        if "image" in self.payload:
            return disks.disk_of(Image.objects.get(pk=self.payload["image"]))
        row = RescueImage.objects.get(pk=self.payload["rescue_image"])
        if row.location_type == RescueImage.LocationType.HTTP:
            return DiskImage(None, "iso", source=row.location)
        path = Path(settings.CYCLADES_RESCUE_IMAGE_PATH) / row.location
        if not path.resolve().is_relative_to(Path(settings.CYCLADES_RESCUE_IMAGE_PATH).resolve()):
            raise StepFailed(f"The rescue image {row.name} is not in the directory of rescue images.")
        return DiskImage(path, "iso", f"rescue-{row.pk}")


class UnrescueServer(ServerProcedure):
    """``payload["runs"]``: whether it is on in the end."""

    kind = "server.unrescue"

    @step(undo=None, because="its own disk is what it is to boot from, sooner or later")
    def leave(self) -> Move:
        server = self.server()
        engine = self.engine(server)
        return self.through(engine, lambda: engine.unrescue(server.engine_name, self.fence))

    @step(undo=None, because="what did not start is told to be off")
    def power_on(self) -> Move:
        if not self.payload["runs"]:
            return self.next()
        server = self.server()
        self.join_networks(server)
        engine = self.engine(server)
        return self.through(engine, lambda: engine.start(server.engine_name, self.fence))

    def finish(self, error: str) -> None:
        if error:
            self.settle(None, error)
            return
        runs: bool = self.payload["runs"]
        oper = Oper.STARTED if runs else Oper.STOPPED
        self.settle(oper, "", rescue=False, rescue_image=None, rescue_ref="", wanted_on=runs)


class SetPassword(ServerProcedure):
    kind = "server.password"

    @step(undo=None, because="the old password is not known to anybody here")
    def set_in_guest(self) -> Move:
        server = self.server()
        engine = self.engine(server)
        user, password = self.payload["user"], self.secret["password"]
        return self.through(
            engine, lambda: engine.set_password(server.engine_name, user, password, self.fence)
        )

    def finish(self, error: str) -> None:
        self.settle(None, error)
