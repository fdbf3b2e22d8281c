"""What the engine in memory is made of: instances, disks, networks, fences and jobs, behind one lock.

``memory`` is the face of it that follows the contract; here is only what there is.
"""

from __future__ import annotations

import dataclasses
import datetime
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator

from synnefo.cyclades.backends.base import (
    BackendError,
    DiskImage,
    Event,
    EventKind,
    Fence,
    Fenced,
    InstanceSpec,
    Job,
    JobStatus,
    NetworkSpec,
    Power,
    RouterSpec,
    VolumeSpec,
)

_PIECE = 4 * 1024 * 1024


@dataclasses.dataclass
class Instance:
    """``disks`` are names of volumes, its boot disk first. ``rescue`` is what it boots instead."""

    spec: InstanceSpec
    power: Power
    reason: str = ""
    disks: list[str] = dataclasses.field(default_factory=list)
    rescue: DiskImage | None = None
    password: str = ""
    rebuilt_by: int = 0


@dataclasses.dataclass
class Disk:
    """``head`` is what it begins with; zeros follow."""

    size_gib: int
    head: bytes = b""

    def pieces(self) -> Iterator[bytes]:
        """All of it."""
        total = self.size_gib * 1024**3
        yield self.head
        for start in range(len(self.head), total, _PIECE):
            yield bytes(min(_PIECE, total - start))


@dataclasses.dataclass
class Task:
    """One job: what it will do to one instance, and how that went."""

    instance: str
    verb: str
    operation: int
    effect: Callable[[], None]
    job: Job = dataclasses.field(default_factory=lambda: Job(JobStatus.RUNNING))


@dataclasses.dataclass
class Failure:
    error: BackendError
    after: bool


class MemoryEngine:
    """The machine room: instances, networks, fences and jobs, behind one lock."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.instances: dict[str, Instance] = {}
        self.disks: dict[str, Disk] = {}
        self.snapshots: dict[str, Disk] = {}
        self.networks: dict[str, NetworkSpec] = {}
        self.routers: dict[str, RouterSpec] = {}
        self.fences: dict[str, Fence] = {}
        self.tasks: dict[str, Task] = {}
        self.waiting: deque[str] = deque()
        self.holding = False
        self.followers: list[queue.SimpleQueue[Event]] = []

    def pass_fence(self, name: str, fence: Fence) -> None:
        """Remember the fence, or raise ``Fenced`` where a higher one was seen."""
        highest = self.fences.get(name, fence)
        if highest > fence:
            raise Fenced(f"{name}: {fence} acts after {highest}")
        self.fences[name] = fence

    def submit(self, name: str, verb: str, fence: Fence, effect: Callable[[], None]) -> str:
        """Queue a job, or find the one that the same operation already has under way."""
        for job_id in self.waiting:
            task = self.tasks[job_id]
            if (task.instance, task.verb, task.operation) == (name, verb, fence.operation):
                return job_id
        job_id = f"job-{len(self.tasks) + 1}"
        self.tasks[job_id] = Task(name, verb, fence.operation, effect)
        self.waiting.append(job_id)
        if not self.holding:
            self.run_waiting()
        return job_id

    def run_waiting(self) -> None:
        """Let all queued jobs happen, in the order in which they were asked for."""
        while self.waiting:
            task = self.tasks[self.waiting.popleft()]
            try:
                task.effect()
            except BackendError as error:
                task.job = Job(JobStatus.ERROR, str(error))
            else:
                task.job = Job(JobStatus.SUCCESS, progress=100)

    def switch(self, name: str, power: Power, kind: EventKind, reason: str = "") -> None:
        """Set an instance's power and tell the followers."""
        instance = self.existing(name)
        instance.power, instance.reason = power, reason
        self.tell(name, kind, reason)

    def existing(self, name: str) -> Instance:
        if name not in self.instances:
            raise BackendError(f"There is no instance {name}")
        return self.instances[name]

    def owner_of(self, disk: str) -> str | None:
        """The instance that has a disk."""
        return next((name for name, found in self.instances.items() if disk in found.disks), None)

    def make_disk(self, volume: VolumeSpec) -> None:
        """A disk with its first content; one that is there grows if it is to be larger."""
        disk = self.disks.get(volume.name)
        if disk is None:
            self.disks[volume.name] = Disk(volume.size_gib, _head_of(volume.origin))
        else:
            disk.size_gib = max(disk.size_gib, volume.size_gib)

    def existing_disk(self, name: str) -> Disk:
        if name not in self.disks:
            raise BackendError(f"There is no volume {name}")
        return self.disks[name]

    def tell(self, name: str, kind: EventKind, message: str = "") -> None:
        event = Event(name, kind, datetime.datetime.now(datetime.UTC), message)
        for follower in self.followers:
            follower.put(event)


def _head_of(origin: DiskImage | None) -> bytes:
    """The beginning of a raw image that is a file of this host."""
    if origin is None or origin.path is None or origin.format != "raw":
        return b""
    with origin.path.open("rb") as file:
        return file.read(_PIECE)
