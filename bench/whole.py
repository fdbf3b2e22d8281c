"""A whole cloud (``synnefo up``): from ``POST servers`` to SSH, and what its processes hold in memory.

The cloud runs in a network namespace, as in the end-to-end tests; what plays the user runs inside it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.common import Figure, tell
from tests.cloud import ROOT, Cloud, running_cloud

AIM_MIB = 400


def main() -> None:
    with running_cloud("bench") as cloud:
        fresh = memory_mib(cloud)
        subprocess.run(
            cloud.machine.inside(sys.executable, "-m", "bench.booting", cloud.url, str(cloud.key)),
            env={**cloud.environment(), **cloud.login()}, cwd=ROOT, check=True, timeout=1200,
        )  # fmt: skip
        used = memory_mib(cloud)
    total = round(sum(used.values()))
    tell(
        Figure("memory of all processes at rest", total, "MiB", AIM_MIB, {"fresh": fresh, "after use": used})
    )


def memory_mib(cloud: Cloud) -> dict[str, float]:
    """What each kind of process holds, shared pages divided among those that share them (PSS)."""
    found: dict[str, float] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"SYNNEFO_DATA={cloud.data}\0".encode() not in place.joinpath("environ").read_bytes():
                continue
            name, size = _name(place), _pss_mib(place)
        except OSError:  # it ended meanwhile
            continue
        found[name] = round(found.get(name, 0) + size, 1)
    return found


def _name(place: Path) -> str:
    words = place.joinpath("cmdline").read_text().split("\0")
    return next((word for word in words if word.startswith("synnefo.")), Path(words[0]).name)


def _pss_mib(place: Path) -> float:
    for line in place.joinpath("smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
