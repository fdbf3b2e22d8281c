"""Callers that are killed anywhere: the next one finishes the work, and nothing is left behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import DiskImage, Fence, JobStatus, Power, VolumeSpec
from synnefo.cyclades.backends.local import LocalBackend
from tests.contract.kit import wait_until

from . import guests
from .conftest import PATIENCE_S, finish, make_spec, open_backend

pytestmark = pytest.mark.host

_ROOT = Path(__file__).parents[2]
#: What each attempt does, from the beginning; operations are numbered by round, attempts by ``attempt``.
STORY = """
import sys, time
from pathlib import Path
from synnefo.cyclades.backends.base import DiskImage, Fence, JobStatus, VolumeSpec
from tests.local_qemu.conftest import make_spec, open_backend
data, image, attempt = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
backend, origin = open_backend(data), DiskImage(image, "raw")
fence, volume = Fence(1, attempt), VolumeSpec("vol-1", 1, origin)
def end(job):
    while (state := backend.job(job)).status is JobStatus.RUNNING:
        time.sleep(0.01)
    assert state.status is JobStatus.SUCCESS, state
print("begun", flush=True)
end(backend.create_volume(volume, fence))
end(backend.create(make_spec("vm-1", origin), fence))
end(backend.attach_volume("vm-1", volume, fence))
end(backend.extend_volume("vol-1", 2, fence))
end(backend.snapshot_volume("vol-1", "snap-1", fence))
end(backend.save("vm-1", fence))
end(backend.start("vm-1", fence))
print("done", flush=True)
"""


def tell(data: Path, image: Path, attempt: int) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", STORY, str(data), str(image), str(attempt)]
    return subprocess.Popen(argv, cwd=_ROOT, stdout=subprocess.PIPE, text=True)


def test_a_caller_killed_at_any_moment_leaves_work_that_can_be_finished(
    backend: LocalBackend, data: Path, tmp_path: Path
) -> None:
    image = guests.image(tmp_path, guests.POLITE)
    assert image.path is not None
    moments = random.Random(6)
    for attempt in range(1, 13):
        caller = tell(data, image.path, attempt)
        assert caller.stdout is not None
        assert caller.stdout.readline() == "begun\n"
        time.sleep(moments.uniform(0, 1.5))
        os.kill(caller.pid, signal.SIGKILL)
        caller.wait(PATIENCE_S)
    last = tell(data, image.path, 99)
    told, _ = last.communicate(timeout=4 * PATIENCE_S)
    assert told.splitlines() == ["begun", "done"]

    assert backend.instance("vm-1").power is Power.ON
    assert backend.volumes() == ["vm-1-root", "vol-1"]
    pieces = list(backend.read_snapshot("snap-1"))
    assert pieces[0].startswith(guests.POLITE)
    finish(backend, backend.delete("vm-1", Fence(2, 1)))
    for volume in backend.volumes():
        finish(backend, backend.delete_volume(volume, Fence(2, 1)))
    backend.drop_snapshot("snap-1", Fence(2, 1))
    left = [path for kind in ("instances", "volumes", "snapshots") for path in (data / kind).iterdir()]
    assert left == []


def test_a_snapshot_goes_on_without_the_one_who_asked(
    backend: LocalBackend, data: Path, tmp_path: Path
) -> None:
    image = DiskImage(guests.image(tmp_path, guests.DEAF).path, "raw")
    spec = make_spec("vm-1", image)
    finish(backend, backend.create(spec, Fence(1, 1)))
    job = backend.snapshot_volume("vm-1-root", "snap-1", Fence(2, 1))
    successor = open_backend(data)
    again = successor.snapshot_volume("vm-1-root", "snap-1", Fence(2, 2))
    finish(successor, again)
    finish(successor, job)
    assert next(iter(successor.read_snapshot("snap-1"))).startswith(guests.DEAF)


def test_a_snapshot_of_a_guest_that_ends_meanwhile_is_taken_of_its_disk(
    backend: LocalBackend, tmp_path: Path
) -> None:
    image = DiskImage(guests.image(tmp_path, guests.DEAF).path, "raw")
    finish(backend, backend.create(make_spec("vm-1", image), Fence(1, 1)))
    finish(backend, backend.attach_volume("vm-1", VolumeSpec("vol-1", 1, image), Fence(2, 1)))
    job = backend.snapshot_volume("vol-1", "snap-1", Fence(3, 1))
    finish(backend, backend.stop("vm-1", Fence(4, 1), timeout_s=0))
    wait_until(lambda: backend.job(job).status is JobStatus.SUCCESS, PATIENCE_S, "the snapshot")
    assert next(iter(backend.read_snapshot("snap-1"))).startswith(guests.DEAF)
