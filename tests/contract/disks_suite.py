"""The promises of ``synnefo/cyclades/backends/base.py`` about volumes, and about what instances become.

As ``suite``, of which these are further parts: for engines that keep volumes (``VolumeContract``), and for
those that know the states and systems of today's clouds (``MachineContract``). Further fixtures to
supply:

``attentive``     the name of an instance that operation 10 created, whose guest lets go of disks when asked.
``disks_of``      a function from an instance's name to the names of its volumes, seen behind the backend's
                  back; of what runs, those that the guest sees.
``content_of``    a function from a volume's name to its first bytes, seen likewise.
``size_of``       a function from an instance's name to its processors and MiB, seen likewise.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import (
    Backend,
    BackendError,
    DiskImage,
    Fence,
    Fenced,
    InstanceSpec,
    Power,
    VolumeSpec,
)

from .suite import END_OF_TIME, BackendContract, numbers

_MIB, _GIB = 2**20, 2**30


def raw_image(directory: Path, content: bytes) -> DiskImage:
    """An image of one MiB that begins with ``content``."""
    whole = content.ljust(_MIB, b"\0")
    digest = hashlib.sha256(whole).hexdigest()
    path = directory / f"{digest[:16]}.raw"
    path.write_bytes(whole)
    return DiskImage(path, "raw", digest, size_bytes=len(whole))


class VolumeContract(BackendContract):
    @pytest.fixture
    def attentive(self, running: str) -> str:
        return running

    @pytest.fixture
    def disks_of(self) -> Callable[[str], set[str]]:
        raise NotImplementedError("the subclass supplies the fixture 'disks_of'")

    @pytest.fixture
    def content_of(self) -> Callable[[str], bytes]:
        raise NotImplementedError("the subclass supplies the fixture 'content_of'")

    @pytest.fixture
    def volume(self, backend: Backend) -> Iterator[VolumeSpec]:
        """A blank volume's specification; what carries the name is removed once the instances are."""
        volume = VolumeSpec(f"{self.prefix}vol-{next(numbers)}", 1)
        yield volume
        self.remove(backend, volume.name)

    def remove(self, backend: Backend, volume: str) -> None:
        for state in backend.instances():
            self.finish(backend, backend.delete(state.name, Fence(END_OF_TIME, next(numbers))))
        self.finish(backend, backend.delete_volume(volume, Fence(END_OF_TIME, next(numbers))))

    @pytest.fixture
    def made(self, backend: Backend, volume: VolumeSpec) -> VolumeSpec:
        """A volume that operation 10 made."""
        self.finish(backend, backend.create_volume(volume, Fence(10, 1)))
        return volume

    # -- volumes alone ----------------------------------------------------------------------------
    def test_a_volume_is_made_and_removed(self, backend: Backend, volume: VolumeSpec) -> None:
        for attempt in (1, 2):
            self.finish(backend, backend.create_volume(volume, Fence(10, attempt)))
            assert backend.volumes().count(volume.name) == 1
        for attempt in (1, 2):
            self.finish(backend, backend.delete_volume(volume.name, Fence(11, attempt)))
            assert volume.name not in backend.volumes()

    def test_a_volume_has_the_content_of_its_image(
        self, backend: Backend, volume: VolumeSpec, tmp_path: Path, content_of: Callable[[str], bytes]
    ) -> None:
        origin = raw_image(tmp_path, b"what was there first")
        filled = dataclasses.replace(volume, origin=origin)
        self.finish(backend, backend.create_volume(filled, Fence(10, 1)))
        assert content_of(volume.name).startswith(b"what was there first")

    def test_a_stale_creation_does_not_bring_a_volume_back(
        self, backend: Backend, reopen: Callable[[], Backend], made: VolumeSpec
    ) -> None:
        self.finish(backend, backend.delete_volume(made.name, Fence(11, 1)))
        with pytest.raises(Fenced):
            reopen().create_volume(made, Fence(10, 2))
        assert made.name not in backend.volumes()

    def test_an_older_operation_is_fenced_from_a_volume(
        self, backend: Backend, made: VolumeSpec, stopped: str
    ) -> None:
        self.finish(backend, backend.extend_volume(made.name, 1, Fence(20, 1)))
        late = Fence(19, 9)
        acts: list[Callable[[], object]] = [
            lambda: backend.create_volume(made, late),
            lambda: backend.extend_volume(made.name, 2, late),
            lambda: backend.attach_volume(stopped, made, late),
            lambda: backend.detach_volume(stopped, made.name, late),
            lambda: backend.delete_volume(made.name, late),
        ]
        for act in acts:
            with pytest.raises(Fenced):
                act()
        assert made.name in backend.volumes()

    # -- volumes of instances ---------------------------------------------------------------------
    def test_an_instance_is_made_with_all_its_volumes(
        self, backend: Backend, spec: InstanceSpec, made: VolumeSpec, disks_of: Callable[[str], set[str]]
    ) -> None:
        whole = dataclasses.replace(spec, volumes=[*spec.volumes, made])
        self.finish(backend, backend.create(whole, Fence(11, 1)))
        assert disks_of(spec.name) == {volume.name for volume in whole.volumes}

    def test_volumes_stay_when_their_instance_goes(
        self, backend: Backend, spec: InstanceSpec, volume: VolumeSpec
    ) -> None:
        whole = dataclasses.replace(spec, volumes=[*spec.volumes, volume])
        self.finish(backend, backend.create(whole, Fence(10, 1)))
        self.finish(backend, backend.delete(spec.name, Fence(11, 1)))
        assert {one.name for one in whole.volumes} <= set(backend.volumes())
        for one in whole.volumes:
            self.finish(backend, backend.delete_volume(one.name, Fence(12, 1)))

    def test_a_disk_comes_and_goes_while_the_instance_runs(
        self, backend: Backend, attentive: str, volume: VolumeSpec, disks_of: Callable[[str], set[str]]
    ) -> None:
        before = disks_of(attentive)
        for attempt in (1, 2):
            self.finish(backend, backend.attach_volume(attentive, volume, Fence(11, attempt)))
            assert disks_of(attentive) == before | {volume.name}
        for attempt in (1, 2):
            self.finish(backend, backend.detach_volume(attentive, volume.name, Fence(12, attempt)))
            assert disks_of(attentive) == before
        assert volume.name in backend.volumes()
        self.finish(backend, backend.attach_volume(attentive, volume, Fence(13, 1)))
        assert disks_of(attentive) == before | {volume.name}
        assert self.power(backend, attentive) is Power.ON

    def test_a_disk_of_what_is_off_is_there_when_it_starts(
        self, backend: Backend, stopped: str, volume: VolumeSpec, disks_of: Callable[[str], set[str]]
    ) -> None:
        self.finish(backend, backend.attach_volume(stopped, volume, Fence(12, 1)))
        self.finish(backend, backend.start(stopped, Fence(13, 1)))
        assert volume.name in disks_of(stopped)
        self.finish(backend, backend.stop(stopped, Fence(14, 1), timeout_s=1))
        self.finish(backend, backend.detach_volume(stopped, volume.name, Fence(15, 1)))
        self.finish(backend, backend.start(stopped, Fence(16, 1)))
        assert volume.name not in disks_of(stopped)

    def test_what_it_boots_from_stays(self, backend: Backend, stopped: str, spec: InstanceSpec) -> None:
        root = spec.volumes[0].name
        self.assert_refused(backend, lambda: backend.detach_volume(stopped, root, Fence(12, 1)))

    def test_a_volume_that_an_instance_has_is_kept(
        self, backend: Backend, stopped: str, volume: VolumeSpec
    ) -> None:
        self.finish(backend, backend.attach_volume(stopped, volume, Fence(12, 1)))
        self.assert_refused(backend, lambda: backend.delete_volume(volume.name, Fence(13, 1)))
        assert volume.name in backend.volumes()

    def test_a_volume_has_one_instance_at_a_time(
        self, backend: Backend, stopped: str, make_spec: Callable[[str], InstanceSpec], volume: VolumeSpec
    ) -> None:
        self.finish(backend, backend.attach_volume(stopped, volume, Fence(12, 1)))
        other = make_spec(f"{stopped}9")
        other = dataclasses.replace(other, volumes=[*other.volumes, volume])
        self.assert_refused(backend, lambda: backend.create(other, Fence(13, 1)))
        assert self.power(backend, other.name) is not Power.ON

    def test_an_absent_volume_cannot_be_extended(self, backend: Backend, volume: VolumeSpec) -> None:
        self.assert_refused(backend, lambda: backend.extend_volume(volume.name, 2, Fence(10, 1)))

    def test_attaching_to_what_is_absent_fails(self, backend: Backend, name: str, volume: VolumeSpec) -> None:
        self.assert_refused(backend, lambda: backend.attach_volume(name, volume, Fence(10, 1)))
        self.assert_refused(backend, lambda: backend.detach_volume(name, volume.name, Fence(11, 1)))

    # -- snapshots --------------------------------------------------------------------------------
    @pytest.fixture
    def snapshot(self, backend: Backend) -> Iterator[str]:
        name = f"{self.prefix}snap-{next(numbers)}"
        yield name
        backend.drop_snapshot(name, Fence(END_OF_TIME, 1))

    def take(self, backend: Backend, volume: str, snapshot: str, fence: Fence) -> bytes:
        """The first MiB of a snapshot, which must be as large as the volume."""
        self.finish(backend, backend.snapshot_volume(volume, snapshot, fence))
        head, size_bytes = b"", 0
        for piece in backend.read_snapshot(snapshot):
            head += piece if len(head) < _MIB else b""
            size_bytes += len(piece)
        assert size_bytes % _GIB == 0
        return head[:_MIB]

    def test_a_snapshot_keeps_what_the_volume_held(
        self, backend: Backend, volume: VolumeSpec, tmp_path: Path, snapshot: str
    ) -> None:
        origin = raw_image(tmp_path, b"kept")
        self.finish(backend, backend.create_volume(dataclasses.replace(volume, origin=origin), Fence(10, 1)))
        assert self.take(backend, volume.name, snapshot, Fence(11, 1)).startswith(b"kept")
        assert self.take(backend, volume.name, snapshot, Fence(11, 2)).startswith(b"kept")

    def test_a_running_guest_s_disk_is_kept_as_well(
        self, backend: Backend, running: str, volume: VolumeSpec, tmp_path: Path, snapshot: str
    ) -> None:
        filled = dataclasses.replace(volume, origin=raw_image(tmp_path, b"while it runs"))
        self.finish(backend, backend.attach_volume(running, filled, Fence(11, 1)))
        assert self.take(backend, volume.name, snapshot, Fence(12, 1)).startswith(b"while it runs")
        assert self.power(backend, running) is Power.ON

    def test_what_was_dropped_cannot_be_read(self, backend: Backend, made: VolumeSpec, snapshot: str) -> None:
        self.take(backend, made.name, snapshot, Fence(11, 1))
        for attempt in (1, 2):
            backend.drop_snapshot(snapshot, Fence(12, attempt))
        with pytest.raises(BackendError):
            b"".join(backend.read_snapshot(snapshot))
        with pytest.raises(Fenced):
            backend.snapshot_volume(made.name, snapshot, Fence(11, 2))

    def test_an_absent_volume_has_no_snapshot(
        self, backend: Backend, volume: VolumeSpec, snapshot: str
    ) -> None:
        self.assert_refused(backend, lambda: backend.snapshot_volume(volume.name, snapshot, Fence(10, 1)))


class MachineContract(BackendContract):
    """What instances can become, on engines that keep their volumes."""

    @pytest.fixture
    def size_of(self) -> Callable[[str], tuple[int, int]]:
        raise NotImplementedError("the subclass supplies the fixture 'size_of'")

    def test_an_older_operation_does_nothing_to_it(
        self, backend: Backend, running: str, spec: InstanceSpec, rescue_image: DiskImage
    ) -> None:
        self.finish(backend, backend.start(running, Fence(20, 1)))
        late = Fence(19, 9)
        acts: list[Callable[[], object]] = [
            lambda: backend.resize(running, 2, 64, late),
            lambda: backend.pause(running, late),
            lambda: backend.save(running, late),
            lambda: backend.rebuild(spec, late),
            lambda: backend.rescue(running, rescue_image, None, late),
            lambda: backend.unrescue(running, late),
            lambda: backend.set_password(running, "root", "secret-1", late),
        ]
        for act in acts:
            with pytest.raises(Fenced):
                act()
        assert self.power(backend, running) is Power.ON

    def test_another_size_while_it_is_off(
        self, backend: Backend, stopped: str, size_of: Callable[[str], tuple[int, int]]
    ) -> None:
        for attempt in (1, 2):
            self.finish(backend, backend.resize(stopped, 2, 160, Fence(12, attempt)))
        assert size_of(stopped) == (2, 160)
        self.finish(backend, backend.start(stopped, Fence(13, 1)))
        assert self.power(backend, stopped) is Power.ON

    def test_what_is_on_keeps_its_size(
        self, backend: Backend, running: str, size_of: Callable[[str], tuple[int, int]]
    ) -> None:
        self.assert_refused(backend, lambda: backend.resize(running, 2, 160, Fence(11, 1)))
        assert size_of(running)[0] == 1

    def test_a_paused_instance_goes_on(self, backend: Backend, running: str) -> None:
        for attempt in (1, 2):
            self.finish(backend, backend.pause(running, Fence(11, attempt)))
            assert self.power(backend, running) is Power.PAUSED
        self.finish(backend, backend.start(running, Fence(12, 1)))
        assert self.power(backend, running) is Power.ON

    def test_a_paused_instance_can_be_stopped(self, backend: Backend, running: str) -> None:
        self.finish(backend, backend.pause(running, Fence(11, 1)))
        self.finish(backend, backend.stop(running, Fence(12, 1), timeout_s=1))
        assert self.power(backend, running) is Power.OFF

    @pytest.mark.parametrize("verb", ["pause", "save"])
    def test_what_is_off_can_be_neither_paused_nor_saved(
        self, backend: Backend, stopped: str, verb: str
    ) -> None:
        self.assert_refused(backend, lambda: str(getattr(backend, verb)(stopped, Fence(12, 1))))
        assert self.power(backend, stopped) is Power.OFF

    def test_a_saved_instance_goes_on(
        self, backend: Backend, reopen: Callable[[], Backend], running: str
    ) -> None:
        for attempt in (1, 2):
            self.finish(backend, backend.save(running, Fence(11, attempt)))
            assert self.power(backend, running) is Power.SAVED
        assert self.power(reopen(), running) is Power.SAVED
        self.finish(backend, backend.start(running, Fence(12, 1)))
        assert self.power(backend, running) is Power.ON

    def test_what_was_saved_is_forgotten_by_a_stop(self, backend: Backend, running: str) -> None:
        self.finish(backend, backend.save(running, Fence(11, 1)))
        self.finish(backend, backend.stop(running, Fence(12, 1)))
        assert self.power(backend, running) is Power.OFF
        self.finish(backend, backend.start(running, Fence(13, 1)))
        assert self.power(backend, running) is Power.ON

    def test_what_is_saved_keeps_its_hardware(
        self, backend: Backend, running: str, size_of: Callable[[str], tuple[int, int]]
    ) -> None:
        self.finish(backend, backend.save(running, Fence(11, 1)))
        self.assert_refused(backend, lambda: backend.resize(running, 2, 160, Fence(12, 1)))
        volume = VolumeSpec(f"{self.prefix}vol-{next(numbers)}", 1)
        self.assert_refused(backend, lambda: backend.attach_volume(running, volume, Fence(13, 1)))
        assert self.power(backend, running) is Power.SAVED

    def test_a_rebuilt_instance_runs(
        self, backend: Backend, running: str, spec: InstanceSpec, disks_of: Callable[[str], set[str]]
    ) -> None:
        for attempt in (1, 2):
            self.finish(backend, backend.rebuild(spec, Fence(11, attempt)))
            assert self.power(backend, running) is Power.ON
        assert disks_of(running) == {volume.name for volume in spec.volumes}

    def test_rescue_keeps_the_power(self, backend: Backend, running: str, rescue_image: DiskImage) -> None:
        for attempt in (1, 2):
            self.finish(backend, backend.rescue(running, rescue_image, None, Fence(11, attempt)))
            assert self.power(backend, running) is Power.ON
        self.finish(backend, backend.stop(running, Fence(12, 1), timeout_s=1))
        self.finish(backend, backend.start(running, Fence(13, 1)))
        for attempt in (1, 2):
            self.finish(backend, backend.unrescue(running, Fence(14, attempt)))
            assert self.power(backend, running) is Power.ON

    def test_rescue_of_what_is_off_starts_nothing(
        self, backend: Backend, stopped: str, rescue_image: DiskImage
    ) -> None:
        self.finish(backend, backend.rescue(stopped, rescue_image, None, Fence(12, 1)))
        assert self.power(backend, stopped) is Power.OFF
        self.finish(backend, backend.unrescue(stopped, Fence(13, 1)))
        assert self.power(backend, stopped) is Power.OFF

    @pytest.fixture
    def rescue_image(self, tmp_path: Path) -> DiskImage:
        return raw_image(tmp_path, b"a system for rescue")

    def test_a_password_needs_a_guest_that_is_on(self, backend: Backend, stopped: str) -> None:
        act = lambda: backend.set_password(stopped, "root", "secret-1", Fence(12, 1))  # noqa: E731
        self.assert_refused(backend, act)

    @pytest.mark.parametrize("verb", ["resize", "pause", "save", "rescue", "unrescue", "rebuild"])
    def test_nothing_becomes_of_what_is_absent(
        self, backend: Backend, spec: InstanceSpec, rescue_image: DiskImage, verb: str
    ) -> None:
        fence = Fence(10, 1)
        acts: dict[str, Callable[[], str]] = {
            "resize": lambda: backend.resize(spec.name, 1, 64, fence),
            "pause": lambda: backend.pause(spec.name, fence),
            "save": lambda: backend.save(spec.name, fence),
            "rescue": lambda: backend.rescue(spec.name, rescue_image, None, fence),
            "unrescue": lambda: backend.unrescue(spec.name, fence),
            "rebuild": lambda: backend.rebuild(spec, fence),
        }
        self.assert_refused(backend, acts[verb])
        assert self.power(backend, spec.name) is Power.ABSENT
