"""Guests of one boot sector: up in a second, and they do one thing.

Real mode code, written with the few instructions it needs. On the q35 machine the ACPI registers are
at 0x600 (power button: bit 8 of the status, enabled by bit 8 two bytes further) and 0x604 (sleep).
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

from synnefo.cyclades.backends.base import DiskImage

COM1, PVPANIC, RESET = 0x3F8, 0x505, 0xCF9
PM_STATUS, PM_ENABLE, PM_CONTROL = 0x600, 0x602, 0x604
_BUTTON, _SLEEP = 0x100, 0x2000


def out8(port: int, value: int) -> bytes:
    return b"\xba" + struct.pack("<H", port) + b"\xb0" + bytes([value]) + b"\xee"


def out16(port: int, value: int) -> bytes:
    return b"\xba" + struct.pack("<H", port) + b"\xb8" + struct.pack("<H", value) + b"\xef"


def say(text: str) -> bytes:
    return b"".join(out8(COM1, char) for char in text.encode())


def forever(code: bytes) -> bytes:
    return code + b"\xeb" + struct.pack("b", -len(code) - 2)


_IDLE = b"\xfb\xf4"  # sti; hlt: until the next tick
_IN_STATUS = b"\xba" + struct.pack("<H", PM_STATUS) + b"\xed"
_WAIT_FOR_BUTTON = _IDLE + _IN_STATUS + b"\xa9" + struct.pack("<H", _BUTTON)
_POWER_OFF = out16(PM_CONTROL, _SLEEP) + forever(_IDLE)

#: Says READY; the power button turns it off.
POLITE = (
    out16(PM_ENABLE, _BUTTON)
    + say("READY\n")
    + _WAIT_FOR_BUTTON
    + b"\x74"
    + struct.pack("b", -len(_WAIT_FOR_BUTTON) - 2)
    + _POWER_OFF
)
#: Says READY and hears nothing.
DEAF = say("READY\n") + forever(_IDLE)
#: Turns itself off as soon as it runs.
BRIEF = say("BYE\n") + _POWER_OFF
#: Tells the host that its kernel panicked.
PANICKING = say("OOPS\n") + out8(PVPANIC, 1) + forever(_IDLE)
#: Resets the machine as soon as it runs, again and again.
RESETTING = say("AGAIN\n") + out8(RESET, 0x02) + out8(RESET, 0x06) + forever(_IDLE)
#: Writes to the serial port without end.
CHATTY = forever(say("all work and no play\n"))


def disk(code: bytes) -> bytes:
    """The content of a disk that boots ``code``."""
    assert len(code) <= 510
    return (code.ljust(510, b"\0") + b"\x55\xaa").ljust(2**20, b"\0")


def image(directory: Path, code: bytes) -> DiskImage:
    """A raw disk of the host that boots ``code``."""
    content = disk(code)
    digest = hashlib.sha256(content).hexdigest()
    path = directory / f"{digest[:12]}.img"
    path.write_bytes(content)
    return DiskImage(path, "raw", digest)
