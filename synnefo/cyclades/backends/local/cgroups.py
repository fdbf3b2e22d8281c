"""Limits of the host's kernel (cgroups) that keep one instance from taking what others were promised.

Owns one group an instance below a group that the operator named for it; without one there are no limits.
Groups of others are never touched: not even the one that a systemd unit delegates to the services, for a
group with groups of its own below cannot take in the services that are started next. Both versions of
cgroups are known; of version 1 each controller has a tree.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

log = logging.getLogger(__name__)

_ROOT = Path("/sys/fs/cgroup")
_PERIOD_US = 100_000
#: What a QEMU needs beside its guest's memory: its own, and the disks' caches.
_OVERHEAD_MIB = 512
_SHARES = 1024  # of version 1, for one processor
_WEIGHT, _WEIGHT_MAX = 100, 10_000  # of version 2


class Limits:
    """The limits of one installation's instances, in groups below ``parent``; none if that is empty."""

    def __init__(self, parent: str, tag: str, extra_mib: int = 0, root: Path = _ROOT) -> None:
        self._root = root
        self._tag = tag
        self._extra_mib = extra_mib
        self._parent = parent.strip("/")
        self._v2 = (root / "cgroup.controllers").exists()

    def describe(self) -> str:
        """A sentence for the operator."""
        if not self._parent:
            return "none: no cgroup was named (CYCLADES_LOCAL_CGROUP)"
        kinds = [kind for kind, _ in self._groups("")]
        if not kinds:
            return "none: this host has neither the cpu nor the memory controller"
        return f"{' and '.join(kinds)} below {self._parent} (cgroups version {2 if self._v2 else 1})"

    def put(self, name: str, pid: int, vcpus: int, ram_mib: int) -> None:
        """Limit an instance's QEMU. What the kernel refuses is logged: it runs without a limit."""
        try:
            for kind, group in self._groups(name):
                self._make(group)
                for file, value in self._values(kind, vcpus, ram_mib).items():
                    (group / file).write_text(value)
                (group / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            log.warning("no limits for %s: %s", name, error)

    def remove(self, name: str) -> None:
        """Remove an instance's groups, which have to be empty by now."""
        for _, group in self._groups(name):
            with contextlib.suppress(OSError):
                group.rmdir()

    def _groups(self, name: str) -> list[tuple[str, Path]]:
        """The controllers that can be had, and the group of an instance in each."""
        if not self._parent:
            return []
        below = Path(self._parent, f"synnefo-{self._tag}", name)
        if not self._v2:
            trees = [(kind, self._root / kind) for kind in ("cpu", "memory")]
            return [(kind, tree / below) for kind, tree in trees if (tree / "cgroup.procs").exists()]
        known = (self._root / "cgroup.controllers").read_text().split()
        return [(kind, self._root / below) for kind in ("cpu", "memory") if kind in known]

    def _make(self, group: Path) -> None:
        group.mkdir(parents=True, exist_ok=True)
        if self._v2:
            for above in reversed(group.relative_to(self._root).parents):
                (self._root / above / "cgroup.subtree_control").write_text("+cpu +memory")

    def _values(self, kind: str, vcpus: int, ram_mib: int) -> dict[str, str]:
        memory = str((ram_mib + _OVERHEAD_MIB + self._extra_mib) * 2**20)
        quota = str(vcpus * _PERIOD_US)
        if kind == "memory":
            return {"memory.max" if self._v2 else "memory.limit_in_bytes": memory}
        if self._v2:
            return {"cpu.max": f"{quota} {_PERIOD_US}", "cpu.weight": str(min(_WEIGHT * vcpus, _WEIGHT_MAX))}
        return {
            "cpu.cfs_period_us": str(_PERIOD_US),
            "cpu.cfs_quota_us": quota,
            "cpu.shares": str(_SHARES * vcpus),
        }
