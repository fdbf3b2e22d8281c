"""Root disks: a qcow2 file per instance that keeps what differs from its image.

Owns how a disk comes into being and what is refused as its origin. Images are read, never written.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from synnefo.cyclades.backends.base import BackendError, DiskImage
from synnefo.cyclades.backends.local import tools

_GIB = 2**30


def create(disk: Path, image: DiskImage | None, size_gib: int) -> None:
    """Make the disk unless it exists; a caller killed on the way leaves no half disk.

    Raises BackendError if the image is missing, refers to other files or is larger than the disk.
    """
    if disk.exists():
        return
    origin = [] if image is None else ["-b", str(_checked(image, size_gib)), "-F", image.format]
    draft = disk.with_name(f".{disk.name}.new")
    draft.unlink(missing_ok=True)
    tools.run("qemu-img", "create", "-q", "-f", "qcow2", *origin, str(draft), str(size_gib * _GIB))
    draft.rename(disk)


def _checked(image: DiskImage, size_gib: int) -> Path:
    path = image.path.resolve()
    if image.format not in {"raw", "qcow2"}:
        raise BackendError(f"Images of the format {image.format!r} cannot be booted here")
    if not path.is_file():
        raise BackendError(f"The image file {path} is not there")
    info: dict[str, Any] = json.loads(
        tools.run("qemu-img", "info", "-U", "-f", image.format, "--output=json", str(path))
    )
    specific = info.get("format-specific", {}).get("data", {})
    if "backing-filename" in info or "data-file" in specific:
        raise BackendError(f"The image {path.name} refers to another file")
    if info["virtual-size"] > size_gib * _GIB:
        needed_gib = -(-info["virtual-size"] // _GIB)
        raise BackendError(f"The image needs a disk of {needed_gib} GiB, not {size_gib}")
    return path
