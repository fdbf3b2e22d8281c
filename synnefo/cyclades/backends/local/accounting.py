"""What this host has, what its instances were promised, and what is left of it.

Owns the arithmetic. Memory and processors are promised to every instance, on or off: one that is off may be
started at any time. Disks are promised in full although they grow as they are written.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from synnefo.cyclades.backends.base import BackendError, Capacity, InstanceSpec
from synnefo.cyclades.backends.local import disks


@dataclasses.dataclass(frozen=True)
class Overcommit:
    """How many times what there is may be promised."""

    cpu: float = 16.0
    ram: float = 1.5


class Usage(Protocol):
    """As ``shutil.disk_usage`` tells, in bytes."""

    @property
    def total(self) -> int: ...
    @property
    def free(self) -> int: ...


def volume_gib(disk: Path) -> int:
    """What a volume may grow to; 0 of one that just went."""
    try:
        return disks.size_bytes(disk) // disks.GIB
    except BackendError:
        return 0


def capacity(
    specs: Sequence[InstanceSpec], volumes_gib: Sequence[int], disk: Usage, overcommit: Overcommit
) -> Capacity:
    """What there is after overcommitment, and what is left: never more than the kernel says is free."""
    memory = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, available = (int(memory[key].split()[0]) // 1024 for key in ("MemTotal", "MemAvailable"))
    promised_mib = sum(spec.ram_mib for spec in specs)
    ram_total_mib = int(total * overcommit.ram)
    left_mib = min(ram_total_mib - promised_mib, int(available * overcommit.ram))
    return Capacity(
        vcpus=int((os.cpu_count() or 1) * overcommit.cpu),
        vcpus_promised=sum(spec.vcpus for spec in specs),
        ram_total_mib=ram_total_mib,
        ram_free_mib=max(0, left_mib),
        ram_promised_mib=promised_mib,
        disk_total_gib=disk.total // disks.GIB,
        disk_free_gib=disk.free // disks.GIB,
        disk_promised_gib=sum(volumes_gib) + sum(spec.disk_gib for spec in specs if not spec.volumes),
        instances=len(specs),
    )
