"""What a disk image is, by its first bytes, before it is trusted. Reads no file and runs no program.

A format is known by its magic and never guessed, so no file chooses its own interpreter; what has no magic
is raw. A qcow2 that refers to other files (a backing file, external data) could reach into the host, one
that is encrypted cannot be booted: both are refused, from the header as QEMU's specification lays it out.
"""

from __future__ import annotations

import dataclasses
import struct

from synnefo.common.faults import BadRequest

#: So many of the first bytes are looked at.
HEAD_BYTES = 4096

_QCOW2 = b"QFI\xfb"
#: Offset, magic, name of what is refused.
_REFUSED = (
    (0, b"KDMV", "vmdk"),
    (0, b"COWD", "vmdk"),
    (0, b"# Disk DescriptorFile", "vmdk"),
    (64, b"\x7f\x10\xda\xbe", "vdi"),
    (0, b"vhdxfile", "vhdx"),
    (0, b"conectix", "vhd"),
    (0, b"QED\0", "qed"),
    (0, b"LUKS\xba\xbe", "LUKS, which is encrypted"),
    (0, b"\x1f\x8b\x08", "gzip, which must be unpacked first"),
    (0, b"\xfd7zXZ\0", "xz, which must be unpacked first"),
    (0, b"\x28\xb5\x2f\xfd", "zstd, which must be unpacked first"),
)
#: Big-endian: magic, version, backing file offset and length, cluster bits, virtual size, encryption.
_HEADER = struct.Struct(">4sIQIIQI")
_FEATURES = struct.Struct(">Q")
_FEATURES_AT = 72
_CORRUPT, _EXTERNAL_DATA = 1 << 1, 1 << 2
_KNOWN_FEATURES = 0b11111
_CLUSTER_BITS = range(9, 22)
_LARGEST_DISK = 2**46


@dataclasses.dataclass(frozen=True)
class DiskFacts:
    disk_format: str
    virtual_size_bytes: int


def inspect(head: bytes, size_bytes: int) -> DiskFacts:
    """Format and size of the disk in a file that begins with ``head``. Raises BadRequest if it is none."""
    if not size_bytes:
        raise BadRequest("The image is empty.")
    for offset, magic, name in _REFUSED:
        if head[offset : offset + len(magic)] == magic:
            raise BadRequest(f"Images are raw or qcow2, this is {name}.")
    if head.startswith(_QCOW2):
        return _qcow2(head)
    return DiskFacts("raw", size_bytes)


def _qcow2(head: bytes) -> DiskFacts:
    if len(head) < _FEATURES_AT:
        raise BadRequest("This is no usable disk image: its qcow2 header is cut short.")
    _, version, backing_at, backing_length, bits, size_bytes, encryption = _HEADER.unpack_from(head)
    if version not in (2, 3):
        raise BadRequest(f"Images are raw or qcow2, this is qcow of version {version}.")
    features = 0
    if version == 3:
        if len(head) < _FEATURES_AT + _FEATURES.size:
            raise BadRequest("This is no usable disk image: its qcow2 header is cut short.")
        (features,) = _FEATURES.unpack_from(head, _FEATURES_AT)
    if backing_at or backing_length or features & _EXTERNAL_DATA:
        raise BadRequest("The image refers to another file; flatten it first (qemu-img convert).")
    if encryption:
        raise BadRequest("The image is encrypted.")
    if features & _CORRUPT or features & ~_KNOWN_FEATURES:
        raise BadRequest("This is no usable disk image: it is marked as damaged, or of a later kind.")
    if bits not in _CLUSTER_BITS or not 0 < size_bytes <= _LARGEST_DISK:
        raise BadRequest("This is no usable disk image: its qcow2 header makes no sense.")
    return DiskFacts("qcow2", size_bytes)
