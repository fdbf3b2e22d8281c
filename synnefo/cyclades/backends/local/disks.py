"""Root disks: a qcow2 file per instance that keeps what differs from its image.

Owns how a disk comes into being, what is refused as its origin, and what a disk stands on. Images are
read, never written.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from synnefo.cyclades.backends.base import BackendError
from synnefo.cyclades.backends.local import tools

_GIB = 2**30
#: Big-endian, of qcow2: magic, version, offset and length of the backing file's name.
_HEADER = struct.Struct(">4sIQI")


def create(disk: Path, image: Path | None, image_format: str, size_gib: int) -> None:
    """Make the disk unless it exists; a caller killed on the way leaves no half disk.

    Raises BackendError if the image is missing, refers to other files or is larger than the disk.
    """
    if disk.exists():
        return
    origin = [] if image is None else ["-b", str(_checked(image, image_format, size_gib)), "-F", image_format]
    draft = disk.with_name(f".{disk.name}.new")
    draft.unlink(missing_ok=True)
    tools.run("qemu-img", "create", "-q", "-f", "qcow2", *origin, str(draft), str(size_gib * _GIB))
    draft.rename(disk)


def backing_file(disk: Path) -> Path | None:
    """What a disk of ours stands on; None for a blank one, and where there is none."""
    try:
        with disk.open("rb") as file:
            head = file.read(_HEADER.size)
            if len(head) < _HEADER.size:
                return None
            magic, _, offset, length = _HEADER.unpack(head)
            if magic != b"QFI\xfb" or not offset:
                return None
            file.seek(offset)
            return Path(file.read(length).decode(errors="surrogateescape"))
    except FileNotFoundError:
        return None


def _checked(image: Path, image_format: str, size_gib: int) -> Path:
    path = image.resolve()
    if image_format not in {"raw", "qcow2"}:
        raise BackendError(f"Images of the format {image_format!r} cannot be booted here")
    if not path.is_file():
        raise BackendError(f"The image file {path} is not there")
    info: dict[str, Any] = json.loads(
        tools.run("qemu-img", "info", "-U", "-f", image_format, "--output=json", str(path))
    )
    specific = info.get("format-specific", {}).get("data", {})
    if "backing-filename" in info or "data-file" in specific:
        raise BackendError(f"The image {path.name} refers to another file")
    if info["virtual-size"] > size_gib * _GIB:
        needed_gib = -(-info["virtual-size"] // _GIB)
        raise BackendError(f"The image needs a disk of {needed_gib} GiB, not {size_gib}")
    return path
