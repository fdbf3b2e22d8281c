"""Writing a guest's memory to disk, and letting a guest go on from there.

Owns ``memory`` in the instance's directory, which means while no QEMU runs: this instance is saved. It gets
its name only once it is whole, and loses it before the guest runs on, for then it is of no more use: a
guest that went on from it twice would find disks that it does not know. The caller holds the instance.

What was saved fits a machine of the same kind with everything in its place; so both are kept beside it.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from qemu.qmp import ExecuteError, QMPClient

from synnefo.cyclades.backends.base import BackendError, BackendUnavailable, Job, JobStatus
from synnefo.cyclades.backends.local import layout, process, qmp, slots
from synnefo.cyclades.backends.local.layout import Home, Saved

_TALK_S = 10.0
_RESTORE_S = 300.0
_CANCEL_S = 10.0
_LOOK_S = 0.05
_BANDWIDTH = 16 * 2**30  # bytes/s: nobody waits for anything but the disk
_HANDLE = "memory"
_GOING = frozenset({"setup", "active", "device"})
_WRITTEN = "written"


def begin(home: Home) -> None:
    """Stop the guest and let its memory be written; asked before is as good."""

    async def talk(client: QMPClient) -> None:
        if await _migration(client) in _GOING | {_WRITTEN}:
            return
        await client.execute("stop")
        await client.execute("migrate-set-parameters", {"max-bandwidth": _BANDWIDTH})
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        handle = os.open(home.memory_draft, flags, 0o600)
        try:
            client.send_fd_scm(handle)
            await client.execute("getfd", {"fdname": _HANDLE})
        finally:
            os.close(handle)
        await client.execute("migrate", {"uri": f"fd:{_HANDLE}"})

    _talk(home, talk, "saving")


def look(home: Home) -> Job:
    """How the writing goes; success: it is all written, and not yet kept."""

    async def talk(client: QMPClient) -> tuple[Any, str]:
        told = await client.execute("query-migrate")
        return told, await _migration(client)

    told, status = _talk(home, talk, "looking at the saving")
    match status:
        case "written":
            return Job(JobStatus.SUCCESS)
        case "none" | "failed" | "cancelled":
            return Job(
                JobStatus.ERROR, f"Its memory was not saved: {told.get('error-desc', 'QEMU gave it up')}"
            )
        case _:
            ram = told.get("ram", {})
            done = 100 * ram.get("transferred", 0) // max(1, ram.get("total", 1))
            return Job(JobStatus.RUNNING, progress=min(99, done))


def keep(home: Home) -> None:
    """Give what was written its name: from now on the instance counts as saved once QEMU has ended."""

    async def talk(client: QMPClient) -> Saved:
        kind: Any = await client.execute("qom-get", {"path": "/machine", "property": "type"})
        return Saved(machine=str(kind).removesuffix("-machine"), places=await slots.occupied(client))

    home.write_saved(_talk(home, talk, "saving"))
    with home.memory_draft.open("rb") as stream:
        os.fsync(stream.fileno())
    home.memory_draft.rename(home.memory)
    layout.sync(home.path)


def found(home: Home) -> Saved | None:
    """What was saved, where there is something."""
    return home.saved() if home.memory.exists() else None


def is_half_restored(home: Home) -> bool:
    """Whether a QEMU that runs is one that was to go on from what was saved, and did not get that far."""
    boot = home.boot()
    return boot is not None and boot.restores and home.memory.exists()


def restore(home: Home) -> None:
    """Let a QEMU that was started for it read what was saved, and go on from there.

    Raises BackendError if it does not fit; what was saved is kept, and QEMU is ended.
    """
    try:
        qmp.converse(home.qmp, lambda client: _read(client, home), "restoring", timeout_s=_RESTORE_S)
        forget(home)
        qmp.execute(home.qmp, "cont", timeout_s=_TALK_S)
    except (ExecuteError, BackendUnavailable) as error:
        if not home.memory.exists():
            raise
        process.kill(home.pidfile)
        words = home.complaints.read_text(errors="replace").strip()[-2000:]
        raise BackendError(f"{home.name} cannot go on from what was saved: {words or error}") from error


async def _read(client: QMPClient, home: Home) -> None:
    with home.memory.open("rb") as stream:
        client.send_fd_scm(stream.fileno())
        await client.execute("getfd", {"fdname": _HANDLE})
    await client.execute("migrate-incoming", {"uri": f"fd:{_HANDLE}"})
    while (status := await _status(client)) in {"inmigrate", "prelaunch"}:
        await asyncio.sleep(_LOOK_S)
    if status not in {"paused", "postmigrate", "running"}:
        raise BackendUnavailable(f"QEMU is {status}")


def forget(home: Home) -> None:
    """Drop what was saved."""
    home.memory.unlink(missing_ok=True)
    home.memory_draft.unlink(missing_ok=True)
    layout.sync(home.path)


def give_up(home: Home) -> None:
    """Of a QEMU that runs: write no further, and drop what was written."""
    if not (home.memory.exists() or home.memory_draft.exists()):
        return

    async def talk(client: QMPClient) -> None:
        await client.execute("migrate_cancel")
        deadline = time.monotonic() + _CANCEL_S
        while await _migration(client) in _GOING | {"cancelling"}:
            if time.monotonic() > deadline:
                raise BackendUnavailable(f"{home.name}: its memory is still being written")
            await asyncio.sleep(_LOOK_S)

    _talk(home, talk, "giving up the saving", timeout_s=_CANCEL_S + _TALK_S)
    forget(home)


async def _migration(client: QMPClient) -> str:
    """How the writing goes, in QEMU's words; "written" once it is over, "none" after the guest ran on.

    QEMU remembers what is long over, and says "completed" a little before it is done.
    """
    told: Any = await client.execute("query-migrate")
    status = str(told.get("status", "none"))
    if status != "completed":
        return status
    return {"postmigrate": _WRITTEN, "finish-migrate": "active"}.get(await _status(client), "none")


async def _status(client: QMPClient) -> str:
    told: Any = await client.execute("query-status")
    return str(told["status"])


def _talk(home: Home, talk: qmp.Talk[Any], what: str, timeout_s: float = _TALK_S) -> Any:
    try:
        return qmp.converse(home.qmp, talk, f"{what} {home.name}", timeout_s=timeout_s)
    except ExecuteError as refusal:
        raise BackendError(f"{home.name}: {what}: {refusal}") from refusal
