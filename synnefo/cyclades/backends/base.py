"""The contract between Cyclades and whatever runs virtual machines.

Owns the vocabulary (specifications, observed states, jobs, events) and the ``Backend`` protocol that
every engine implements: ``local`` (QEMU on this machine) and ``ganeti`` (clusters over RAPI). The
contract suite in ``tests/contract`` runs on each of them and on the in-memory twin used by unit tests.

It must not know Django, HTTP or quota: plain values in, plain values out. Only operations (and the
console proxy) call a backend; rules never do.

How a backend behaves:

* **Deterministic names.** The caller names instances, NICs and networks; the backend invents nothing
  that the caller would have to remember before a crash.
* **Look before acting.** Every call may be repeated: creating what exists with the same name adopts
  it, removing what is absent succeeds.
* **Jobs.** A call that takes time returns a job id at once; ``job`` tells how it goes. The id may be
  lost (the caller may be killed before it stores it): repeating the call finds the running job again.
* **Fencing.** Calls that change something carry a ``Fence``. Once a call with a higher fence was
  seen for a name, calls with a lower one raise ``Fenced`` and change nothing.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable


class BackendError(Exception):
    """The engine refused or failed for good; ``str(error)`` is fit for an operation's log."""


class BackendUnavailable(BackendError):
    """The engine cannot be reached or is busy now; the same call may succeed later."""


class Fenced(BackendError):
    """A newer attempt took over this name; the caller must stop and write nothing."""


@dataclasses.dataclass(frozen=True, order=True)
class Fence:
    """Who acts: later operations and later attempts compare higher.

    On a network, which operations on several servers bring up to date, it is the network's revision.
    """

    operation: int
    attempt: int


class Power(enum.Enum):
    """What is seen of an instance."""

    ABSENT = "absent"
    OFF = "off"
    ON = "on"
    PAUSED = "paused"


class JobStatus(enum.Enum):
    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"


@dataclasses.dataclass(frozen=True)
class Job:
    """A job's state; ``message`` explains an error, ``progress`` is 0-100 where known."""

    status: JobStatus
    message: str = ""
    progress: int | None = None


#: The id of a job that had nothing left to do when it was asked for.
DONE = "done"


@dataclasses.dataclass(frozen=True)
class Nic:
    """One network card. ``ip`` is the fixed IPv4 address, which the guest learns by DHCP."""

    name: str
    network: str
    mac: str
    ip: str | None = None


@dataclasses.dataclass(frozen=True)
class DiskImage:
    """Where a root disk comes from: a file on this host, or what the engine reads from ``source``.

    ``hash`` and ``size_bytes`` name content for good: where both are the same, the content is.
    """

    path: Path | None
    format: str
    hash: str = ""
    source: str = ""
    size_bytes: int = 0


@dataclasses.dataclass(frozen=True)
class GuestSetup:
    """What the guest is told at its first boot (NoCloud, metadata service)."""

    hostname: str
    instance_id: str
    ssh_keys: Sequence[str] = ()
    user_data: bytes = b""
    admin_password: str | None = None
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class InstanceSpec:
    name: str
    vcpus: int
    ram_mib: int
    disk_gib: int
    image: DiskImage | None
    nics: Sequence[Nic]
    guest: GuestSetup


@dataclasses.dataclass(frozen=True)
class Lease:
    """A reserved address: who has it, and the name it gets in the network's DNS."""

    mac: str
    ip: str
    hostname: str


@dataclasses.dataclass(frozen=True)
class NetworkSpec:
    """A network as it shall be, whole; applying it again with the same revision changes nothing.

    ``revision`` grows with every change: a backend that already holds a newer one ignores the call,
    so that two writers cannot put an older picture back. ``floating`` maps a floating address to the
    fixed address it leads to (1:1 NAT). ``cidr`` is None while the network has no subnet. On a
    ``public`` one cards have floating addresses as their own, and its gateway is the world's.
    """

    name: str
    revision: int
    cidr: str | None = None
    gateway: str | None = None
    dhcp: bool = True
    dns_nameservers: Sequence[str] = ()
    leases: Sequence[Lease] = ()
    floating: Mapping[str, str] = dataclasses.field(default_factory=dict)
    public: bool = False


#: The reason of an instance that is off because its host went down under it.
REASON_HOST_REBOOTED = "the host restarted"


@dataclasses.dataclass(frozen=True)
class InstanceState:
    """An instance as observed. ``reason`` says why it is off where that is known."""

    name: str
    power: Power
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Capacity:
    """What there is and what is left, for placement; sizes in MiB, disk in GiB."""

    vcpus: int
    ram_total_mib: int
    ram_free_mib: int
    disk_total_gib: int
    disk_free_gib: int
    instances: int


class EventKind(enum.Enum):
    """What an engine tells by itself."""

    POWERED_ON = "powered_on"
    POWERED_OFF = "powered_off"
    CRASHED = "crashed"
    RESET = "reset"
    REMOVED = "removed"


@dataclasses.dataclass(frozen=True)
class Event:
    instance: str
    kind: EventKind
    at: datetime.datetime
    message: str = ""


@dataclasses.dataclass(frozen=True)
class ConsoleEndpoint:
    """Where the instance's VNC server listens: a unix socket, or a host and port."""

    unix_path: Path | None = None
    host: str = ""
    port: int = 0


@runtime_checkable
class Backend(Protocol):
    """One engine. All calls are synchronous and safe to make from several threads and processes.

    Errors: ``BackendError`` (final), ``BackendUnavailable`` (try again), ``Fenced`` (stop).
    """

    def ensure(self) -> None:
        """Make ready what the engine needs; called when a dispatcher starts, harmless to repeat."""

    def describe(self) -> dict[str, str]:
        """What an operator wants to know of the engine, in short texts by name."""

    def capacity(self) -> Capacity:
        """What there is and what is left."""

    # -- instances ------------------------------------------------------------------------------
    def prepare_image(self, image: DiskImage) -> bool:
        """Bring an image's content to where instances are created; may take long, and can be repeated.

        False: another caller is doing that now, ask again. What was prepared may go again when it is
        not used for long; ``create`` then brings it anew.
        """

    def create(self, spec: InstanceSpec, fence: Fence) -> str:
        """Create and start; the job ends in success when it runs. Its networks must exist."""

    def delete(self, name: str, fence: Fence) -> str:
        """Stop at once and remove everything that carries the name; absent is success."""

    def start(self, name: str, fence: Fence) -> str:
        """Power on; already on is success."""

    def stop(self, name: str, fence: Fence, *, timeout_s: int = 60) -> str:
        """Ask the guest to power off; after ``timeout_s`` pull the plug. Off already is success."""

    def reboot(self, name: str, fence: Fence, *, hard: bool, timeout_s: int = 60) -> str:
        """Boot again. Soft asks the guest first; hard resets. An instance that is off is started."""

    def plug(self, name: str, nic: Nic, fence: Fence) -> str:
        """Give an instance one more card, which it sees at once if it is on. Its network must exist.

        A card of the name that is there already is success.
        """

    def unplug(self, name: str, nic_name: str, fence: Fence) -> str:
        """Take a card away from an instance, on or off; absent is success."""

    def job(self, job_id: str) -> Job:
        """How a job goes. An unknown id is an error job, never an exception."""

    def instance(self, name: str) -> InstanceState:
        """One instance as it is now; ``Power.ABSENT`` where there is none."""

    def instances(self) -> list[InstanceState]:
        """All instances that carry this installation's prefix."""

    # -- networks -------------------------------------------------------------------------------
    def apply_network(self, spec: NetworkSpec, fence: Fence) -> None:
        """Make the network be as ``spec`` says, unless a newer revision already stands."""

    def remove_network(self, name: str, fence: Fence) -> None:
        """Take it away with all that belongs to it; absent is success. Must have no instance."""

    def networks(self) -> list[str]:
        """Names of the networks that exist in the engine."""

    # -- looking --------------------------------------------------------------------------------
    def console(self, name: str) -> ConsoleEndpoint:
        """Where the screen is served; ``BackendError`` if the instance is not on."""

    def console_log(self, name: str, max_bytes: int) -> bytes:
        """The tail of the serial console; empty where the engine keeps none."""

    def follow(self, on_event: Callable[[Event], None], stop: Callable[[], bool]) -> None:
        """Call ``on_event`` for what happens until ``stop()`` is true. Blocks; one thread is given.

        Events may be lost or repeated (the reconciler looks at states); none is invented.
        """

    def close(self) -> None:
        """Let go of connections; instances keep running."""
