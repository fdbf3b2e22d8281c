"""The contract on the engine in memory, and the handles by which tests drive that engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest

from synnefo.cyclades.backends.base import (
    BackendError,
    BackendUnavailable,
    DiskImage,
    EventKind,
    Fence,
    InstanceSpec,
    JobStatus,
    Power,
    VolumeSpec,
)
from synnefo.cyclades.backends.memory import MemoryBackend

from .disks_suite import MachineContract, VolumeContract
from .kit import Watch
from .routers_suite import RouterContract
from .suite import MakeSpec, ScreenContract, numbers


class TestMemory(ScreenContract, VolumeContract, MachineContract, RouterContract):
    patience_s = 5

    @pytest.fixture
    def backend(self) -> Iterator[MemoryBackend]:
        backend = MemoryBackend()
        yield backend
        backend.close()

    @pytest.fixture
    def reopen(self, backend: MemoryBackend) -> Callable[[], MemoryBackend]:
        return lambda: MemoryBackend(backend.engine)

    @pytest.fixture
    def neighbour(self, backend: MemoryBackend) -> MemoryBackend:
        return MemoryBackend(backend.engine, prefix="other-")

    @pytest.fixture
    def revision_of(self, backend: MemoryBackend) -> Callable[[str], int]:
        return lambda name: backend.network(name).revision

    @pytest.fixture
    def cards_of(self, backend: MemoryBackend) -> Callable[[str], set[str]]:
        return lambda name: {card.name for card in backend.cards(name)}

    @pytest.fixture
    def spec(self, name: str, make_spec: MakeSpec) -> InstanceSpec:
        root = VolumeSpec(f"{self.prefix}vol-{next(numbers)}", 1)
        return dataclasses.replace(make_spec(name), volumes=(root,))

    @pytest.fixture
    def disks_of(self, backend: MemoryBackend) -> Callable[[str], set[str]]:
        return lambda name: set(backend.disks(name))

    @pytest.fixture
    def content_of(self, backend: MemoryBackend) -> Callable[[str], bytes]:
        return lambda name: backend.engine.disks[name].head[:512].ljust(512, b"\0")

    @pytest.fixture
    def size_of(self, backend: MemoryBackend) -> Callable[[str], tuple[int, int]]:
        def look(name: str) -> tuple[int, int]:
            spec = backend.engine.instances[name].spec
            return spec.vcpus, spec.ram_mib

        return look

    @pytest.fixture
    def image(self) -> DiskImage | None:
        return None

    # -- the handles ------------------------------------------------------------------------------
    def test_a_guest_can_power_off_by_itself(self, backend: MemoryBackend, running: str) -> None:
        with Watch(backend, self.patience_s) as watch:
            backend.guest_powers_off(running)
            watch.expect(running, EventKind.POWERED_OFF)
        assert backend.instance(running).power is Power.OFF

    def test_a_guest_can_crash_and_reset_and_vanish(self, backend: MemoryBackend, running: str) -> None:
        with Watch(backend, self.patience_s) as watch:
            backend.guest_resets(running)
            watch.expect(running, EventKind.RESET)
            backend.crash(running)
            watch.expect(running, EventKind.CRASHED)
            assert backend.instance(running).power is Power.OFF
            backend.vanish(running)
            watch.expect(running, EventKind.REMOVED)
        assert backend.instance(running).power is Power.ABSENT

    def test_the_next_call_can_fail_before_it_acts(self, backend: MemoryBackend, spec: InstanceSpec) -> None:
        backend.fail_next("create")
        with pytest.raises(BackendUnavailable):
            backend.create(spec, Fence(10, 1))
        assert backend.instance(spec.name).power is Power.ABSENT
        self.finish(backend, backend.create(spec, Fence(10, 1)))

    def test_the_answer_of_the_next_call_can_be_lost(
        self, backend: MemoryBackend, spec: InstanceSpec
    ) -> None:
        backend.fail_next("create", BackendError("cut off"), after=True)
        with pytest.raises(BackendError, match="cut off"):
            backend.create(spec, Fence(10, 1))
        assert backend.instance(spec.name).power is Power.ON

    def test_the_next_job_can_fail(self, backend: MemoryBackend, running: str) -> None:
        backend.fail_next_job("stop", "no power switch")
        job = backend.job(backend.stop(running, Fence(11, 1)))
        assert (job.status, job.message) == (JobStatus.ERROR, "no power switch")
        assert backend.instance(running).power is Power.ON

    def test_held_jobs_change_nothing_until_released(
        self, backend: MemoryBackend, spec: InstanceSpec
    ) -> None:
        backend.hold_jobs()
        creation = backend.create(spec, Fence(10, 1))
        assert backend.create(spec, Fence(10, 2)) == creation
        deletion = backend.delete(spec.name, Fence(11, 1))
        assert backend.job(creation).status is JobStatus.RUNNING
        assert backend.instance(spec.name).power is Power.ABSENT
        backend.release_jobs()
        assert backend.job(creation).status is backend.job(deletion).status is JobStatus.SUCCESS
        assert backend.instance(spec.name).power is Power.ABSENT
