"""Disks of instances on a Ganeti cluster, and what Ganeti cannot do with them.

Owns how the contract's calls about volumes become Ganeti's. A volume is a disk by its name. Ganeti knows
no disk outside of an instance, but for those that were taken out of one and kept: which those are it does
not tell, so tags of the cluster say it. It has no removal of these; its operators have.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from synnefo.cyclades.backends.base import DONE, BackendError, Fence, VolumeSpec
from synnefo.cyclades.backends.ganeti.config import GanetiConfig
from synnefo.cyclades.backends.ganeti.rapi import NotFound, Rapi, path
from synnefo.cyclades.backends.ganeti.submission import Submission

#: Of the cluster: the disk of this name was taken out of its instance and kept.
_KEPT = "synnefo:kept-disk:"
_MIB = 1024  # of a GiB

Submit = Callable[[str, str, Fence], Submission]


@dataclasses.dataclass(frozen=True)
class _Holder:
    """An instance, whether it is on, and the names and sizes (MiB) of its disks in their order."""

    name: str
    on: bool
    disks: tuple[tuple[str | None, int], ...]

    def index(self, volume: str) -> int:
        """Where a disk of the name is; -1 where there is none."""
        return next((index for index, (name, _) in enumerate(self.disks) if name == volume), -1)


class Disks:
    """The disks of one cluster's instances. ``submit`` makes a fenced call about an instance."""

    def __init__(self, config: GanetiConfig, rapi: Rapi, submit: Submit) -> None:
        self._config = config
        self._rapi = rapi
        self._submit = submit

    def names(self) -> list[str]:
        """Of the disks that have one and carry the prefix, in instances or kept."""
        rows = self._rapi.query("instance", ("name", "disk.names"))
        found = {
            name for instance, names in rows if instance.startswith(self._config.prefix) for name in names
        }
        return sorted(name for name in found | self._kept() if name)

    def attach(self, instance: str, volume: VolumeSpec, fence: Fence) -> str:
        call = self._submit("attach", instance, fence)
        if (twin := call.under_way()) is not None:
            return str(twin)
        holder = self._instance(instance)
        if not call.pending and holder.index(volume.name) >= 0:
            call.note()
            return DONE
        if volume.origin is not None and volume.name not in self._kept():
            raise BackendError("Ganeti fills the first disk of an instance only")
        if (other := self._holder_of(volume.name)) not in (None, instance):
            raise BackendError(f"{volume.name} is in use by {other}")
        if volume.name in self._kept():
            job = self._change(call, holder, ["attach", -1, {"name": volume.name}])
            self._tag("DELETE", volume.name)
            return job
        disk = {
            "name": volume.name,
            "size": volume.size_gib * _MIB,
            "mode": "ro" if volume.readonly else "rw",
        }
        return self._change(call, holder, ["add", -1, disk])

    def detach(self, instance: str, volume: str, fence: Fence) -> str:
        call = self._submit("detach", instance, fence)
        if (twin := call.under_way()) is not None:
            return str(twin)
        holder = self._instance(instance)
        index = holder.index(volume)
        if not call.pending and index < 0:
            call.note()
            return DONE
        if index == 0:
            raise BackendError(f"{instance} boots from {volume}: it cannot be detached")
        self._tag("PUT", volume)
        return self._change(call, holder, ["detach", volume, {}])

    def extend(self, volume: str, size_gib: int, fence: Fence) -> str:
        instance = self._holder_of(volume)
        if instance is None:
            raise BackendError(f"{volume} is in no instance: Ganeti cannot extend it")
        call = self._submit(f"extend-{volume}", instance, fence)
        if (twin := call.under_way()) is not None:
            return str(twin)
        holder = self._instance(instance)
        index = holder.index(volume)
        if holder.disks[index][1] >= size_gib * _MIB:
            call.note()
            return DONE
        body: dict[str, object] = {
            "amount": size_gib * _MIB,
            "absolute": True,
            "wait_for_sync": not holder.on,
        }
        return str(call.submit("POST", path("instances", instance, "disk", str(index), "grow"), body))

    def delete(self, volume: str) -> str:
        if (instance := self._holder_of(volume)) is not None:
            raise BackendError(f"{volume} is in use by {instance}")
        if volume in self._kept():
            raise BackendError(f"{volume} is in no instance: only Ganeti's operators can remove its data")
        return DONE

    # -- inside -----------------------------------------------------------------------------------
    def _change(self, call: Submission, holder: _Holder, change: list[object]) -> str:
        """Ganeti plugs into the running guest where the hypervisor can, else at its next start.

        Mirrors of one that is off are waited for, since nothing would bring them on.
        """
        body = {"disks": [change], "hotplug_if_possible": True, "wait_for_sync": not holder.on}
        return str(call.submit("PUT", path("instances", holder.name, "modify"), body))

    def _instance(self, name: str) -> _Holder:
        try:
            found: Any = self._rapi.call("GET", path("instances", name))
        except NotFound as error:
            raise BackendError(f"There is no instance {name}") from error
        disks = zip(found["disk.names"], found["disk.sizes"], strict=True)
        return _Holder(name, bool(found["oper_state"]), tuple(disks))

    def _holder_of(self, volume: str) -> str | None:
        rows = self._rapi.query("instance", ("name", "disk.names"))
        return next((str(name) for name, names in rows if volume in names), None)

    def _kept(self) -> set[str]:
        tags: list[str] = self._rapi.call("GET", path("tags"))
        return {tag.removeprefix(_KEPT) for tag in tags if tag.startswith(_KEPT + self._config.prefix)}

    def _tag(self, method: str, volume: str) -> None:
        """A job of its own that nothing waits for: the same tag twice is once."""
        self._rapi.call(method, path("tags"), {}, {"tag": f"{_KEPT}{volume}"})
