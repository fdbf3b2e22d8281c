"""An engine in memory: keeps every promise of ``base.Backend`` without running anything.

Owns a model of an engine for unit tests of rules and operations and for the fault-injection harness,
with handles for what a real engine does by itself (guests that power off or crash, answers that get
lost, jobs that take long). It must not know who uses it and must not record who called what: tests
look at the state that results.

Several ``MemoryBackend`` objects may share one ``MemoryEngine``, as processes share a real one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import queue
import socketserver
import threading
from collections import deque
from collections.abc import Callable, Iterator

from synnefo.cyclades.backends.base import (
    DONE,
    BackendError,
    BackendUnavailable,
    Capacity,
    ConsoleEndpoint,
    DiskImage,
    Event,
    EventKind,
    Fence,
    Fenced,
    InstanceSpec,
    InstanceState,
    Job,
    JobStatus,
    NetworkSpec,
    Nic,
    Power,
)

_VCPUS, _RAM_MIB, _DISK_GIB = 64, 262_144, 10_000


@dataclasses.dataclass
class _Instance:
    spec: InstanceSpec
    power: Power
    reason: str = ""


@dataclasses.dataclass
class _Task:
    """One job: what it will do to one instance, and how that went."""

    instance: str
    verb: str
    operation: int
    effect: Callable[[], None]
    job: Job = dataclasses.field(default_factory=lambda: Job(JobStatus.RUNNING))


@dataclasses.dataclass
class _Failure:
    error: BackendError
    after: bool


class MemoryEngine:
    """The machine room: instances, networks, fences and jobs, behind one lock."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.instances: dict[str, _Instance] = {}
        self.networks: dict[str, NetworkSpec] = {}
        self.fences: dict[str, Fence] = {}
        self.tasks: dict[str, _Task] = {}
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
        self.tasks[job_id] = _Task(name, verb, fence.operation, effect)
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

    def existing(self, name: str) -> _Instance:
        if name not in self.instances:
            raise BackendError(f"There is no instance {name}")
        return self.instances[name]

    def tell(self, name: str, kind: EventKind, message: str = "") -> None:
        event = Event(name, kind, datetime.datetime.now(datetime.UTC), message)
        for follower in self.followers:
            follower.put(event)


class _Greeting(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"RFB 003.008\n")


class MemoryBackend:
    """The twin. Jobs end at once unless held; nothing takes time, nothing leaves the process."""

    def __init__(self, engine: MemoryEngine | None = None, *, prefix: str = "snf-") -> None:
        self.engine = engine or MemoryEngine()
        self._prefix = prefix
        self._call_failures: dict[str, deque[_Failure]] = {}
        self._job_failures: dict[str, deque[str]] = {}
        self._screen: socketserver.ThreadingTCPServer | None = None

    # -- what an engine does by itself ------------------------------------------------------------
    def guest_powers_off(self, name: str) -> None:
        """The guest shuts itself down."""
        with self.engine.lock:
            self.engine.switch(name, Power.OFF, EventKind.POWERED_OFF, "guest powered off")

    def guest_resets(self, name: str) -> None:
        """The guest reboots itself."""
        with self.engine.lock:
            self.engine.switch(name, Power.ON, EventKind.RESET)

    def crash(self, name: str) -> None:
        """The process that runs the instance dies."""
        with self.engine.lock:
            self.engine.switch(name, Power.OFF, EventKind.CRASHED, "crashed")

    def vanish(self, name: str) -> None:
        """An operator removes the instance behind our back."""
        with self.engine.lock:
            self.engine.existing(name)
            self._remove(name)

    def fail_next(self, method: str, error: BackendError | None = None, *, after: bool = False) -> None:
        """Let the next call of ``method`` raise (``BackendUnavailable`` by default).

        ``after``: the call does its work first and only its answer is lost. Several failures queue up.
        """
        failure = _Failure(error or BackendUnavailable(f"{method}: the engine does not answer"), after)
        self._call_failures.setdefault(method, deque()).append(failure)

    def fail_next_job(self, method: str, message: str = "the engine failed") -> None:
        """Let the next job of ``method`` end in an error and change nothing."""
        self._job_failures.setdefault(method, deque()).append(message)

    def stop_failing(self) -> None:
        """Forget the failures that were asked for and did not happen."""
        self._call_failures.clear()
        self._job_failures.clear()

    def hold_jobs(self) -> None:
        """From now on jobs stay RUNNING, and change nothing, until ``release_jobs``."""
        with self.engine.lock:
            self.engine.holding = True

    def release_jobs(self) -> None:
        """Let the held jobs happen in order; later ones end at once again."""
        with self.engine.lock:
            self.engine.holding = False
            self.engine.run_waiting()

    # -- Backend: instances -----------------------------------------------------------------------
    def ensure(self) -> None:
        """Nothing is needed."""

    def describe(self) -> dict[str, str]:
        return {"engine": "memory"}

    def capacity(self) -> Capacity:
        with self._call("capacity"):
            specs = [i.spec for i in self.engine.instances.values()]
            return Capacity(
                vcpus=_VCPUS,
                ram_total_mib=_RAM_MIB,
                ram_free_mib=_RAM_MIB - sum(s.ram_mib for s in specs),
                disk_total_gib=_DISK_GIB,
                disk_free_gib=_DISK_GIB - sum(s.disk_gib for s in specs),
                instances=len(specs),
            )

    def prepare_image(self, image: DiskImage) -> bool:
        with self._call("prepare_image"):
            return True

    def create(self, spec: InstanceSpec, fence: Fence) -> str:
        def make() -> None:
            missing = {nic.network for nic in spec.nics} - self.engine.networks.keys()
            if missing:
                raise BackendError(f"There is no network {', '.join(sorted(missing))}")
            if spec.name not in self.engine.instances:
                self.engine.instances[spec.name] = _Instance(spec, Power.OFF)
                self.engine.switch(spec.name, Power.ON, EventKind.POWERED_ON)

        return self._act("create", spec.name, fence, make)

    def delete(self, name: str, fence: Fence) -> str:
        return self._act("delete", name, fence, lambda: self._remove(name))

    def start(self, name: str, fence: Fence) -> str:
        return self._act("start", name, fence, lambda: self._power_on(name))

    def stop(self, name: str, fence: Fence, *, timeout_s: int = 60) -> str:
        def power_off() -> None:
            if self.engine.existing(name).power is not Power.OFF:
                self.engine.switch(name, Power.OFF, EventKind.POWERED_OFF, "stopped")

        return self._act("stop", name, fence, power_off)

    def reboot(self, name: str, fence: Fence, *, hard: bool, timeout_s: int = 60) -> str:
        def boot_again() -> None:
            if self.engine.existing(name).power is Power.ON:
                self.engine.switch(name, Power.ON, EventKind.RESET)
            else:
                self._power_on(name)

        return self._act("reboot", name, fence, boot_again)

    def plug(self, name: str, nic: Nic, fence: Fence) -> str:
        def put_in() -> None:
            instance = self.engine.existing(name)
            if nic.network not in self.engine.networks:
                raise BackendError(f"There is no network {nic.network}")
            if nic.name not in {card.name for card in instance.spec.nics}:
                instance.spec = dataclasses.replace(instance.spec, nics=(*instance.spec.nics, nic))

        return self._act("plug", name, fence, put_in)

    def unplug(self, name: str, nic_name: str, fence: Fence) -> str:
        def take_out() -> None:
            instance = self.engine.existing(name)
            kept = tuple(card for card in instance.spec.nics if card.name != nic_name)
            instance.spec = dataclasses.replace(instance.spec, nics=kept)

        return self._act("unplug", name, fence, take_out)

    def job(self, job_id: str) -> Job:
        with self._call("job"):
            if job_id == DONE:
                return Job(JobStatus.SUCCESS)
            task = self.engine.tasks.get(job_id)
            return task.job if task else Job(JobStatus.ERROR, f"There is no job {job_id!r}")

    def instance(self, name: str) -> InstanceState:
        with self._call("instance"):
            return self._state(name)

    def instances(self) -> list[InstanceState]:
        with self._call("instances"):
            return [self._state(name) for name in self.engine.instances if name.startswith(self._prefix)]

    def cards(self, name: str) -> list[Nic]:
        """The cards of an instance as they are; for tests. ``BackendError`` where there is none."""
        with self.engine.lock:
            return list(self.engine.existing(name).spec.nics)

    # -- Backend: networks ------------------------------------------------------------------------
    def apply_network(self, spec: NetworkSpec, fence: Fence) -> None:
        with self._call("apply_network"):
            self.engine.pass_fence(spec.name, fence)
            standing = self.engine.networks.get(spec.name)
            if standing is None or standing.revision < spec.revision:
                self.engine.networks[spec.name] = spec

    def remove_network(self, name: str, fence: Fence) -> None:
        with self._call("remove_network"):
            self.engine.pass_fence(name, fence)
            specs = [i.spec for i in self.engine.instances.values()]
            users = sorted(s.name for s in specs if name in {nic.network for nic in s.nics})
            if users:
                raise BackendError(f"{name} is used by {', '.join(users)}")
            self.engine.networks.pop(name, None)

    def networks(self) -> list[str]:
        with self._call("networks"):
            return list(self.engine.networks)

    def network(self, name: str) -> NetworkSpec:
        """The picture of a network that stands; for tests. ``KeyError`` where there is none."""
        with self.engine.lock:
            return self.engine.networks[name]

    # -- Backend: looking -------------------------------------------------------------------------
    def console(self, name: str) -> ConsoleEndpoint:
        """A listener on the loopback that greets as an RFB server does and hangs up."""
        with self._call("console"):
            if self.engine.existing(name).power is not Power.ON:
                raise BackendError(f"{name} is not on")
            if self._screen is None:
                self._screen = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Greeting)
                threading.Thread(target=self._screen.serve_forever, args=(0.05,), daemon=True).start()
            return ConsoleEndpoint(host="127.0.0.1", port=self._screen.server_address[1])

    def console_log(self, name: str, max_bytes: int) -> bytes:
        with self._call("console_log"):
            return b""

    def follow(self, on_event: Callable[[Event], None], stop: Callable[[], bool]) -> None:
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        with self.engine.lock:
            self.engine.followers.append(events)
        try:
            while not stop():
                with contextlib.suppress(queue.Empty):
                    event = events.get(timeout=0.05)
                    if event.instance.startswith(self._prefix):
                        on_event(event)
        finally:
            with self.engine.lock:
                self.engine.followers.remove(events)

    def close(self) -> None:
        if self._screen is not None:
            self._screen.shutdown()
            self._screen.server_close()
            self._screen = None

    # -- inside -----------------------------------------------------------------------------------
    @contextlib.contextmanager
    def _call(self, method: str) -> Iterator[None]:
        """One call: alone in the engine, and with the failure that was ordered for it."""
        with self.engine.lock:
            failures = self._call_failures.get(method)
            failure = failures.popleft() if failures else None
            if failure is not None and not failure.after:
                raise failure.error
            yield
            if failure is not None:
                raise failure.error

    def _act(self, method: str, name: str, fence: Fence, effect: Callable[[], None]) -> str:
        """A call that changes an instance: fenced, then a job."""
        with self._call(method):
            self.engine.pass_fence(name, fence)
            return self.engine.submit(name, method, fence, lambda: self._happen(method, effect))

    def _happen(self, method: str, effect: Callable[[], None]) -> None:
        if failures := self._job_failures.get(method):
            raise BackendError(failures.popleft())
        effect()

    def _power_on(self, name: str) -> None:
        if self.engine.existing(name).power is not Power.ON:
            self.engine.switch(name, Power.ON, EventKind.POWERED_ON)

    def _remove(self, name: str) -> None:
        if self.engine.instances.pop(name, None):
            self.engine.tell(name, EventKind.REMOVED)

    def _state(self, name: str) -> InstanceState:
        instance = self.engine.instances.get(name)
        if instance is None:
            return InstanceState(name, Power.ABSENT)
        return InstanceState(name, instance.power, instance.reason)
