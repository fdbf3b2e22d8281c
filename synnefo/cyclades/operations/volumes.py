"""Operations on volumes that concern no server: copying, removing, extending, and making images of them."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator

from django.utils import timezone

from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import Conflict, Fault, ServiceUnavailable
from synnefo.common.objects import IMAGES, SNAPSHOTS, ObjectStore, objects, store_for, store_of
from synnefo.common.transactions import atomic
from synnefo.cyclades.backends.base import Backend, BackendError
from synnefo.cyclades.backends.models import Backend as BackendRow
from synnefo.cyclades.images import content
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.operations import disks
from synnefo.cyclades.operations.base import POLL_S, BackendProcedure
from synnefo.cyclades.volumes import past
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine import background
from synnefo.engine.models import Operation
from synnefo.engine.procedure import Move, StepFailed, Verdict, step

_IMAGE_POLL_S = 1.0
_SWEEP_EVERY_S = 60
_SWEPT_FOR = datetime.timedelta(days=1)


class VolumeProcedure(BackendProcedure):
    """An operation on one volume, and how its outcome is written."""

    def volume(self) -> Volume:
        return Volume.objects.select_related("backend", "volume_type").get(pk=self.target(Volume.TARGET))

    def engine(self, volume: Volume) -> Backend:
        if volume.backend is None:
            raise StepFailed("The volume is on no engine.")
        return self.engine_of(volume.backend)

    def locked(self) -> Volume:
        return Volume.objects.select_for_update(of=("self",)).get(pk=self.target(Volume.TARGET))


class Frozen(VolumeProcedure):
    """What keeps a volume's content at one moment, to read it. ``frozen`` is that volume."""

    deadline_s = 4 * 3600.0

    def frozen(self) -> Volume:
        return self.volume()

    @property
    def moment(self) -> str:
        """The name by which the engine keeps it."""
        return f"{self.frozen().engine_name}-at-{self.row.pk}"

    @step(undo=None, because="a volume that is somewhere stays there; its owner removes it")
    def place(self) -> Move:
        with atomic():
            volume = Volume.objects.select_for_update(of=("self",)).get(pk=self.frozen().pk)
            if volume.deleted:
                raise StepFailed("The volume is gone.")
            if volume.backend_id is None:
                volume.backend = _place_for(volume)
                volume.save(update_fields=("backend", "updated"))
        return self.next()

    @step(undo=None, because="content on the host serves others, and goes when it is not used")
    def fetch(self) -> Move:
        volume = self.frozen()
        return self.next() if disks.prepared(self.engine(volume), volume) else self.again(_IMAGE_POLL_S)

    @step(undo=None, because="a volume that was made is the volume")
    def make(self) -> Move:
        volume = self.frozen()
        if volume.materialised:
            return self.next()
        engine = self.engine(volume)
        self.job = self.job or engine.create_volume(disks.spec_of(volume), self.fence)
        if not self.is_over(engine, self.job):
            return self.again(POLL_S)
        self.job = ""
        with atomic():
            disks.made(Volume.objects.select_for_update(of=("self",)).get(pk=volume.pk), volume.backend)
        return self.next()

    @step(undo="let_go", because="nobody would let go of what was kept later")
    def freeze(self) -> Move:
        volume = self.frozen()
        engine = self.engine(volume)
        return self.through(
            engine, lambda: engine.snapshot_volume(volume.engine_name, self.moment, self.fence)
        )

    def pieces(self) -> Iterator[bytes]:
        return self.engine(self.frozen()).read_snapshot(self.moment)

    def let_go(self) -> Move:
        volume = self.frozen()
        if volume.backend is not None:
            self.engine(volume).drop_snapshot(self.moment, self.fence)
        return self.next()

    def classify(self, error: Exception) -> Verdict:
        """What the object store refuses (quota, size) it refuses for good."""
        refused = isinstance(error, Fault) and not isinstance(error, ServiceUnavailable)
        return Verdict.FAIL if refused else super().classify(error)


class CloneVolume(Frozen):
    """Read a volume, to be what another is made of."""

    kind = "volume.clone"

    def frozen(self) -> Volume:
        return Volume.objects.select_related("backend", "volume_type").get(pk=self.payload["source"])

    @step(undo=None, because="what is kept is let go with the new volume")
    def read(self) -> Move:
        if self.volume().hold:
            return self.next()
        hold = objects().keep(self.pieces())
        with atomic():
            volume = self.locked()
            if volume.hold:
                store_of(hold).release(hold)
            else:
                volume.hold, volume.disk_format = hold, "raw"
                volume.save(update_fields=("hold", "disk_format", "updated"))
        return self.next()

    @step(undo=None, because="what was let go is not needed any more")
    def thaw(self) -> Move:
        return self.let_go()

    def finish(self, error: str) -> None:
        volume = self.locked()
        volume.status = Volume.Status.ERROR if error else Volume.Status.AVAILABLE
        volume.fault = error
        volume.save(update_fields=("status", "fault", "updated"))


class SnapshotVolume(Frozen):
    """Store what a volume holds at one moment as an object, for an image that waits for it."""

    kind = "volume.snapshot"

    @step(undo="remove", because="an object without an image would be charged for nothing")
    def store(self) -> Move:
        image, store = self.image(), store_for(self.caller())
        if image.deleted:
            raise StepFailed("The image was removed meanwhile.")
        if store.known(image.uuid) is not None:
            return self.next()
        try:
            self.put(store, image)
        except Conflict:
            if store.known(image.uuid) is None:  # else another worker, which slept, was faster
                raise
        return self.next()

    @step(undo=None, because="what was let go is not needed any more")
    def thaw(self) -> Move:
        return self.let_go()

    def put(self, store: ObjectStore, image: Image) -> None:
        """Images tell their digests, snapshots are compared by their blocks alone, which is faster."""
        if image.is_snapshot:
            store.put(self.caller(), self.pieces(), name=image.name, uuid=image.uuid, folder=SNAPSHOTS)
            return
        digested = content.Digested(self.pieces())
        store.put(self.caller(), digested, name=image.name, uuid=image.uuid, folder=IMAGES)
        Image.objects.filter(pk=image.pk).update(sha256=digested.sha256, sha512=digested.sha512)

    def image(self) -> Image:
        return Image.objects.get(pk=self.payload["image"])

    def caller(self) -> Caller:
        """Whoever asked, as he was then."""
        row = self.row
        return Caller(
            user=row.actor, project=row.project, projects=frozenset({row.project}),
            roles=frozenset(self.payload["roles"]), scope=Scope(self.payload["scope"]),
            request_id=row.request_id,
        )  # fmt: skip

    def remove(self) -> Move:
        store_for(self.caller()).remove(self.caller(), self.image().uuid)
        return self.next()

    def finish(self, error: str) -> None:
        image, store = self.image(), store_for(self.caller())
        found = None if error else store.known(image.uuid)
        if found is None:
            content.fail(image.pk, error or "Its object was removed.")
            return
        taken = content.complete(
            self.caller(), image.pk, found, disk_format="raw", virtual_size_bytes=found.size_bytes,
            sha256=image.sha256, sha512=image.sha512,
        )  # fmt: skip
        if taken is None:
            store.remove(self.caller(), image.uuid)


class DeleteVolume(VolumeProcedure):
    kind = "volume.delete"

    @step(undo=None, because="a deletion that began is never taken back")
    def remove(self) -> Move:
        volume = self.volume()
        engine = self.engine(volume)
        return self.through(engine, lambda: engine.delete_volume(volume.engine_name, self.fence))

    def finish(self, error: str) -> None:
        volume = self.locked()
        if not error:
            past.forget(volume)
            return
        volume.status, volume.fault = Volume.Status.ERROR_DELETING, error
        volume.save(update_fields=("status", "fault", "updated"))


class ExtendVolume(VolumeProcedure):
    kind = "volume.extend"

    @step(undo=None, because="a disk is never made smaller; one that is too large does no harm")
    def grow(self) -> Move:
        volume = self.volume()
        engine = self.engine(volume)
        size_gib = self.payload["size_gib"]
        return self.through(engine, lambda: engine.extend_volume(volume.engine_name, size_gib, self.fence))

    def finish(self, error: str) -> None:
        volume = self.locked()
        volume.status, volume.fault = Volume.Status.AVAILABLE, error
        volume.size_gib = volume.size_gib if error else self.payload["size_gib"]
        volume.save(update_fields=("size_gib", "status", "fault", "updated"))


def register() -> None:
    background.periodic("unfinished-images", _SWEEP_EVERY_S, sweep)


def sweep() -> int:
    """End images whose operation was given up because its server was deleted; nothing else would.

    A worker that noticed it late may have stored the object meanwhile. Returns how many these were.
    """
    since = timezone.now() - _SWEPT_FOR
    given_up = Operation.objects.filter(
        kind=SnapshotVolume.kind, state=Operation.State.FAILED, finished__gte=since
    )
    return sum(_swept(SnapshotVolume(row)) for row in given_up)


def _swept(procedure: SnapshotVolume) -> bool:
    image, caller = procedure.image(), procedure.caller()
    store = store_for(caller)
    if image.hold or (image.status != Image.Status.SAVING and store.known(image.uuid) is None):
        return False
    with atomic():
        content.fail(image.pk, procedure.row.error)
        store.remove(caller, image.uuid)
    for backend in BackendRow.objects.filter(offline=False):
        with contextlib.suppress(BackendError):
            procedure.engine_of(backend).drop_snapshot(procedure.moment, procedure.fence)
    return True


def _place_for(volume: Volume) -> BackendRow:
    """The engine with its kind of disks that has most room."""
    rows = BackendRow.objects.filter(offline=False, drained=False).order_by("-disk_free_gib", "pk")
    template = volume.volume_type.template
    for row in rows:
        if template in (row.options.get("volume_types") or [row.kind]):
            return row
    raise ServiceUnavailable("No available backends.")
