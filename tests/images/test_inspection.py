"""What a disk image is, by its first bytes; QEMU's own tool is asked where it knows better."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synnefo.common.faults import BadRequest
from synnefo.cyclades.images.inspection import HEAD_BYTES, DiskFacts, inspect


def made(path: Path, *words: str) -> bytes:
    subprocess.run(["qemu-img", "create", "-q", *words[:-1], str(path), words[-1]], check=True, timeout=60)
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def look(head: bytes) -> DiskFacts:
    return inspect(head, 10 * 2**20)


@pytest.mark.parametrize(
    "options",
    [
        "compat=0.10",
        "compat=1.1",
        "cluster_size=512",
        "cluster_size=2M",
        "extended_l2=on,cluster_size=64k",
        "compression_type=zstd",
        "lazy_refcounts=on",
        "preallocation=metadata",
    ],
)
def test_every_kind_of_plain_qcow2_is_taken(tmp_path: Path, options: str) -> None:
    head = made(tmp_path / "d", "-f", "qcow2", "-o", options, "777M")
    assert look(head) == DiskFacts("qcow2", 777 * 2**20)


def test_what_is_no_other_format_is_raw() -> None:
    for head in (b"\xeb\x63\x90" + bytes(4000), b"x", bytes(4096), b"QFI", b"conecti"):
        assert look(head) == DiskFacts("raw", 10 * 2**20)


def test_what_refers_to_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "base").write_bytes(bytes(2**20))
    for options in (
        ("-b", str(tmp_path / "base"), "-F", "raw"),
        ("-u", "-b", "json:{}", "-F", "raw"),
        ("-o", f"data_file={tmp_path / 'data'}"),
        ("-o", f"data_file={tmp_path / 'data2'},data_file_raw=on"),
        ("-o", "compat=0.10", "-u", "-b", "/etc/passwd", "-F", "raw"),
    ):
        head = made(tmp_path / "d", "-f", "qcow2", *options, "1M")
        with pytest.raises(BadRequest, match="refers to another file"):
            look(head)


def test_encrypted_disks_are_refused(tmp_path: Path) -> None:
    head = made(tmp_path / "d", "-f", "qcow2", "1M")
    for encrypted in (
        changed(head, 32, "I", 1),
        changed(head, 32, "I", 2),
        b"LUKS\xba\xbe\0\2" + bytes(4000),
    ):
        with pytest.raises(BadRequest, match="encrypted"):
            look(encrypted)


@pytest.mark.parametrize(
    ("kind", "options", "name"),
    [
        ("vmdk", ("-o", "subformat=monolithicFlat"), "vmdk of several files"),
        ("vmdk", ("-o", "subformat=twoGbMaxExtentSparse"), "vmdk of several files"),
        ("vdi", (), "vdi"),
        ("vhdx", (), "vhdx"),
        ("vpc", (), "vhd"),
        ("qed", (), "qed"),
        ("qcow", (), "qcow of version 1"),
    ],
)
def test_other_formats_are_refused_by_name(
    tmp_path: Path, kind: str, options: tuple[str, ...], name: str
) -> None:
    head = made(tmp_path / "d", "-f", kind, *options, "10M")
    with pytest.raises(BadRequest, match=f"Images are raw, qcow2, vmdk or iso, this is {name}"):
        look(head)


@pytest.mark.parametrize("kind", ["monolithicSparse", "streamOptimized"])
def test_a_vmdk_of_one_file_is_taken(tmp_path: Path, kind: str) -> None:
    (tmp_path / "raw").write_bytes(os.urandom(2**20))
    convert = ("qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", f"subformat={kind}")
    subprocess.run([*convert, str(tmp_path / "raw"), str(tmp_path / "d")], check=True, timeout=60)
    head = (tmp_path / "d").read_bytes()[:HEAD_BYTES]
    assert look(head) == DiskFacts("vmdk", 2**20)


def test_a_vmdk_that_refers_to_other_files_is_refused(tmp_path: Path) -> None:
    head = made(tmp_path / "d", "-f", "vmdk", "1M")
    child = made(tmp_path / "child", "-f", "vmdk", "-b", str(tmp_path / "d"), "-F", "vmdk", "1M")
    kind, extent = b'createType="monolithicSparse"', b'RW 2048 SPARSE "d"'
    assert kind in head
    assert extent in head
    for other in (
        child,
        head.replace(kind, b'createType="vmfs"            '),
        head.replace(extent, b'RW 2048 FLAT "/a" '),
        head.replace(extent, extent + b'\nRW 2048 FLAT "/etc/shadow" 0'),
        head.replace(kind, b"x" * len(kind)),
    ):
        with pytest.raises(BadRequest, match="refers to another file"):
            look(other)


def test_a_vmdk_whose_header_makes_no_sense_is_refused(tmp_path: Path) -> None:
    head = made(tmp_path / "d", "-f", "vmdk", "1M")
    for place, form, value in (
        (4, "<I", 9),
        (12, "<Q", 0),
        (12, "<Q", 2**60),
        (28, "<Q", 2**40),
        (36, "<Q", 0),
    ):
        broken = head[:place] + struct.pack(form, value) + head[place + struct.calcsize(form) :]
        with pytest.raises(BadRequest, match="no usable disk image"):
            look(broken)
    with pytest.raises(BadRequest, match="cut short"):
        look(head[:300])


def test_a_cd_is_told_from_a_disk() -> None:
    cd = bytes(0x8001) + b"CD001" + bytes(4096)
    assert look(cd) == DiskFacts("iso", 10 * 2**20)


def test_what_is_packed_is_refused() -> None:
    packed = io.BytesIO()

    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        file.write(b"disk")
    with pytest.raises(BadRequest, match="gzip"):
        look(packed.getvalue())
    assert look(zlib.compress(b"disk")).disk_format == "raw"


def test_nothing_is_no_image() -> None:
    with pytest.raises(BadRequest, match="empty"):
        inspect(b"", 0)


def changed(head: bytes, offset: int, kind: str, value: int) -> bytes:
    field = struct.pack(f">{kind}", value)
    return head[:offset] + field + head[offset + len(field) :]


def test_headers_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    head = made(tmp_path / "d", "-f", "qcow2", "1M")
    for bad in (
        head[:20],
        head[:75],
        changed(head, 4, "I", 4),
        changed(head, 20, "I", 8),
        changed(head, 20, "I", 63),
        changed(head, 24, "Q", 0),
        changed(head, 24, "Q", 2**63),
        changed(head, 72, "Q", 1 << 1),
        changed(head, 72, "Q", 1 << 40),
    ):
        with pytest.raises(BadRequest):
            look(bad)


@given(st.binary(max_size=200))
def test_any_beginning_is_a_disk_or_refused(tail: bytes) -> None:
    for head in (tail, b"QFI\xfb" + tail, b"QFI\xfb\0\0\0\3" + tail):
        with contextlib.suppress(BadRequest):
            assert inspect(head, max(1, len(head))).disk_format in ("raw", "qcow2")
