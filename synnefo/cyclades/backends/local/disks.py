"""Disks as files: qcow2, each keeping what differs from its image.

Owns how a disk comes into being, grows and is copied, what is refused as its origin, and what a disk
stands on. Images are read, never written. Whether somebody uses a disk is the callers' to know.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from synnefo.cyclades.backends.base import BackendError
from synnefo.cyclades.backends.local import tools

GIB = 2**30
#: Big-endian, of qcow2: magic, version, offset and length of the backing file's name, cluster bits, size.
_HEADER = struct.Struct(">4sIQIIQ")
_COPY_S = 3600.0
_PIECE_BYTES = 4 * 2**20
_ZEROS = bytes(_PIECE_BYTES)


def create(disk: Path, image: Path | None, image_format: str, size_gib: int) -> None:
    """Make the disk unless it exists; a caller killed on the way leaves no half disk.

    Raises BackendError if the image is missing, refers to other files or is larger than the disk.
    """
    if not disk.exists():
        draft(disk, image, image_format, size_gib * GIB).rename(disk)


def draft(disk: Path, image: Path | None, image_format: str, size_bytes: int) -> Path:
    """A new disk beside ``disk``, to be renamed to it; errors as in ``create``."""
    origin = (
        [] if image is None else ["-b", str(_checked(image, image_format, size_bytes)), "-F", image_format]
    )
    made = disk.with_name(f".{disk.name}.new")
    made.unlink(missing_ok=True)
    tools.run("qemu-img", "create", "-q", "-f", "qcow2", *origin, str(made), str(size_bytes))
    return made


def size_bytes(disk: Path) -> int:
    """What a guest sees. Raises BackendError where there is no such disk."""
    header = _header(disk)
    if header is None:
        raise BackendError(f"There is no disk {disk.parent.name}")
    return int(header[5])


def image_size_bytes(image: Path, image_format: str) -> int:
    """What a guest sees of an image. Raises BackendError as ``create`` does."""
    return int(_information(image.resolve(), image_format)["virtual-size"])


def grow(disk: Path, size_gib: int) -> None:
    """Make it that large unless it is; nobody may have it open."""
    if size_bytes(disk) < size_gib * GIB:
        tools.run("qemu-img", "resize", "-q", "-f", "qcow2", str(disk), str(size_gib * GIB))


def twin(disk: Path, target: Path) -> None:
    """Make ``target`` an empty disk of the same size that stands on the same image."""
    target.unlink(missing_ok=True)
    size = str(size_bytes(disk))
    tools.run("qemu-img", "create", "-q", "-f", "qcow2", *_origin(disk), str(target), size)


def copy(disk: Path, target: Path) -> None:
    """Make ``target`` a disk of the same content that stands on the same image. Nobody may write ``disk``."""
    stands_on = ["-B" if word == "-b" else word for word in _origin(disk)]
    _convert("-O", "qcow2", *stands_on, str(disk), str(target))


def read(disk: Path) -> Iterator[bytes]:
    """The content in pieces; what nobody wrote comes as zeros without being read."""
    handle, name = tempfile.mkstemp(prefix=".read-", dir=disk.parent)
    os.close(handle)
    try:
        _convert("-O", "raw", str(disk), name)
        yield from _read_raw(Path(name))
    finally:
        Path(name).unlink(missing_ok=True)


def _origin(disk: Path) -> list[str]:
    image = backing_file(disk)
    return [] if image is None else ["-b", str(image), "-F", backing_format(disk)]


def _convert(*words: str) -> None:
    """It ends with the caller."""
    convert = ("qemu-img", "convert", "-f", "qcow2", *words)
    tools.run("setpriv", "--pdeathsig", "KILL", *convert, timeout_s=_COPY_S)


def _read_raw(file: Path) -> Iterator[bytes]:
    """Holes are not read."""
    with file.open("rb") as stream:
        end = stream.seek(0, os.SEEK_END)
        at = 0
        while at < end:
            data = _next_data(stream.fileno(), at, end)
            while at < data:
                length = min(_PIECE_BYTES - at % _PIECE_BYTES, data - at)
                yield _ZEROS[:length]
                at += length
            stream.seek(at)
            piece = stream.read(min(_PIECE_BYTES - at % _PIECE_BYTES, end - at))
            if piece:
                yield piece
                at += len(piece)


def backing_file(disk: Path) -> Path | None:
    """What a disk of ours stands on; None for a blank one, and where there is none."""
    header = _header(disk)
    if header is None or not header[2]:
        return None
    with disk.open("rb") as file:
        file.seek(header[2])
        return Path(file.read(header[3]).decode(errors="surrogateescape"))


def backing_format(disk: Path) -> str:
    """The format of what a disk stands on."""
    told = json.loads(tools.run("qemu-img", "info", "-U", "-f", "qcow2", "--output=json", str(disk)))
    return str(told.get("backing-filename-format", "raw"))


def _next_data(handle: int, at: int, end: int) -> int:
    """Where data begin, at ``at`` or behind; at the start of a piece, so that pieces stay whole."""
    try:
        data = os.lseek(handle, at, os.SEEK_DATA)
    except OSError:  # there are none behind
        return end
    return max(at, data - data % _PIECE_BYTES)


def _header(disk: Path) -> tuple[Any, ...] | None:
    try:
        with disk.open("rb") as file:
            head = file.read(_HEADER.size)
    except FileNotFoundError:
        return None
    if len(head) < _HEADER.size or not head.startswith(b"QFI\xfb"):
        return None
    return _HEADER.unpack(head)


def _checked(image: Path, image_format: str, size_bytes: int) -> Path:
    path = image.resolve()
    needed = _information(path, image_format)["virtual-size"]
    if needed > size_bytes:
        raise BackendError(f"The image needs a disk of {-(-needed // GIB)} GiB, not {size_bytes // GIB}")
    return path


def _information(path: Path, image_format: str) -> dict[str, Any]:
    """What qemu-img says of an image that may be used."""
    if image_format not in {"raw", "qcow2"}:
        raise BackendError(f"Images of the format {image_format!r} cannot be booted here")
    if not path.is_file():
        raise BackendError(f"The image file {path} is not there")
    command = ("qemu-img", "info", "-U", "-f", image_format, "--output=json", str(path))
    info: dict[str, Any] = json.loads(tools.run(*command))
    specific = info.get("format-specific", {}).get("data", {})
    if "backing-filename" in info or "data-file" in specific:
        raise BackendError(f"The image {path.name} refers to another file")
    return info
