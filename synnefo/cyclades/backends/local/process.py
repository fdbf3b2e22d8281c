"""The QEMU process of an instance: is it there, make it be, make it end.

Owns identity. QEMU keeps a lock on its pid file for as long as it lives, and the kernel tells who
holds a lock; so neither a pid file left behind nor a reused pid can be mistaken for an instance.
Processes started here belong to nobody: they outlive the caller and are reaped by init.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from synnefo.cyclades.backends.base import BackendError, BackendUnavailable

LAUNCH_S = 120.0
_FLOCK = "hhqqi4x"  # struct flock of a 64 bit Linux


def pid_of(pidfile: Path) -> int | None:
    """The process that holds the pid file's lock, or None where QEMU does not run."""
    try:
        handle = os.open(pidfile, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        question = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(handle, fcntl.F_GETLK, question))
    finally:
        os.close(handle)
    return None if kind == fcntl.F_UNLCK else pid


def launch(argv: Sequence[str], cwd: Path, complaints: Path, ready: Callable[[], bool]) -> None:
    """Start ``argv`` in a session of its own and wait until it is ``ready``.

    Its error output goes to ``complaints``. Raises BackendError with the end of it if the process
    ended first, BackendUnavailable if it was not ready in time (it is then still on its way).
    """
    alive, held = os.pipe()
    try:
        with complaints.open("wb") as errors:
            subprocess.run(  # setsid forks and returns at once; the pipe's other end tells of the child's end
                ["setsid", "--fork", *argv],
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                pass_fds=[held],
                umask=0o077,
                check=True,
                timeout=LAUNCH_S,
            )
        os.close(held)
        held = -1
        _await(alive, complaints, ready)
    except (FileNotFoundError, subprocess.SubprocessError) as error:
        raise BackendError(f"QEMU could not be started: {error}") from error
    finally:
        os.close(alive)
        if held >= 0:
            os.close(held)


def _await(alive: int, complaints: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LAUNCH_S
    while not ready():
        ended, _, _ = select.select([alive], [], [], 0.01)
        if ended and not ready():
            words = complaints.read_text(errors="replace").strip()
            raise BackendError(f"QEMU did not start: {words[-2000:] or 'it gave no reason'}")
        if time.monotonic() > deadline:
            raise BackendUnavailable(f"QEMU was not ready within {LAUNCH_S:g} s")


def await_end(pidfile: Path, timeout_s: float) -> bool:
    """Whether QEMU is gone, at the latest after ``timeout_s``."""
    return _with_handle(pidfile, lambda handle: gone(handle, timeout_s))


def kill(pidfile: Path, timeout_s: float = 30.0) -> None:
    """End QEMU at once; gone already is fine. Raises BackendUnavailable if it does not end."""

    def end(handle: int) -> bool:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        return gone(handle, timeout_s)

    if not _with_handle(pidfile, end):
        raise BackendUnavailable(f"QEMU did not end within {timeout_s:g} s of being killed")


def _with_handle(pidfile: Path, act: Callable[[int], bool]) -> bool:
    """Call ``act`` with a handle of the very process that holds the lock; True where there is none."""
    pid = pid_of(pidfile)
    if pid is None:
        return True
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        # The handle is of whoever had the pid just now; if that one still has the lock it is QEMU.
        return act(handle) if pid_of(pidfile) == pid else True
    finally:
        os.close(handle)


def gone(handle: int, timeout_s: float) -> bool:
    """Whether the process of a pidfd has ended, at the latest after ``timeout_s``."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))


def set_group_priority(pidfile: Path, nice: int) -> None:
    """Let the services of this host go before the guest, also where the kernel groups by session.

    A process' own ``nice`` counts within its session alone on such kernels.
    """
    if pid := pid_of(pidfile):
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(nice))
