"""The engine's calls about volumes: made, removed, given to instances, taken from them, made larger.

Owns ``<data>/volumes/<name>/``, and who has a volume: the instance whose record names it, and no other
record does. A call that is about a volume holds its name, and first the instance that has it, so that
nothing starts with a disk that is being worked on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import time
from collections.abc import Iterable, Iterator

from synnefo.cyclades.backends.base import (
    DONE,
    BackendError,
    BackendUnavailable,
    Fence,
    InstanceSpec,
    Job,
    JobStatus,
    VolumeSpec,
)
from synnefo.cyclades.backends.local import disks, drives, journal, layout
from synnefo.cyclades.backends.local.drives import Drive
from synnefo.cyclades.backends.local.host import ON, Host
from synnefo.cyclades.backends.local.layout import Home, Leaving

_JOB = re.compile(rf"detach/({layout.NAME.pattern})/({layout.NAME.pattern})/([0-9]+)")
#: How long a guest may take to let go of a disk.
_LET_GO_S = 30.0


class VolumeCalls(Host):
    """The part of ``Backend`` that is about volumes; see there."""

    def create_volume(self, volume: VolumeSpec, fence: Fence) -> str:
        layout.check_name(volume.name)
        with self._volume_fences.passing(volume.name, fence):
            self._make_volume(volume)
        return DONE

    def delete_volume(self, name: str, fence: Fence) -> str:
        with self._having(name, fence) as home:
            if home is not None:
                raise BackendError(f"{name} is in use by {home.name}")
            if (directory := self._volume(name).parent).exists():
                layout.discard(directory)
        return DONE

    def attach_volume(self, instance: str, volume: VolumeSpec, fence: Fence) -> str:
        layout.check_name(volume.name)
        with self._acting_unsaved(instance, fence) as home, self._taking([volume], instance, fence):
            spec = self._finished(home)
            self._make_volume(volume)
            home.clear_leaving(volume.name)
            if volume.name in {one.name for one in spec.volumes}:
                volume = next(one for one in spec.volumes if one.name == volume.name)
            else:
                # Known first: a disk that is in a guest is never one that nobody is said to have.
                home.write_spec(dataclasses.replace(spec, volumes=[*spec.volumes, volume]))
            if journal.look(home).power in ON:
                self._put_in(home, spec, volume)
        return DONE

    def _put_in(self, home: Home, before: InstanceSpec, volume: VolumeSpec) -> None:
        try:
            drives.put_in(home, self._drive(volume))
        except BackendUnavailable:
            raise
        except BackendError:
            home.write_spec(before)
            raise

    def detach_volume(self, instance: str, volume_name: str, fence: Fence) -> str:
        layout.check_name(volume_name)
        with (
            self._acting_unsaved(instance, fence) as home,
            self._volume_fences.passing(volume_name, fence),
        ):
            spec = self._finished(home)
            names = [volume.name for volume in spec.volumes]
            if volume_name not in names:
                return DONE
            if names[0] == volume_name:
                raise BackendError(f"{instance} boots from {volume_name}: it cannot be detached")
            deadline = time.time() + _LET_GO_S
            home.write_leaving(Leaving(volume=volume_name, operation=fence.operation, deadline=deadline))
            if self._is_out(home, volume_name):
                return DONE
        return f"detach/{instance}/{volume_name}/{fence.operation}"

    def extend_volume(self, name: str, size_gib: int, fence: Fence) -> str:
        with self._having(name, fence) as home:
            file = self._volume(name)
            if disks.size_bytes(file) >= size_gib * disks.GIB:
                return DONE
            if home is not None and journal.look(home).power in ON:
                volume = next(one for one in self._finished(home).volumes if one.name == name)
                drives.resize(home, self._drive(volume), size_gib * disks.GIB)
            elif home is not None and home.memory.exists():
                raise BackendError(f"{home.name} is saved; start or stop it first")
            else:
                disks.grow(file, size_gib)
        return DONE

    def volumes(self) -> list[str]:
        return self._volume_names()

    # -- what others need -----------------------------------------------------------------------
    def _make_volumes(self, volumes: Iterable[VolumeSpec]) -> None:
        """Make what is missing of an instance's volumes, and let them be as large as they shall."""
        for volume in volumes:
            self._make_volume(volume)
            disks.grow(self._volume(volume.name), volume.size_gib)

    def _make_volume(self, volume: VolumeSpec) -> None:
        self._make_disk(self._volume(volume.name), volume.origin, volume.size_gib)

    def _holder(self, name: str) -> str | None:
        """The instance that has a volume."""
        for spec in self._specs():
            if name in {volume.name for volume in spec.volumes}:
                return spec.name
        return None

    @contextlib.contextmanager
    def _taking(self, volumes: Iterable[VolumeSpec], instance: str, fence: Fence) -> Iterator[None]:
        """Hold volumes that no other instance may have; the instance is held already."""
        with contextlib.ExitStack() as stack:
            for name in sorted({volume.name for volume in volumes}):
                stack.enter_context(self._volume_fences.passing(layout.check_name(name), fence))
                if (holder := self._holder(name)) not in {None, instance}:
                    raise BackendError(f"{name} is in use by {holder}")
            yield

    @contextlib.contextmanager
    def _having(self, name: str, fence: Fence) -> Iterator[Home | None]:
        """Hold a volume, and first the instance that has it, which is given."""
        layout.check_name(name)
        holder = self._holder(name)
        with contextlib.ExitStack() as stack:
            if holder is not None:
                stack.enter_context(self._fences.holding(holder))
            stack.enter_context(self._volume_fences.passing(name, fence))
            if self._holder(name) != holder:
                raise BackendUnavailable(f"{name} is just being attached or detached")
            yield None if holder is None else self._home(holder)

    def _drive(self, volume: VolumeSpec) -> Drive:
        file = self._volume(volume.name)
        return drives.volume(volume.name, file, readonly=volume.readonly, root=False)

    # -- letting go -----------------------------------------------------------------------------
    def _is_out(self, home: Home, volume_name: str) -> bool:
        """Ask the guest to let go of a disk; once it has, the instance has it no more."""
        spec = self._finished(home)
        volume = next((one for one in spec.volumes if one.name == volume_name), None)
        if volume is not None:
            if journal.look(home).power in ON and not drives.ask_out(home, self._drive(volume)):
                return False
            kept = [one for one in spec.volumes if one.name != volume_name]
            home.write_spec(dataclasses.replace(spec, volumes=kept))
        home.clear_leaving(volume_name)
        return True

    def _detachment(self, job_id: str) -> Job | None:
        """How a job of this module goes; None for the jobs of others."""
        if (parts := _JOB.fullmatch(job_id)) is None:
            return None
        instance, volume_name, operation = parts.groups()
        home = self._home(instance)
        with self._fences.holding(instance, wait_s=0):
            spec = home.spec()
            if spec is None or volume_name not in {volume.name for volume in spec.volumes}:
                return Job(JobStatus.SUCCESS)
            leaving = home.leaving(volume_name)
            if leaving is None or leaving.operation != int(operation):
                return Job(JobStatus.ERROR, "A later call took its place")
            if self._is_out(home, volume_name):
                return Job(JobStatus.SUCCESS)
            if time.time() < leaving.deadline:
                return Job(JobStatus.RUNNING)
            home.clear_leaving(volume_name)
            return Job(JobStatus.ERROR, f"The guest does not let go of {volume_name}")
