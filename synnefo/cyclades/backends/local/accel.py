"""Whether guests run on KVM or on QEMU's translator (TCG).

Owns the decision and its proof. That /dev/kvm opens tells little: a nested or paravirtual host may
offer it and then emulate a guest's kernel instruction by instruction, hundreds of times slower than
TCG. So a tiny guest enters 64 bit mode with paging and counts to ten million; only if it is done in
time is KVM used. The verdict is kept for this kernel and this QEMU.
"""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from synnefo.cyclades.backends.local import layout, tools

PROBE_S = 3.0
_KVM = Path("/dev/kvm")
_EXIT_CODE = 33  # QEMU's isa-debug-exit gives (value << 1) | 1; the guest writes 16

# A boot sector: page tables at 0x1000 map the first 2 MiB, then PAE, EFER.LME, paging, a far jump to
# 64 bit code: 2000 times { reload cr3; count down from 5000 }; out 0xf4, 16.
_COUNTER = bytes.fromhex(
    "fa31c08ed88ec066bf001000000f22df6631c066b9000c0000fc66f3abc706001003"
    "20c70600200330c7060030830066b8200000000f22e066b9800000c00f3280cc010f"
    "300f20c0660d010000800f22c00f0116907cea5b7c0800bbd00700000f20d80f22d8"
    "b988130000ffc975fcffcb75ed66baf400b010eef40f1f4400000000000000000000"
    "00000000009a20000f00807c0000"
)

#: The instructions of the x86-64-v2 level, which all current systems run on. Wider vectors would make
#: a translated guest slower, not faster.
_TCG_CPU = "qemu64,+cx16,+lahf_lm,+popcnt,+ssse3,+sse4.1,+sse4.2"


class Accelerator(BaseModel):
    """``name`` and ``cpu`` are QEMU's words; ``reason`` is for the operator, ``host`` what was probed."""

    model_config = ConfigDict(frozen=True)

    name: Literal["kvm", "tcg"]
    cpu: str
    reason: str
    host: str = ""


def choose(verdict: Path) -> Accelerator:
    """The accelerator of this host; ``verdict`` is the file that remembers it.

    Takes up to PROBE_S when asked for the first time. Raises BackendError if QEMU is not installed.
    """
    version = tools.run(tools.QEMU, "--version").splitlines()[0]
    host = f"{platform.release()} {platform.version()} / {version} / {'kvm' if _openable() else 'no kvm'}"
    try:
        known = Accelerator.model_validate_json(verdict.read_bytes())
        if known.host == host:
            return known
    except (FileNotFoundError, ValidationError):
        pass  # asked for the first time
    found = _judge().model_copy(update={"host": host})
    verdict.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    layout.write(verdict, found.model_dump_json(indent=1))
    return found


def tcg(reason: str) -> Accelerator:
    return Accelerator(name="tcg", cpu=_TCG_CPU, reason=reason)


def _judge() -> Accelerator:
    if not _openable():
        return tcg("/dev/kvm is absent or may not be opened")
    took_s = count_s("kvm", "host")
    if took_s is None:
        return tcg(f"/dev/kvm opens, but a guest that counts to ten million is not done in {PROBE_S:g} s")
    return Accelerator(name="kvm", cpu="host", reason=f"a guest counted to ten million in {took_s:.2f} s")


def _openable() -> bool:
    return os.access(_KVM, os.R_OK | os.W_OK)


def count_s(accelerator: str, cpu: str) -> float | None:
    """How long the counting guest takes, firmware included; None if it failed or was too slow."""
    with tempfile.TemporaryDirectory() as directory:
        disk = Path(directory, "probe.img")
        disk.write_bytes((_COUNTER.ljust(510, b"\0") + b"\x55\xaa").ljust(2**20, b"\0"))
        argv = [
            tools.QEMU, "-nodefaults", "-no-user-config", "-machine", "q35", "-m", "64", "-display", "none",
            "-accel", accelerator, "-cpu", cpu,
            "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
            "-drive", f"file={disk},if=virtio,format=raw",
        ]  # fmt: skip
        began = time.monotonic()
        try:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=PROBE_S, check=False
            )
        except subprocess.TimeoutExpired:
            return None
        return time.monotonic() - began if done.returncode == _EXIT_CODE else None
