"""Disks of an instance: in its command line, and put into or taken out of a running QEMU.

Owns how a disk is described to QEMU and changed while the guest runs. The files are ``disks``'; whether
an instance is on, and its lock, are the caller's.

A running QEMU has no right to open files: what it is given later comes as open files, one for the disk
and one for the image that the disk stands on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from qemu.qmp import ExecuteError, QMPClient

from synnefo.cyclades.backends.base import BackendError
from synnefo.cyclades.backends.local import disks, qmp, slots
from synnefo.cyclades.backends.local.layout import Home

T = TypeVar("T")
_NODE_MAX = 31
_SERIAL_MAX = 20
_TALK_S = 15.0


@dataclass(frozen=True)
class Drive:
    """A disk as QEMU has it. ``slots`` are the places it may sit in; none: it stays where QEMU puts it."""

    name: str
    path: Path
    format: str = "qcow2"
    readonly: bool = False
    slots: Sequence[str] = ()
    boot_index: int | None = None
    cd: bool = False

    @property
    def node(self) -> str:
        """QEMU's name of the content; what is too long for one is made short."""
        if len(self.name) < _NODE_MAX:
            return f"v{self.name}"
        return f"v{hashlib.sha256(self.name.encode()).hexdigest()[: _NODE_MAX - 1]}"

    @property
    def device(self) -> str:
        """The id of the device in the guest's machine."""
        return f"disk-{self.name}"


def volume(name: str, path: Path, *, readonly: bool, root: bool) -> Drive:
    return Drive(
        name, path, readonly=readonly, slots=() if root else slots.BAYS, boot_index=1 if root else None
    )


def arguments(drives: Sequence[Drive], places: Mapping[str, str]) -> list[str]:
    """QEMU's arguments for the disks that are there from the start. Raises BackendError: too many."""
    seats: dict[str, str] = {}
    for kind in {drive.slots for drive in drives if drive.slots}:
        seats |= slots.assign([drive.device for drive in drives if drive.slots == kind], kind, places)
    found: list[str] = []
    for drive in drives:
        if drive.slots and drive.device not in seats:
            raise BackendError(f"An instance can have {len(drive.slots) + 1} disks")
        description = _description(drive, _file(drive.path))
        found += ["-blockdev", json.dumps(description), "-device", _device(drive, seats.get(drive.device))]
    return found


def put_in(home: Home, drive: Drive) -> None:
    """Give a running guest a disk, unless it has it.

    Raises BackendError if there is no place left, BackendUnavailable if QEMU does not answer.
    """

    async def talk(client: QMPClient) -> None:
        if drive.device in await slots.devices(client):
            return
        slot = await slots.free(client, drive.slots, "disk")
        await open_node(client, drive)
        words = _device(drive, slot).split(",")
        options = dict(word.split("=", 1) for word in words[1:])
        try:
            await client.execute("device_add", {"driver": words[0], **options})
        except ExecuteError:
            await close_node(client, drive)
            raise

    _talk(home, talk, f"attaching {drive.name}")


def ask_out(home: Home, drive: Drive) -> bool:
    """Ask a running guest to let go of a disk; whether it has, and QEMU too."""

    async def talk(client: QMPClient) -> bool:
        if drive.device in await slots.devices(client):
            with contextlib.suppress(ExecuteError):  # asked before, and not yet done
                await client.execute("device_del", {"id": drive.device})
            if drive.device in await slots.devices(client):
                return False
        await close_node(client, drive)
        return not await _is_open(client, drive)  # for a moment more the device that went has it

    return _talk(home, talk, f"detaching {drive.name}")


def resize(home: Home, drive: Drive, size_bytes: int) -> None:
    """Let a running guest see a larger disk."""

    async def talk(client: QMPClient) -> None:
        await client.execute("block_resize", {"node-name": drive.node, "size": size_bytes})

    _talk(home, talk, f"extending {drive.name}")


async def lend(client: QMPClient, path: Path, flags: int) -> str:
    """Give QEMU an open file; returns the name by which it can be opened there once."""
    handle = os.open(path, flags | os.O_CLOEXEC)
    try:
        client.send_fd_scm(handle)
        given: Any = await client.execute("add-fd", {})
    finally:
        os.close(handle)
    return f"/dev/fdset/{given['fdset-id']}"


async def take_back(client: QMPClient, lent: str) -> None:
    """Let QEMU close its spare of a lent file; what was opened by it stays open."""
    with contextlib.suppress(ExecuteError):
        await client.execute("remove-fd", {"fdset-id": int(lent.rpartition("/")[2])})


async def open_node(client: QMPClient, drive: Drive) -> None:
    """Let QEMU have a disk's content, which no device has yet."""
    await close_node(client, drive)  # left by a call that was cut off
    flags = os.O_RDONLY if drive.readonly else os.O_RDWR
    top = await lend(client, drive.path, flags)
    image = disks.backing_file(drive.path)
    below = None if image is None else await lend(client, image, os.O_RDONLY)
    backing: dict[str, object] | None = None
    if below is not None:
        backing = {"driver": disks.backing_format(drive.path), "file": _file(below), "read-only": True}
    try:
        await client.execute("blockdev-add", {**_description(drive, _file(top)), "backing": backing})
    finally:
        for lent in filter(None, (top, below)):
            await take_back(client, lent)


async def close_node(client: QMPClient, drive: Drive) -> None:
    """Take a disk's content from QEMU, unless it is not there or in use."""
    with contextlib.suppress(ExecuteError):
        await client.execute("blockdev-del", {"node-name": drive.node})


async def _is_open(client: QMPClient, drive: Drive) -> bool:
    found: Any = await client.execute("query-named-block-nodes", {"flat": True})
    return any(one["node-name"] == drive.node for one in found)


def _file(path: os.PathLike[str] | str) -> dict[str, object]:
    return {"driver": "file", "filename": os.fspath(path)}


def _description(drive: Drive, file: dict[str, object]) -> dict[str, object]:
    described: dict[str, object] = {"node-name": drive.node, "driver": drive.format, "file": file}
    if drive.readonly:
        return {**described, "read-only": True}
    return {**described, "discard": "unmap"}


def _device(drive: Drive, slot: str | None) -> str:
    """The device in QEMU's words; guests see the beginning of its name as the disk's serial number."""
    words = [
        f"{'ide-cd' if drive.cd else 'virtio-blk-pci'},drive={drive.node},id={drive.device}",
        f"serial={drive.name[:_SERIAL_MAX]}",
    ]
    if slot:
        words.append(f"bus={slot}")
    if drive.boot_index is not None:
        words.append(f"bootindex={drive.boot_index}")
    return ",".join(words)


def _talk(home: Home, talk: qmp.Talk[T], what: str) -> T:
    try:
        return qmp.converse(home.qmp, talk, what, timeout_s=_TALK_S)
    except ExecuteError as refusal:
        raise BackendError(f"{home.name}: {what}: {refusal}") from refusal
