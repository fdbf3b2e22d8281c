"""What all calls on this host's instances share: where things are, who may act, how QEMUs begin and end.

Owns the attributes of the engine object and the order of a launch. Which calls there are is said by
``Backend``; they stand in ``backend`` and in the modules of the classes that it is made of. Everything that
is known about an instance stands in its directory: an object of this class holds nothing that another
process would miss.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from synnefo.cyclades.backends.base import (
    BackendError,
    BackendUnavailable,
    DiskImage,
    Fence,
    InstanceSpec,
    Power,
)
from synnefo.cyclades.backends.local import (
    accel,
    disks,
    drives,
    journal,
    layout,
    process,
    qemu,
    qmp,
    saving,
    seed,
    slots,
)
from synnefo.cyclades.backends.local.accel import Accelerator
from synnefo.cyclades.backends.local.cgroups import Limits
from synnefo.cyclades.backends.local.drives import Drive
from synnefo.cyclades.backends.local.fabric import Fabric
from synnefo.cyclades.backends.local.fencing import Fences, Slots
from synnefo.cyclades.backends.local.image_cache import ImageCache, Reader
from synnefo.cyclades.backends.local.layout import Boot, Home, Request

#: A QEMU that is told to quit ends within this time, or is killed.
QUIT_S = 10.0
IMAGE_WAIT_S = 10.0
ON = (Power.ON, Power.PAUSED)


class Host:
    """The shared part of ``LocalBackend``; see there for the arguments."""

    fabric: Fabric

    def __init__(
        self,
        data: Path,
        *,
        tb_size_mib: int,
        accelerator: Literal["auto", "kvm", "tcg"],
        confinement: qemu.Confinement,
        limits: Limits,
        read_image: Reader,
        image_cache_bytes: int,
    ) -> None:
        self.root = data / "instances"
        self._volumes = data / "volumes"
        self._snapshots = data / "snapshots"
        self._data = data
        self._tb_size_mib = tb_size_mib
        self._asked_accelerator = accelerator
        self._confinement = confinement
        self._limits = limits
        self._fences = Fences(data / "fences" / "instance")
        self._volume_fences = Fences(data / "fences" / "volume")
        self._snapshot_fences = Fences(data / "fences" / "snapshot")
        self._slots = Slots(data / "fences", count=max(2, os.cpu_count() or 1))
        self._images = ImageCache(
            data / "images-cache", read_image, limit_bytes=image_cache_bytes, in_use=self._backing_files
        )

    @functools.cached_property
    def _accelerator(self) -> Accelerator:
        if self._asked_accelerator == "tcg":
            return accel.tcg("set by the operator")
        if self._asked_accelerator == "kvm":
            return Accelerator(name="kvm", cpu="host", reason="set by the operator")
        return accel.choose(self._data / "accelerator.json")

    # -- what there is --------------------------------------------------------------------------
    def _home(self, name: str) -> Home:
        return Home(self.root / layout.check_name(name))

    def _specs(self) -> Iterator[InstanceSpec]:
        for home in layout.homes(self.root):
            yield from readable(home)

    def _volume(self, name: str) -> Path:
        """The file of a volume, which may not be there."""
        return self._volumes / layout.check_name(name) / "disk.qcow2"

    def _volume_names(self) -> list[str]:
        return [name for name in layout.names(self._volumes) if self._volume(name).exists()]

    def _root_disk(self, home: Home, spec: InstanceSpec) -> Path:
        return self._volume(spec.volumes[0].name) if spec.volumes else home.disk

    def _backing_files(self) -> set[Path]:
        """What the disks of this host stand on."""
        files = [disk for home in layout.homes(self.root) for disk in (home.disk, home.rescue_disk)]
        files += [self._volume(name) for name in layout.names(self._volumes)]
        files += self._snapshots.glob("*/*disk.qcow2*")
        found = {path for file in files if (path := disks.backing_file(file))}
        rescues = [rescue for home in layout.homes(self.root) if (rescue := readable_rescue(home))]
        return found | {Path(rescue.cd) for rescue in rescues if rescue.cd}

    def _finished(self, home: Home) -> InstanceSpec:
        """The specification of an instance that was made whole. Raises BackendError."""
        spec = home.spec()
        if spec is None or not self._whole(home, spec):
            raise BackendError(f"{home.name}: its creation was not finished")
        return spec

    def _whole(self, home: Home, spec: InstanceSpec) -> bool:
        if not spec.volumes:
            return home.disk.exists()
        return all(self._volume(volume.name).exists() for volume in spec.volumes)

    # -- who may act ----------------------------------------------------------------------------
    @contextlib.contextmanager
    def _acting(self, name: str, fence: Fence) -> Iterator[Home]:
        """Hold an instance that must exist."""
        home = self._home(name)
        with self._fences.passing(name, fence):
            if not home.exists():
                raise BackendError(f"There is no instance {name}")
            yield home

    @contextlib.contextmanager
    def _acting_unsaved(self, name: str, fence: Fence) -> Iterator[Home]:
        """Hold an instance whose hardware may change: what was saved fits its own hardware alone."""
        with self._acting(name, fence) as home:
            if home.memory.exists():
                raise BackendError(f"{name} is saved; start or stop it first")
            yield home

    # -- making it run --------------------------------------------------------------------------
    def _power_on(self, home: Home, because: Literal["start", "reboot"] = "start") -> None:
        """Make it run, with the instance and a slot held; what was asked of the guest is called off."""
        view = journal.look(home)
        if view.power in ON and saving.is_half_restored(home):
            process.kill(home.pidfile)  # it never ran; what was saved is still whole
            view = journal.look(home)
        if view.power in ON:
            saving.give_up(home)
        if view.power is Power.PAUSED:
            qmp.execute(home.qmp, "cont")
        elif view.power is not Power.ON:
            self._finish_run(home)
            self._launch(home, because)
        home.clear_request()

    def _launch(self, home: Home, because: Literal["start", "reboot"]) -> None:
        spec = self._finished(home)
        saved = saving.found(home)
        netdevs = [word for nic in spec.nics for word in self.fabric.plug(nic)]
        machine = qemu.Machine(
            drives=self._drives(home, spec),
            netdevs=netdevs,
            accelerator=self._accelerator,
            tb_size_mib=self._tb_size_mib,
            confinement=self._confinement,
            places=saved.places if saved else {},
            kind=saved.machine if saved else "q35",
            incoming=saved is not None,
        )
        argv = qemu.command_line(home, spec, machine)
        for socket in (home.qmp, home.vnc, home.agent):
            socket.unlink(missing_ok=True)
        home.memory_draft.unlink(missing_ok=True)
        home.journal_greeting.write_text(journal.GREETING)
        # Emptied before the run gets its name: an empty journal is read as "starting", never as an end.
        home.journal.write_bytes(b"")
        home.write_boot(Boot.new(because, restores=saved is not None))
        whole = [*self._confinement.prefix(), *self.fabric.wrap(argv)]
        process.launch(whole, home.path, home.complaints, lambda: journal.started(home))
        process.set_group_priority(home.pidfile, self._confinement.nice)
        if pid := process.pid_of(home.pidfile):
            self._limits.put(home.name, pid, spec.vcpus, spec.ram_mib)
        if saved is not None:
            saving.restore(home)

    def _drives(self, home: Home, spec: InstanceSpec) -> list[Drive]:
        """What the machine's disks are, with what the guest is told made if it is missing."""
        found = self._rescue_drives(home, spec)
        if spec.volumes:
            for number, volume in enumerate(spec.volumes):
                file = self._volume(volume.name)
                found.append(drives.volume(volume.name, file, readonly=volume.readonly, root=number == 0))
        else:
            found.append(Drive("root", home.disk, boot_index=1))
        if home.rescue() is None:
            if not home.seed.exists():
                seed.write(home.seed, spec)
            found.append(Drive("seed", home.seed, "raw", readonly=True, slots=slots.TAILS))
            if spec.config_drive:
                if not home.config_drive.exists():
                    seed.write_config_drive(home.config_drive, spec)
                config = Drive("config", home.config_drive, "raw", readonly=True, slots=slots.TAILS)
                found.append(config)
        return found

    def _rescue_drives(self, home: Home, spec: InstanceSpec) -> list[Drive]:
        """The system that the instance is to boot instead of its own, if it is."""
        rescue = home.rescue()
        if rescue is None:
            return []
        if rescue.cd:
            found = [Drive("rescue", Path(rescue.cd), "raw", readonly=True, boot_index=0, cd=True)]
        else:
            found = [Drive("rescue", home.rescue_disk, boot_index=0)]
        if rescue.guest is not None:
            if not home.rescue_seed.exists():
                seed.write(home.rescue_seed, spec, rescue.guest)
            found.append(Drive("seed", home.rescue_seed, "raw", readonly=True, slots=slots.TAILS))
        return found

    def _make_disk(self, disk: Path, image: DiskImage | None, size_gib: int) -> None:
        """Make a disk unless it is there."""
        if disk.exists():
            return
        disk.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if image is None:
            disks.create(disk, None, "", size_gib)
            return
        with self._images.using(image, wait_s=IMAGE_WAIT_S) as path:
            disks.create(disk, path, image.kept_format, size_gib)

    # -- making it end --------------------------------------------------------------------------
    def _finish_run(self, home: Home) -> None:
        """See a QEMU off that is ending, or that was left half started by a caller who was killed."""
        patience_s = QUIT_S if journal.started(home) else 0
        if not process.await_end(home.pidfile, patience_s):
            process.kill(home.pidfile)

    def _pull_plug(self, home: Home, kind: Literal["stop", "reboot", "delete", "save"]) -> None:
        """End QEMU now, orderly towards its disks if it can, and leave word that it was us."""
        if boot := home.boot():
            now = time.time()
            home.write_request(Request(kind=kind, boot=boot.id, deadline=now, asked=now, forced=True))
        if kind != "delete" and journal.look(home).power in ON:
            with contextlib.suppress(BackendUnavailable):
                qmp.execute(home.qmp, "quit")
                process.await_end(home.pidfile, QUIT_S)
        process.kill(home.pidfile)


def readable(home: Home) -> Iterator[InstanceSpec]:
    """The instance's specification; none where it is damaged, so that one instance stops no other work."""
    with contextlib.suppress(BackendError):
        if spec := home.spec():
            yield spec


def readable_rescue(home: Home) -> layout.Rescue | None:
    with contextlib.suppress(BackendError):
        return home.rescue()
    return None
