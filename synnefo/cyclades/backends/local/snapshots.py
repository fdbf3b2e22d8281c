"""The engine's calls about snapshots: what a volume held at one moment, on the image that it stands on.

Owns ``<data>/snapshots/<name>/``. Of a guest that is on, QEMU itself copies, and sees to it that what the
guest writes meanwhile is not in the copy; that goes on whoever asked for it. Of all others the file is
copied while volume and instance are held. A copy has its name once it is whole; one that was cut off
(QEMU ended, the host went down) is begun anew by whoever asks next, of that later moment.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qemu.qmp import ExecuteError, QMPClient

from synnefo.cyclades.backends.base import DONE, BackendError, BackendUnavailable, Fence, Job, JobStatus
from synnefo.cyclades.backends.local import disks, drives, journal, layout, qmp
from synnefo.cyclades.backends.local.drives import Drive
from synnefo.cyclades.backends.local.host import ON
from synnefo.cyclades.backends.local.layout import Home, Snapshot
from synnefo.cyclades.backends.local.volumes import VolumeCalls

_JOB = re.compile(rf"snapshot/({layout.NAME.pattern})/({layout.NAME.pattern})")
_TALK_S = 15.0


class SnapshotCalls(VolumeCalls):
    """The part of ``Backend`` that is about snapshots; see there."""

    def snapshot_volume(self, name: str, snapshot: str, fence: Fence) -> str:
        layout.check_name(snapshot)
        with self._having(name, fence) as home, self._snapshot_fences.passing(snapshot, fence):
            file = self._snapshot(snapshot)
            if not file.exists():
                if not self._volume(name).exists():
                    raise BackendError(f"There is no volume {name}")
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                layout.write(file.parent / "snapshot.json", Snapshot(volume=name).model_dump_json())
                self._copy(name, snapshot, home)
        return DONE if file.exists() else f"snapshot/{name}/{snapshot}"

    def read_snapshot(self, snapshot: str) -> Iterator[bytes]:
        file = self._snapshot(snapshot)
        if not file.exists():
            raise BackendError(f"There is no snapshot {snapshot}")
        return disks.read(file)

    def drop_snapshot(self, snapshot: str, fence: Fence) -> None:
        layout.check_name(snapshot)
        with self._snapshot_fences.passing(snapshot, fence):
            directory = self._snapshot(snapshot).parent
            if not directory.exists():
                return
            record = layout.read_snapshot(directory / "snapshot.json")
            if record and (holder := self._holder(record.volume)):
                with self._fences.holding(holder):
                    home = self._home(holder)
                    if journal.look(home).power in ON:
                        _talk(home, lambda client: _end(client, snapshot), f"dropping {snapshot}")
            layout.discard(directory)

    def _snapshot(self, name: str) -> Path:
        return self._snapshots / layout.check_name(name) / "disk.qcow2"

    def _copy(self, name: str, snapshot: str, home: Home | None) -> int | None:
        """Bring the copy on: begin it, look at it, or finish it; its progress. Everything is held."""
        file = self._snapshot(snapshot)
        draft = file.with_name(".disk.qcow2.new")
        volume = self._volume(name)
        if home is None or journal.look(home).power not in ON:
            draft.unlink(missing_ok=True)
            disks.copy(volume, draft)
        else:
            spec = self._finished(home)
            root = spec.volumes[0].name == name
            drive = drives.volume(name, volume, readonly=False, root=root)
            progress = _talk(home, lambda client: _go_on(client, drive, snapshot, draft), f"copying {name}")
            if progress < 100:
                return int(progress)
        draft.rename(file)
        layout.sync(file.parent)
        return 100

    def _copying(self, job_id: str) -> Job | None:
        """How a job of this module goes; None for the jobs of others."""
        if (parts := _JOB.fullmatch(job_id)) is None:
            return None
        name, snapshot = parts.groups()
        file = self._snapshot(snapshot)
        if file.exists():
            return Job(JobStatus.SUCCESS)
        with contextlib.ExitStack() as stack:
            if (holder := self._holder(name)) is not None:
                stack.enter_context(self._fences.holding(holder, wait_s=0))
            stack.enter_context(self._volume_fences.holding(name, wait_s=0))
            stack.enter_context(self._snapshot_fences.holding(snapshot, wait_s=0))
            if self._holder(name) != holder:
                raise BackendUnavailable(f"{name} is just being attached or detached")
            if file.exists():
                return Job(JobStatus.SUCCESS)
            if not file.parent.exists() or not self._volume(name).exists():
                return Job(JobStatus.ERROR, f"{snapshot} was dropped")
            progress = self._copy(name, snapshot, self._home(holder) if holder else None)
        return Job(JobStatus.SUCCESS if progress == 100 else JobStatus.RUNNING, progress=progress)


async def _go_on(client: QMPClient, drive: Drive, snapshot: str, draft: Path) -> int:
    """The progress of QEMU's copying, which is begun if it is not under way; 100: done, and let go of."""
    job = await _job(client, snapshot)
    if job is None:
        await _begin(client, drive, snapshot, draft)
        return 0
    if job["status"] != "concluded":
        return min(99, 100 * int(job["current-progress"]) // max(1, int(job["total-progress"])))
    await _end(client, snapshot)
    if "error" in job:
        raise BackendError(f"The disk could not be copied: {job['error']}")
    return 100


async def _begin(client: QMPClient, drive: Drive, snapshot: str, draft: Path) -> None:
    disks.twin(drive.path, draft)
    copy = Drive(_target(snapshot), draft)
    await drives.open_node(client, copy)
    what = "top" if disks.backing_file(drive.path) else "full"
    options = {"job-id": _target(snapshot), "device": drive.node, "target": copy.node, "sync": what}
    await client.execute("blockdev-backup", {**options, "auto-dismiss": False})


async def _end(client: QMPClient, snapshot: str) -> None:
    """End QEMU's copying, done or not, and let go of the copy."""
    target = _target(snapshot)
    with contextlib.suppress(ExecuteError):
        await client.execute("block-job-cancel", {"device": target, "force": True})
    while (job := await _job(client, snapshot)) is not None:
        if job["status"] == "concluded":
            await client.execute("job-dismiss", {"id": target})
    await drives.close_node(client, Drive(target, Path()))


async def _job(client: QMPClient, snapshot: str) -> dict[str, Any] | None:
    jobs: Any = await client.execute("query-jobs")
    return next((job for job in jobs if job["id"] == _target(snapshot)), None)


def _target(snapshot: str) -> str:
    """The name of the copy as a disk of QEMU's, and of the copying."""
    return f"copy-{snapshot}"


def _talk(home: Home, talk: qmp.Talk[Any], what: str) -> Any:
    try:
        return qmp.converse(home.qmp, talk, f"{what} of {home.name}", timeout_s=_TALK_S)
    except ExecuteError as refusal:
        raise BackendError(f"{home.name}: {what}: {refusal}") from refusal
