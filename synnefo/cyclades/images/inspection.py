"""What a disk image is, by its first bytes, before it is trusted. Reads no file and runs no program.

A format is known by its magic and never guessed, so no file chooses its own interpreter; what has no magic
is raw. A qcow2 that refers to other files (a backing file, external data) could reach into the host, one
that is encrypted cannot be booted: both are refused, from the header as QEMU's specification lays it out.
The same goes for a VMDK: it must be all in one file, without a parent.
"""

from __future__ import annotations

import dataclasses
import re
import struct

from synnefo.common.faults import BadRequest

#: So many of the first bytes are looked at.
HEAD_BYTES = 64 * 1024
#: What is the content itself, not a file system or a program's own layout around it.
PLAIN = frozenset(("raw", "iso"))

_QCOW2, _VMDK, _ISO = b"QFI\xfb", b"KDMV", b"CD001"
_ISO_AT = 0x8001
_ACCEPTED = "raw, qcow2, vmdk or iso"
#: Offset, magic, name of what is refused.
_REFUSED = (
    (0, b"COWD", "vmdk of several files"),
    (0, b"# Disk DescriptorFile", "vmdk of several files"),
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
#: Little-endian: magic, version, flags, capacity, grain size, place and size of the descriptor; in sectors.
_VMDK_HEADER = struct.Struct("<4sIIQQQQ")
_SECTOR = 512
#: Where QEMU looks for a parent whatever the header says, and how far.
_VMDK_TEXT_AT, _VMDK_TEXT_LENGTH = 512, 20 * 512
_VMDK_KINDS = (b"monolithicSparse", b"streamOptimized")
_VMDK_KIND = re.compile(rb'createType\s*=\s*"([^"]*)"', re.IGNORECASE)
_VMDK_EXTENT = re.compile(rb"^\s*(?:RW|RDONLY|NOACCESS)\s+\d+\s+(\w+)", re.MULTILINE | re.IGNORECASE)


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
            raise BadRequest(f"Images are {_ACCEPTED}, this is {name}.")
    if head.startswith(_QCOW2):
        return _qcow2(head)
    if head.startswith(_VMDK):
        return _vmdk(head)
    is_cd = head[_ISO_AT : _ISO_AT + len(_ISO)] == _ISO
    return DiskFacts("iso" if is_cd else "raw", size_bytes)


def _qcow2(head: bytes) -> DiskFacts:
    if len(head) < _FEATURES_AT:
        raise BadRequest("This is no usable disk image: its qcow2 header is cut short.")
    _, version, backing_at, backing_length, bits, size_bytes, encryption = _HEADER.unpack_from(head)
    if version not in (2, 3):
        raise BadRequest(f"Images are {_ACCEPTED}, this is qcow of version {version}.")
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


def _vmdk(head: bytes) -> DiskFacts:
    """One with all of it in this file. Its description is text beside the header."""
    if len(head) < _VMDK_TEXT_AT:
        raise BadRequest("This is no usable disk image: its vmdk header is cut short.")
    _, version, _, capacity, _, text_at, text_length = _VMDK_HEADER.unpack_from(head)
    start, stop = text_at * _SECTOR, (text_at + text_length) * _SECTOR
    if version not in (1, 2, 3) or not 0 < capacity * _SECTOR <= _LARGEST_DISK:
        raise BadRequest("This is no usable disk image: its vmdk header makes no sense.")
    if not text_at or not text_length or stop > HEAD_BYTES:
        raise BadRequest("This is no usable disk image: its vmdk description is not where it belongs.")
    text = head[start:stop] + b"\n" + head[_VMDK_TEXT_AT : _VMDK_TEXT_AT + _VMDK_TEXT_LENGTH]
    kinds, extents = set(_VMDK_KIND.findall(text)), {kind.upper() for kind in _VMDK_EXTENT.findall(text)}
    if b"parentfilenamehint" in text.lower() or not kinds or not kinds <= set(_VMDK_KINDS):
        raise BadRequest("The image refers to another file; flatten it first (qemu-img convert).")
    if extents != {b"SPARSE"}:
        raise BadRequest("The image refers to another file; flatten it first (qemu-img convert).")
    return DiskFacts("vmdk", capacity * _SECTOR)
