"""Looking into a disk image before it is trusted.

``qemu-img`` parses a stranger's file here, so it runs with little memory and time; files that refer to
other files (backing files, external data, VMDK extents) are refused, they could reach into the host.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

from synnefo.common.faults import BadRequest, ServiceUnavailable
from synnefo.common.transactions import forbid_in_transaction

_MEMORY_BYTES = 1024**3
_CPU_S = 20
_FORMATS = ("raw", "qcow2")


@dataclasses.dataclass(frozen=True)
class DiskFacts:
    disk_format: str
    virtual_size_bytes: int


def inspect(path: Path) -> DiskFacts:
    """Format and size of a disk image. Raises BadRequest if it is none, or one that refers elsewhere."""
    forbid_in_transaction("inspecting an image")
    if shutil.which("qemu-img") is None:
        raise ServiceUnavailable("qemu-img is missing: apt-get install qemu-utils")
    facts = _info(path, _magic_format(path))
    if facts["format"] not in _FORMATS:
        raise BadRequest(f"Images are raw or qcow2, this is {facts['format']}.")
    special = (facts.get("format-specific") or {}).get("data") or {}
    if facts.get("backing-filename") or special.get("data-file") or special.get("extents"):
        raise BadRequest("The image refers to another file; flatten it first (qemu-img convert).")
    return DiskFacts(facts["format"], int(facts["virtual-size"]))


def _magic_format(path: Path) -> str:
    """qcow2 by its magic, else raw: probing would let a file choose its own interpreter."""
    with path.open("rb") as stream:
        return "qcow2" if stream.read(4) == b"QFI\xfb" else "raw"


def _info(path: Path, disk_format: str) -> dict:
    command = ["prlimit", f"--as={_MEMORY_BYTES}", f"--cpu={_CPU_S}", "qemu-img", "info", "--output=json",
               "-f", disk_format, str(path)]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        raise BadRequest("The image cannot be read in reasonable time.") from None
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise BadRequest(f"This is no usable disk image: {reason[-1] if reason else 'qemu-img failed'}")
    found: dict = json.loads(done.stdout)
    return found
