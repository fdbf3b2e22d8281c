"""Content of images that dispatchers bring, and what they do for images from time to time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.conf import settings

from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import Conflict, Fault, InsufficientStorage, ItemNotFound
from synnefo.common.http.fetching import fetch
from synnefo.common.transactions import atomic
from synnefo.cyclades.images import rules
from synnefo.cyclades.images.models import Image
from synnefo.engine import background
from synnefo.engine.models import Operation
from synnefo.engine.procedure import LeaseLost, Move, Procedure, StepFailed, Verdict, step

TARGET = "image"
#: The only one, as the catalog names it.
REGION = "default"
_RELEASE_EVERY_S = 60
#: So many at once in all dispatchers; what servers need goes on meanwhile.
_MOST_AT_ONCE = 2
_WAIT_S = 2.0
_LOOK_EVERY_BYTES = 64 * 1024 * 1024
_COPIED = ("hw_", "trait:", "os_distro", "os_secure_boot", "os_type")


class ImportImage(Procedure):
    """Give an image that waits its content, by one of the ways of Glance's import."""

    kind = "image.import"
    deadline_s = 6 * 3600.0

    @step(undo=None, because="a file that does not become an image's is removed where it is stored")
    def bring(self) -> Move:
        image = Image.objects.filter(pk=self.target(TARGET), deleted=False).first()
        if image is None:
            raise StepFailed("The image was removed meanwhile.")
        if image.status != Image.Status.IMPORTING:
            return self.done()  # it was brought, and this worker's forerunner could not say so
        if self.payload["method"] == "glance-direct":
            _approve(image.pk)
            return self.done()
        if self._many_before():
            return self.again(_WAIT_S)
        if self.payload["method"] == "glance-download":
            self._copy(image)
        else:
            self._store(image, self._downloaded())
        return self.done()

    def finish(self, error: str) -> None:
        """An image without content waits on. What was staged is lost with a failure: it was no image."""
        if not error:
            return
        rows = Image.objects.select_for_update().filter(pk=self.target(TARGET), deleted=False)
        rows.filter(status=Image.Status.IMPORTING).update(status=Image.Status.QUEUED, fault=error)

    def classify(self, error: Exception) -> Verdict:
        """What another wrote while this worker slept stands; a store that is full may have room later."""
        if isinstance(error, InsufficientStorage):
            return Verdict.RETRY
        return Verdict.FAIL if isinstance(error, Fault) else super().classify(error)

    def _caller(self) -> Caller:
        told = self.payload["caller"]
        return Caller(
            user=told["user"], project=told["project"], projects=frozenset(told["projects"]),
            roles=frozenset(told["roles"]), scope=Scope(told["scope"]), name=told["name"],
            shares=told["shares"],
            request_id=self.row.request_id,
        )  # fmt: skip

    def _many_before(self) -> bool:
        rows = Operation.objects.filter(kind=self.kind, state=Operation.State.DOING, pk__lt=self.row.pk)
        return rows.filter(lease_until__isnull=False).count() >= _MOST_AT_ONCE

    def _downloaded(self) -> Iterator[bytes]:
        allowed = settings.CYCLADES_IMAGE_IMPORT_NETWORKS
        return fetch(
            self.payload["uri"], most_bytes=settings.SYNNEFO_OBJECT_MAX_BYTES,
            deadline_s=self.deadline_s, allowed=allowed,
        )  # fmt: skip

    def _copy(self, image: Image) -> None:
        """The content of another image, and what servers must know of it."""
        if self.payload["region"] not in ("", REGION):
            raise StepFailed("There is no such region.")
        caller = self._caller()
        source = rules.get(caller, self.payload["source"])
        if source.status != Image.Status.AVAILABLE:
            raise StepFailed(f"Image {source.uuid} is not active.")
        with atomic():
            row = Image.objects.select_for_update().get(pk=image.pk)
            told = {key: value for key, value in source.properties.items() if key.startswith(_COPIED)}
            row.properties = {**row.properties, **told}
            row.disk_format, row.container_format = source.disk_format, source.container_format
            row.save(update_fields=("properties", "disk_format", "container_format", "updated"))
        self._store(row, rules.read(source))

    def _store(self, image: Image, pieces: Iterable[bytes]) -> None:
        caller = self._caller()
        try:
            rules.fill(caller, image, self._while_mine(pieces))
        except Conflict:
            if not rules.adopt(caller, image):
                raise

    def _while_mine(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Ends when the image was removed, or another worker brings it."""
        passed = 0
        for piece in pieces:
            passed += len(piece)
            if passed >= _LOOK_EVERY_BYTES:
                passed = 0
                mine = Operation.objects.filter(pk=self.row.pk, attempt=self.row.attempt)
                if not mine.filter(state=Operation.State.DOING).exists():
                    raise LeaseLost("the import was ended")
            yield piece


def _approve(image_pk: int) -> None:
    with atomic():
        image = Image.objects.select_for_update().get(pk=image_pk)
        if not image.hold:
            raise ItemNotFound("Nothing was staged.")
        image.status = Image.Status.AVAILABLE
        image.save(update_fields=("status", "updated"))


def register() -> None:
    background.periodic("release-images", _RELEASE_EVERY_S, rules.release_unused)
