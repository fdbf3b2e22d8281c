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
    GuestSetup,
    InstanceSpec,
    InstanceState,
    Job,
    JobStatus,
    NetworkSpec,
    Nic,
    Power,
    RouterSpec,
    Sample,
    VolumeSpec,
)
from synnefo.cyclades.backends.memory_room import Failure, Instance, MemoryEngine

_VCPUS, _RAM_MIB, _DISK_GIB = 64, 262_144, 10_000


class _Greeting(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"RFB 003.008\n")


class MemoryBackend:
    """The twin. Jobs end at once unless held; nothing takes time, nothing leaves the process."""

    def __init__(self, engine: MemoryEngine | None = None, *, prefix: str = "snf-") -> None:
        self.engine = engine or MemoryEngine()
        self._prefix = prefix
        self._call_failures: dict[str, deque[Failure]] = {}
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
        failure = Failure(error or BackendUnavailable(f"{method}: the engine does not answer"), after)
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
                disk_free_gib=_DISK_GIB - sum(disk.size_gib for disk in self.engine.disks.values()),
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
                for volume in spec.volumes:
                    self._free_for(volume.name, spec.name)
                    self.engine.make_disk(volume)
                names = [volume.name for volume in spec.volumes]
                self.engine.instances[spec.name] = Instance(spec, Power.OFF, disks=names)
                self.engine.switch(spec.name, Power.ON, EventKind.POWERED_ON)

        return self._act("create", spec.name, fence, make, *(volume.name for volume in spec.volumes))

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
            instance = self._not_saved(name)
            if nic.network not in self.engine.networks:
                raise BackendError(f"There is no network {nic.network}")
            if nic.name not in {card.name for card in instance.spec.nics}:
                instance.spec = dataclasses.replace(instance.spec, nics=(*instance.spec.nics, nic))

        return self._act("plug", name, fence, put_in)

    def unplug(self, name: str, nic_name: str, fence: Fence) -> str:
        def take_out() -> None:
            instance = self._not_saved(name)
            kept = tuple(card for card in instance.spec.nics if card.name != nic_name)
            instance.spec = dataclasses.replace(instance.spec, nics=kept)

        return self._act("unplug", name, fence, take_out)

    def resize(self, name: str, vcpus: int, ram_mib: int, fence: Fence) -> str:
        def change() -> None:
            instance = self.engine.existing(name)
            if (instance.spec.vcpus, instance.spec.ram_mib) == (vcpus, ram_mib):
                return
            if instance.power is not Power.OFF:
                raise BackendError(f"{name} is not off")
            instance.spec = dataclasses.replace(instance.spec, vcpus=vcpus, ram_mib=ram_mib)

        return self._act("resize", name, fence, change)

    def rebuild(self, spec: InstanceSpec, fence: Fence) -> str:
        def make_anew() -> None:
            instance = self.engine.existing(spec.name)
            if instance.rebuilt_by != fence.operation:
                for volume in spec.volumes[:1]:
                    self.engine.disks.pop(volume.name, None)
                instance.rebuilt_by = fence.operation
            for volume in spec.volumes:
                self.engine.make_disk(volume)
            instance.spec, instance.rescue = spec, None
            instance.disks = [volume.name for volume in spec.volumes]
            self.engine.switch(spec.name, Power.ON, EventKind.POWERED_ON)

        return self._act("rebuild", spec.name, fence, make_anew, *(volume.name for volume in spec.volumes))

    def pause(self, name: str, fence: Fence) -> str:
        def halt() -> None:
            instance = self.engine.existing(name)
            if instance.power not in (Power.ON, Power.PAUSED):
                raise BackendError(f"{name} is not on")
            instance.power = Power.PAUSED

        return self._act("pause", name, fence, halt)

    def save(self, name: str, fence: Fence) -> str:
        def put_away() -> None:
            instance = self.engine.existing(name)
            if instance.power is Power.OFF:
                raise BackendError(f"{name} is not on")
            instance.power = Power.SAVED

        return self._act("save", name, fence, put_away)

    def rescue(self, name: str, image: DiskImage, guest: GuestSetup | None, fence: Fence) -> str:
        return self._act("rescue", name, fence, lambda: self._boot_from(name, image))

    def unrescue(self, name: str, fence: Fence) -> str:
        return self._act("unrescue", name, fence, lambda: self._boot_from(name, None))

    def set_password(self, name: str, user: str, password: str, fence: Fence) -> str:
        def tell_guest() -> None:
            instance = self.engine.existing(name)
            if instance.power is not Power.ON:
                raise BackendError(f"{name} is not on")
            instance.password = f"{user}:{password}"

        return self._act("set_password", name, fence, tell_guest)

    # -- Backend: volumes -------------------------------------------------------------------------
    def create_volume(self, volume: VolumeSpec, fence: Fence) -> str:
        return self._act("create_volume", volume.name, fence, lambda: self.engine.make_disk(volume))

    def delete_volume(self, name: str, fence: Fence) -> str:
        def drop() -> None:
            owner = self.engine.owner_of(name)
            if owner is not None:
                raise BackendError(f"{name} is used by {owner}")
            self.engine.disks.pop(name, None)

        return self._act("delete_volume", name, fence, drop)

    def attach_volume(self, instance: str, volume: VolumeSpec, fence: Fence) -> str:
        def put_in() -> None:
            found = self._not_saved(instance)
            self._free_for(volume.name, instance)
            self.engine.make_disk(volume)
            if volume.name not in found.disks:
                found.disks.append(volume.name)

        return self._act("attach_volume", instance, fence, put_in, volume.name)

    def detach_volume(self, instance: str, volume_name: str, fence: Fence) -> str:
        def take_out() -> None:
            found = self._not_saved(instance)
            if volume_name in {volume.name for volume in found.spec.volumes[:1]}:
                raise BackendError(f"{instance} boots from {volume_name}")
            if volume_name in found.disks:
                found.disks.remove(volume_name)

        return self._act("detach_volume", instance, fence, take_out, volume_name)

    def extend_volume(self, name: str, size_gib: int, fence: Fence) -> str:
        def grow() -> None:
            disk = self.engine.existing_disk(name)
            disk.size_gib = max(disk.size_gib, size_gib)

        return self._act("extend_volume", name, fence, grow)

    def volumes(self) -> list[str]:
        with self._call("volumes"):
            return list(self.engine.disks)

    def snapshot_volume(self, name: str, snapshot: str, fence: Fence) -> str:
        def keep() -> None:
            self.engine.snapshots[snapshot] = dataclasses.replace(self.engine.existing_disk(name))

        return self._act("snapshot_volume", name, fence, keep, snapshot)

    def read_snapshot(self, snapshot: str) -> Iterator[bytes]:
        with self._call("read_snapshot"):
            if snapshot not in self.engine.snapshots:
                raise BackendError(f"There is no snapshot {snapshot}")
            kept = self.engine.snapshots[snapshot]
        return kept.pieces()

    def drop_snapshot(self, snapshot: str, fence: Fence) -> None:
        with self._call("drop_snapshot"):
            self.engine.pass_fence(snapshot, fence)
            self.engine.snapshots.pop(snapshot, None)

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

    def disks(self, name: str) -> list[str]:
        """The volumes that an instance has; for tests. ``BackendError`` where there is none."""
        with self.engine.lock:
            return list(self.engine.existing(name).disks)

    def disk_size_gib(self, name: str) -> int:
        """How large a volume is; for tests. ``BackendError`` where there is none."""
        with self.engine.lock:
            return self.engine.existing_disk(name).size_gib

    def is_rescued(self, name: str) -> bool:
        """Whether it boots from another system; for tests. ``BackendError`` where there is none."""
        with self.engine.lock:
            return self.engine.existing(name).rescue is not None

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
            joined = [
                r.name for r in self.engine.routers.values() if name in {leg for leg, _ in r.interfaces}
            ]
            if joined:
                raise BackendUnavailable(f"{name} is still joined by {', '.join(sorted(joined))}")
            self.engine.networks.pop(name, None)

    def networks(self) -> list[str]:
        with self._call("networks"):
            return list(self.engine.networks)

    def apply_router(self, spec: RouterSpec, fence: Fence) -> None:
        with self._call("apply_router"):
            self.engine.pass_fence(spec.name, fence)
            missing = {network for network, _ in spec.interfaces} - self.engine.networks.keys()
            if missing:
                raise BackendUnavailable(f"There is no network {', '.join(sorted(missing))} yet")
            standing = self.engine.routers.get(spec.name)
            if standing is None or standing.revision < spec.revision:
                self.engine.routers[spec.name] = spec

    def remove_router(self, name: str, fence: Fence) -> None:
        with self._call("remove_router"):
            self.engine.pass_fence(name, fence)
            self.engine.routers.pop(name, None)

    def routers(self) -> list[str]:
        with self._call("routers"):
            return list(self.engine.routers)

    def router(self, name: str) -> RouterSpec:
        """The picture of a router that stands; for tests. ``KeyError`` where there is none."""
        with self.engine.lock:
            return self.engine.routers[name]

    def network(self, name: str) -> NetworkSpec:
        """The picture of a network that stands; for tests. ``KeyError`` where there is none."""
        with self.engine.lock:
            return self.engine.networks[name]

    # -- Backend: looking -------------------------------------------------------------------------
    def samples(self, name: str, since: datetime.datetime) -> list[Sample]:
        with self._call("samples"):
            return []

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

    def _act(self, method: str, name: str, fence: Fence, effect: Callable[[], None], *volumes: str) -> str:
        """A call that changes an instance (and volumes): fenced by all their names, then a job."""
        with self._call(method):
            for fenced in (name, *volumes):
                self.engine.pass_fence(fenced, fence)
            return self.engine.submit(name, method, fence, lambda: self._happen(method, effect))

    def _happen(self, method: str, effect: Callable[[], None]) -> None:
        if failures := self._job_failures.get(method):
            raise BackendError(failures.popleft())
        effect()

    def _power_on(self, name: str) -> None:
        if self.engine.existing(name).power is not Power.ON:
            self.engine.switch(name, Power.ON, EventKind.POWERED_ON)

    def _not_saved(self, name: str) -> Instance:
        instance = self.engine.existing(name)
        if instance.power is Power.SAVED:
            raise BackendError(f"{name} is saved")
        return instance

    def _free_for(self, volume: str, instance: str) -> None:
        owner = self.engine.owner_of(volume)
        if owner not in (None, instance):
            raise BackendError(f"{volume} is used by {owner}")

    def _boot_from(self, name: str, image: DiskImage | None) -> None:
        """Boot from an image, or (None) from its own disk, now if it is on."""
        instance = self._not_saved(name)
        if instance.rescue != image:
            instance.rescue = image
            if instance.power is not Power.OFF:
                self.engine.switch(name, Power.ON, EventKind.RESET)

    def _remove(self, name: str) -> None:
        if self.engine.instances.pop(name, None):
            self.engine.tell(name, EventKind.REMOVED)

    def _state(self, name: str) -> InstanceState:
        instance = self.engine.instances.get(name)
        if instance is None:
            return InstanceState(name, Power.ABSENT)
        spec = instance.spec
        return InstanceState(
            name, instance.power, instance.reason, spec.vcpus, spec.ram_mib, instance.rescue is not None
        )
