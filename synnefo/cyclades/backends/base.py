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
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    SAVED = "saved"


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
    """One network card. ``ip`` is the fixed IPv4 address, which the guest learns by DHCP.

    ``more_ips`` are its other fixed addresses, of IPv4 and IPv6.
    """

    name: str
    network: str
    mac: str
    ip: str | None = None
    more_ips: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class DiskImage:
    """Where a disk's first content comes from: a file on this host, or what the engine reads from ``source``.

    ``hash`` and ``size_bytes`` name content for good: where both are the same, the content is.
    """

    path: Path | None
    format: str
    hash: str = ""
    source: str = ""
    size_bytes: int = 0

    @property
    def kept_format(self) -> str:
        """What it is once a host has it: a VMDK becomes a qcow2 there."""
        return "qcow2" if self.format == "vmdk" else self.format


@dataclasses.dataclass(frozen=True)
class GuestSetup:
    """What the guest is told at its first boot (NoCloud, metadata service)."""

    hostname: str
    instance_id: str
    ssh_keys: Sequence[str] = ()
    user_data: bytes = b""
    admin_password: str | None = None
    files: Sequence[GuestFile] = ()
    availability_zone: str = ""
    project: str = ""
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class VolumeSpec:
    """A disk. ``origin`` is its first content, None of a blank one and of one that has data already."""

    name: str
    size_gib: int
    origin: DiskImage | None = None
    readonly: bool = False


@dataclasses.dataclass(frozen=True)
class GuestFile:
    """A file that a guest finds at its first boot ("personality"). ``mode`` as in 0o644."""

    path: str
    content: bytes
    owner: str = "root"
    group: str = "root"
    mode: int = 0o440


@dataclasses.dataclass(frozen=True)
class InstanceSpec:
    """An instance as it shall be made. It boots from the first of ``volumes``; what is missing is made.

    ``image`` and ``disk_gib`` are of records that were written when an instance had one disk of its own,
    which has no name; where there are ``volumes`` they mean nothing. ``config_drive``: the guest is told by
    a disk, too, what the metadata service says.
    """

    name: str
    vcpus: int
    ram_mib: int
    nics: Sequence[Nic]
    guest: GuestSetup
    volumes: Sequence[VolumeSpec] = ()
    config_drive: bool = False
    disk_gib: int = 0
    image: DiskImage | None = None


@dataclasses.dataclass(frozen=True)
class Lease:
    """A reserved address: who has it, and the name it gets in the network's DNS."""

    mac: str
    ip: str
    hostname: str


@dataclasses.dataclass(frozen=True)
class SubnetSpec:
    """A range of a network. ``ipv6_mode`` is ``slaac``, ``dhcpv6-stateful`` or ``dhcpv6-stateless``."""

    cidr: str
    gateway: str | None = None
    dhcp: bool = True
    dns_nameservers: Sequence[str] = ()
    host_routes: Sequence[tuple[str, str]] = ()
    ipv6_mode: str = ""


@dataclasses.dataclass(frozen=True)
class FilterRule:
    """What is let through. Ports are type and code for ICMP; ``remote_set`` names one of the address sets."""

    direction: str
    ethertype: str = "IPv4"
    protocol: str = ""
    port_min: int | None = None
    port_max: int | None = None
    remote_cidr: str = ""
    remote_set: str = ""


@dataclasses.dataclass(frozen=True)
class CardFilter:
    """What may come to a card and leave it; answers to what was let through always may.

    ``rules`` None: everything. ``secured`` False: not even its addresses are looked at. ``address_pairs`` are
    (address or range, MAC) that it may use besides its own. ``up`` False: nothing passes.
    """

    nic: str
    rules: Sequence[FilterRule] | None = None
    secured: bool = True
    address_pairs: Sequence[tuple[str, str]] = ()
    up: bool = True


@dataclasses.dataclass(frozen=True)
class NetworkSpec:
    """A network as it shall be, whole; applying it again with the same revision changes nothing.

    ``revision`` grows with every change: a backend that already holds a newer one ignores the call,
    so that two writers cannot put an older picture back. ``floating`` maps a floating address to the
    fixed address it leads to (1:1 NAT). ``cidr``, ``gateway``, ``dhcp`` and ``dns_nameservers`` are those of
    its (first) IPv4 subnet; ``more_subnets`` are the others. ``cidr`` is None while there is none. On a
    ``public`` one cards have floating addresses as their own, and its gateway is the world's.
    A ``routed`` one has its gateway in a router (``RouterSpec``), and no way out of its own.
    ``leases`` say what the cards of these MACs may use; of several of a card in one subnet DHCP offers the
    first. ``filters`` are by card; a card that is not named there is let do what is its own address' (no
    spoofing). ``up`` False: nothing passes between its cards.
    ``address_sets`` are what filters name as ``remote_set``. ``kind``, ``mode``, ``link`` and ``mac_prefix``
    say how it is kept apart from others (spec: cyclades 2.4).
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
    more_subnets: Sequence[SubnetSpec] = ()
    host_routes: Sequence[tuple[str, str]] = ()
    routed: bool = False
    filters: Sequence[CardFilter] = ()
    address_sets: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    kind: str = "MAC_FILTERED"
    mode: str = "bridged"
    link: str = ""
    mac_prefix: str = ""
    tags: Sequence[str] = ()
    mtu: int = 1500
    up: bool = True


@dataclasses.dataclass(frozen=True)
class RouterSpec:
    """A router as it shall be, whole; as with networks, an older revision is ignored.

    ``interfaces`` are (network's name, address with prefix length). ``external`` is its own address on the
    public network (None: no way out), behind which guests go out if ``snat``. ``floating`` maps floating
    addresses to fixed ones of its networks. ``routes`` are (destination, next hop).
    """

    name: str
    revision: int
    interfaces: Sequence[tuple[str, str]] = ()
    external: str | None = None
    snat: bool = True
    floating: Mapping[str, str] = dataclasses.field(default_factory=dict)
    routes: Sequence[tuple[str, str]] = ()
    up: bool = True


#: The reason of an instance that is off because its host went down under it.
REASON_HOST_REBOOTED = "the host restarted"


@dataclasses.dataclass(frozen=True)
class InstanceState:
    """An instance as observed. ``reason`` says why it is off where that is known.

    What it is made with, and whether it boots another system than its own, are None where that is not told.
    """

    name: str
    power: Power
    reason: str = ""
    vcpus: int | None = dataclasses.field(default=None, compare=False)
    ram_mib: int | None = dataclasses.field(default=None, compare=False)
    rescued: bool | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(frozen=True)
class Node:
    """One machine of an engine, as it is: memory and disk in MiB, and how many instances are there first."""

    name: str
    vcpus: int
    ram_total_mib: int
    ram_free_mib: int
    disk_total_mib: int
    disk_free_mib: int
    instances: int
    drained: bool = False
    offline: bool = False
    vm_capable: bool = True


@dataclasses.dataclass(frozen=True)
class Capacity:
    """What there is (after overcommitment), what is left, and what was promised to instances, on or off.

    For placement; memory in MiB, disk in GiB. ``nodes`` is told by engines of several machines.
    """

    vcpus: int
    ram_total_mib: int
    ram_free_mib: int
    disk_total_gib: int
    disk_free_gib: int
    instances: int
    vcpus_promised: int = 0
    ram_promised_mib: int = 0
    disk_promised_gib: int = 0
    nodes: tuple[Node, ...] = ()


@dataclasses.dataclass(frozen=True)
class Sample:
    """What an instance has used since it was switched on; ``ram_mib`` is what it holds."""

    at: datetime.datetime
    cpu_s: float
    ram_mib: int
    rx_bytes: int
    tx_bytes: int
    read_bytes: int
    written_bytes: int


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
        """Stop at once and remove everything that carries the name; absent is success.

        Its volumes carry names of their own: they stay, and nobody has them.
        """

    def start(self, name: str, fence: Fence) -> str:
        """Power on; already on is success."""

    def stop(self, name: str, fence: Fence, *, timeout_s: int = 60) -> str:
        """Ask the guest to power off; after ``timeout_s`` pull the plug. Off already is success.

        What was saved of it is forgotten.
        """

    def reboot(self, name: str, fence: Fence, *, hard: bool, timeout_s: int = 60) -> str:
        """Boot again. Soft asks the guest first; hard resets. One that is off or saved is started anew."""

    def plug(self, name: str, nic: Nic, fence: Fence) -> str:
        """Give an instance one more card, which it sees at once if it is on. Its network must exist.

        A card of the name that is there already is success.
        """

    def unplug(self, name: str, nic_name: str, fence: Fence) -> str:
        """Take a card away from an instance, on or off; absent is success."""

    def resize(self, name: str, vcpus: int, ram_mib: int, fence: Fence) -> str:
        """Another size for an instance that is off; it has that size already is success."""

    def rebuild(self, spec: InstanceSpec, fence: Fence) -> str:
        """As ``create``, but the first volume is made anew, and the guest is told what ``spec`` says.

        It is switched off at once. Repeated by the same operation it makes the volume no second time.
        """

    def pause(self, name: str, fence: Fence) -> str:
        """Stop its processors; ``start`` lets them go on. Paused already is success."""

    def save(self, name: str, fence: Fence) -> str:
        """Write its memory to disk and end it; ``start`` goes on from there. Saved already is success."""

    def rescue(self, name: str, image: DiskImage, guest: GuestSetup | None, fence: Fence) -> str:
        """Boot it from another system, with its own disks beside; ``guest`` is what that system is told.

        An image of the format ``iso`` is a CD. Until ``unrescue`` it boots so. One that is off stays off, one
        that is on is switched off at once and booted again.
        """

    def unrescue(self, name: str, fence: Fence) -> str:
        """Boot from its own disk again; what the rescue wrote to its own disk is forgotten.

        One that is off stays off, one that is on is switched off at once and booted again.
        """

    def set_password(self, name: str, user: str, password: str, fence: Fence) -> str:
        """By an agent in the guest; ``BackendError`` where none answers."""

    # -- volumes --------------------------------------------------------------------------------
    def create_volume(self, volume: VolumeSpec, fence: Fence) -> str:
        """Make a disk that belongs to no instance yet; there already is success."""

    def delete_volume(self, name: str, fence: Fence) -> str:
        """Remove its data; absent is success. ``BackendError`` while an instance has it."""

    def attach_volume(self, instance: str, volume: VolumeSpec, fence: Fence) -> str:
        """Give an instance one more disk, on or off, made if it does not exist. In already is success."""

    def detach_volume(self, instance: str, volume_name: str, fence: Fence) -> str:
        """Take a disk from an instance, on or off, and keep its data; absent is success.

        The first, from which it boots, cannot be taken. The job fails where a guest does not let go of it.
        """

    def extend_volume(self, name: str, size_gib: int, fence: Fence) -> str:
        """Make it larger, wherever it is; a guest that is on sees it. That large already is success."""

    def volumes(self) -> list[str]:
        """Names of the disks that exist, attached or not."""

    def snapshot_volume(self, name: str, snapshot: str, fence: Fence) -> str:
        """Keep the volume's content as it is at one moment during the job, under the snapshot's name."""

    def read_snapshot(self, snapshot: str) -> Iterator[bytes]:
        """What was kept, as a raw disk of the volume's size, in pieces."""

    def drop_snapshot(self, snapshot: str, fence: Fence) -> None:
        """Let go of what was kept; absent is success."""

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

    def apply_router(self, spec: RouterSpec, fence: Fence) -> None:
        """Make it be as ``spec`` says, unless a newer revision already stands. Its networks must exist."""

    def remove_router(self, name: str, fence: Fence) -> None:
        """Take it away; absent is success."""

    def routers(self) -> list[str]:
        """Names of the routers that exist in the engine."""

    # -- looking --------------------------------------------------------------------------------
    def samples(self, name: str, since: datetime.datetime) -> list[Sample]:
        """What was measured since then, oldest first; empty where the engine keeps none."""

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
