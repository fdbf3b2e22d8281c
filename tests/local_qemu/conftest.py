"""An engine over user networking, and instances of the guests in ``guests``."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import (
    DiskImage,
    Fence,
    GuestSetup,
    InstanceSpec,
    JobStatus,
    Power,
    VolumeSpec,
)
from synnefo.cyclades.backends.local import LocalBackend
from synnefo.cyclades.backends.local.fabric_user import UserFabric
from tests.contract.kit import wait_until

from . import guests

PATIENCE_S = 60


def open_backend(data: Path) -> LocalBackend:
    return LocalBackend(data, "ltst", fabric=UserFabric("ltst", data), accelerator="tcg")


def make_spec(name: str, image: DiskImage | None, *, vcpus: int = 1, disk_gib: int = 1) -> InstanceSpec:
    root = VolumeSpec(f"{name}-root", disk_gib, image)
    return InstanceSpec(name, vcpus, 64, [], GuestSetup(hostname=name, instance_id=f"i-{name}"), [root])


def finish(backend: LocalBackend, job_id: str) -> None:
    """Wait for a job, which must succeed."""
    wait_until(lambda: backend.job(job_id).status is not JobStatus.RUNNING, PATIENCE_S, f"end of {job_id}")
    assert backend.job(job_id).status is JobStatus.SUCCESS, backend.job(job_id).message


def is_on(backend: LocalBackend, name: str) -> bool:
    return backend.instance(name).power is Power.ON


class Machines:
    """Makes instances; they are named vm-1, vm-2, ... and deleted at the end."""

    def __init__(self, backend: LocalBackend, directory: Path) -> None:
        self._backend = backend
        self._directory = directory
        self._numbers = itertools.count(1)

    def spec(self, code: bytes) -> InstanceSpec:
        return make_spec(f"vm-{next(self._numbers)}", guests.image(self._directory, code))

    def boot(self, code: bytes, until: str = "") -> str:
        """Create an instance with operation 1; returns its name once it said ``until``."""
        spec = self.spec(code)
        finish(self._backend, self._backend.create(spec, Fence(1, 1)))
        self.await_words(spec.name, until)
        return spec.name

    def await_words(self, name: str, words: str) -> None:
        wait_until(
            lambda: words.encode() in self._backend.console_log(name, 4096),
            PATIENCE_S,
            f"{words!r} of {name}",
        )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def backend(data: Path) -> Iterator[LocalBackend]:
    backend = open_backend(data)
    backend.ensure()
    yield backend
    for state in backend.instances():
        backend.delete(state.name, Fence(10**6, 1))


@pytest.fixture
def machines(backend: LocalBackend, tmp_path: Path) -> Machines:
    return Machines(backend, tmp_path)


@pytest.fixture
def spec_of(tmp_path: Path) -> Callable[..., InstanceSpec]:
    def make(name: str, code: bytes = guests.DEAF, **more: int) -> InstanceSpec:
        return make_spec(name, guests.image(tmp_path, code), **more)

    return make
