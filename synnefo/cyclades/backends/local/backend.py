"""The local engine: virtual machines on this host, each a QEMU that outlives whoever started it.

Owns what is known of the host itself, and looking. The calls that change something stand in ``making``,
``power``, ``volumes``, ``snapshots``, ``orphans`` and ``network_calls``, of which the engine object is made.
"""

from __future__ import annotations

import datetime
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from synnefo.cyclades.backends.base import (
    DONE,
    BackendError,
    BackendUnavailable,
    Capacity,
    ConsoleEndpoint,
    Event,
    InstanceState,
    Job,
    JobStatus,
    Sample,
)
from synnefo.cyclades.backends.local import accounting, history, journal, layout, process, qemu, tools
from synnefo.cyclades.backends.local.accounting import Overcommit
from synnefo.cyclades.backends.local.cgroups import Limits
from synnefo.cyclades.backends.local.fabric import Fabric, NamespaceFabric
from synnefo.cyclades.backends.local.fabric_user import UserFabric
from synnefo.cyclades.backends.local.fencing import Fences
from synnefo.cyclades.backends.local.follower import PERIOD_S, Follower
from synnefo.cyclades.backends.local.host import ON, readable_rescue
from synnefo.cyclades.backends.local.image_cache import Reader
from synnefo.cyclades.backends.local.making import MakingCalls
from synnefo.cyclades.backends.local.metadata_source import MetadataSource
from synnefo.cyclades.backends.local.network_calls import NetworkCalls
from synnefo.cyclades.backends.local.orphans import OrphanCalls
from synnefo.cyclades.backends.local.power import PowerCalls
from synnefo.cyclades.backends.local.sampler import Sampler
from synnefo.cyclades.backends.local.snapshots import SnapshotCalls

_PRUNE_S = 3600.0
_SOCKET_PATH_MAX = 107  # bytes


def _no_reader(source: str) -> Iterator[bytes]:
    raise BackendError(f"Nothing is read from {source!r} here")


class LocalBackend(PowerCalls, MakingCalls, SnapshotCalls, OrphanCalls, NetworkCalls):
    """The engine over ``data_dir``; see ``Backend`` for the calls.

    ``tag`` (4-6 of a-z, 0-9) marks what the installation makes on the host. ``fabric`` is the network;
    otherwise ``networking`` chooses: "auto" is namespaces where the rights for them exist, QEMU's user
    networking elsewhere. ``transit`` and ``floating`` are the ranges of the namespaces' network,
    ``public`` and ``bridges`` what it is further joined with (``fabric.NamespaceFabric``).
    ``tb_size_mib`` bounds each TCG guest's cache of translated code. ``accelerator`` "auto" probes.
    ``read_image`` gives images' content, of which ``image_cache_bytes`` are kept here even if unused.
    ``overcommit`` says how much more than there is may be promised, ``cgroup`` where limits are set.
    ``root`` is where the instances are, ``fabric`` the network that was chosen.
    """

    def __init__(
        self,
        data_dir: Path,
        tag: str,
        *,
        fabric: Fabric | None = None,
        networking: Literal["auto", "namespaces", "user"] = "auto",
        transit: str = "198.19.0.0/16",
        floating: str = "198.18.0.0/24",
        public: Sequence[str] = (),
        bridges: Sequence[str] = (),
        tb_size_mib: int = 64,
        accelerator: Literal["auto", "kvm", "tcg"] = "auto",
        confinement: qemu.Confinement | None = None,
        read_image: Reader = _no_reader,
        image_cache_bytes: int = 50 * 2**30,
        overcommit: Overcommit | None = None,
        cgroup: str = "",
    ) -> None:
        data = data_dir.resolve()
        super().__init__(
            data,
            tb_size_mib=tb_size_mib,
            accelerator=accelerator,
            confinement=confinement or qemu.Confinement.default(),
            limits=Limits(cgroup, tag, extra_mib=tb_size_mib),
            read_image=read_image,
            image_cache_bytes=image_cache_bytes,
        )
        self._overcommit = overcommit or Overcommit()
        self._network_fences = Fences(data / "fences" / "network")
        self._router_fences = Fences(data / "fences" / "router")
        self._fabric_reason = ""
        real = NamespaceFabric(tag, self._data, transit, floating, public=public, bridges=bridges)
        self.fabric = fabric or self._choose_fabric(networking, real, UserFabric(tag, self._data))

    # -- this host ------------------------------------------------------------------------------
    def ensure(self) -> None:
        """Make ready what instances need; called once when a dispatcher starts, also after a reboot.

        Raises BackendError with the command to run if programs are missing.
        """
        tools.require()
        for directory in (self.root, self._volumes, self._snapshots):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            layout.sweep(directory)
        self.fabric.ensure()
        self.fabric.restore()

    def prerequisites(self) -> list[str]:
        """The Debian packages that are missing."""
        return tools.missing_packages()

    def describe(self) -> dict[str, str]:
        """What the operator wants to know: accelerator, network and limits, and why these."""
        return {
            "accelerator": self._accelerator.name,
            "accelerator_reason": self._accelerator.reason,
            "network": "namespaces" if isinstance(self.fabric, NamespaceFabric) else "user",
            "network_reason": f"{self.fabric.describe()}{self._fabric_reason}",
            "limits": self._limits.describe(),
        }

    def capacity(self) -> Capacity:
        disk = shutil.disk_usage(self._data if self._data.exists() else self._data.parent)
        sizes = [accounting.volume_gib(self._volume(name)) for name in self._volume_names()]
        return accounting.capacity(list(self._specs()), sizes, disk, self._overcommit)

    def close(self) -> None:
        """Nothing is held between calls."""

    def _choose_fabric(self, networking: str, real: Fabric, user: Fabric) -> Fabric:
        """What was asked for; with "auto" namespaces where they can be, with the reason kept where not."""
        if networking == "user":
            return user
        obstacle = real.available()
        if obstacle is not None and networking == "namespaces":
            raise BackendError(f"Networks in namespaces cannot be had: {obstacle}")
        if obstacle is None:
            return real
        self._fabric_reason = f". Chosen because: {obstacle}"
        return user

    # -- jobs -----------------------------------------------------------------------------------
    def job(self, job_id: str) -> Job:
        if job_id == DONE:
            return Job(JobStatus.SUCCESS)
        try:
            for kind in (self._power_job, self._detachment, self._copying):
                if (job := kind(job_id)) is not None:
                    return job
        except BackendUnavailable as busy:
            return Job(JobStatus.RUNNING, str(busy))
        except BackendError as error:
            return Job(JobStatus.ERROR, str(error))
        return Job(JobStatus.ERROR, f"There is no job {job_id!r}")

    # -- looking --------------------------------------------------------------------------------
    def instance(self, name: str) -> InstanceState:
        home = self._home(name)
        view, spec = journal.look(home), home.spec()
        if spec is None:
            return InstanceState(name, view.power, view.reason)
        rescued = readable_rescue(home) is not None
        return InstanceState(name, view.power, view.reason, spec.vcpus, spec.ram_mib, rescued)

    def instances(self) -> list[InstanceState]:
        return [self.instance(home.name) for home in layout.homes(self.root)]

    def console(self, name: str) -> ConsoleEndpoint:
        home = self._home(name)
        pid = process.pid_of(home.pidfile)
        if pid is None or journal.look(home).power not in ON:
            raise BackendError(f"{name} is not on")
        # QEMU works in the instance's directory: through it the name is short enough for a socket.
        too_long = len(os.fsencode(home.vnc)) > _SOCKET_PATH_MAX
        return ConsoleEndpoint(unix_path=Path(f"/proc/{pid}/cwd", home.vnc.name) if too_long else home.vnc)

    def console_log(self, name: str, max_bytes: int) -> bytes:
        return layout.tail(self._home(name).console, max_bytes)

    def samples(self, name: str, since: datetime.datetime) -> list[Sample]:
        return history.since(self._home(name).history, since, datetime.datetime.now(datetime.UTC))

    def follow(self, on_event: Callable[[Event], None], stop: Callable[[], bool]) -> None:
        """As in ``Backend``; meanwhile measures, answers guests' questions for metadata, keeps house."""
        follower = Follower(self.root, on_event)
        next_prune_s = 0.0
        with (
            MetadataSource(self.fabric, self._specs, self._data) as metadata,
            Sampler(self.root, self._fences),
        ):
            while not stop():
                follower.look()
                metadata.refresh()
                if time.monotonic() >= next_prune_s:
                    self._prune()
                    next_prune_s = time.monotonic() + _PRUNE_S
                time.sleep(PERIOD_S)

    def _prune(self) -> None:
        """Forget the fences of what has been gone for long."""
        self._fences.prune({home.name for home in layout.homes(self.root)})
        self._volume_fences.prune(set(self._volume_names()))
        self._snapshot_fences.prune(set(layout.names(self._snapshots)))
        self.prune_network_fences()
