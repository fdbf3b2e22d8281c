"""The engine's calls that switch instances: on, off, again, paused, saved; and the jobs of these.

Owns how a request to a guest goes on until it is met. A soft reboot is an orderly power off followed by a
start: unlike ctrl-alt-del, which a guest may bind to anything, the power button is understood by every
system that can be stopped at all.
"""

from __future__ import annotations

import contextlib
import re
import time
from typing import Literal

from synnefo.cyclades.backends.base import (
    DONE,
    BackendError,
    BackendUnavailable,
    Fence,
    Job,
    JobStatus,
    Power,
)
from synnefo.cyclades.backends.local import journal, layout, qmp, saving
from synnefo.cyclades.backends.local.host import ON, Host
from synnefo.cyclades.backends.local.journal import View
from synnefo.cyclades.backends.local.layout import Home, Request

_JOB = re.compile(rf"(stop|reboot|save)/({layout.NAME.pattern})/([0-9a-f]+)")
#: A guest in early boot does not see the power button: it is pressed again.
_PRESS_AGAIN_S = 2.0


class PowerCalls(Host):
    """The part of ``Backend`` that is about power; see there."""

    def start(self, name: str, fence: Fence) -> str:
        with self._slots.one(), self._acting(name, fence) as home:
            self._power_on(home)
        return DONE

    def stop(self, name: str, fence: Fence, *, timeout_s: int = 60) -> str:
        with self._acting(name, fence) as home:
            view = journal.look(home)
            if view.power in ON:
                saving.give_up(home)
                return self._ask(home, view, "stop", timeout_s)
            self._finish_run(home)
            saving.forget(home)
            home.clear_request()
        return DONE

    def reboot(self, name: str, fence: Fence, *, hard: bool, timeout_s: int = 60) -> str:
        with self._slots.one(), self._acting(name, fence) as home:
            view = journal.look(home)
            on = view.power in ON
            if on:
                saving.give_up(home)
            else:
                saving.forget(home)
            if on and not hard:
                return self._ask(home, view, "reboot", timeout_s)
            if on and not self._reset(home):
                self._pull_plug(home, "reboot")
            self._power_on(home, "reboot" if on else "start")
        return DONE

    def pause(self, name: str, fence: Fence) -> str:
        with self._acting(name, fence) as home:
            view = journal.look(home)
            if view.power not in ON:
                raise BackendError(f"{name} is not on")
            if view.power is Power.ON:
                qmp.execute(home.qmp, "stop")
        return DONE

    def save(self, name: str, fence: Fence) -> str:
        with self._acting(name, fence) as home:
            view = journal.look(home)
            if view.power is Power.SAVED:
                return DONE
            if view.power not in ON:
                raise BackendError(f"{name} is not on")
            known = home.request()
            if known is None or (known.boot, known.kind) != (view.boot, "save"):
                now, paused = time.time(), view.power is Power.PAUSED
                home.write_request(
                    Request(kind="save", boot=view.boot, deadline=now, asked=now, paused=paused)
                )
            if not home.memory.exists():
                saving.begin(home)
        return f"save/{name}/{view.boot}"

    def _reset(self, home: Home) -> bool:
        """Whether the machine could be reset; a guest whose processors stand still is not."""
        try:
            qmp.execute(home.qmp, "system_reset")
        except BackendUnavailable:
            return False
        return True

    # -- requests to the guest, and their jobs --------------------------------------------------
    def _ask(self, home: Home, view: View, kind: Literal["stop", "reboot"], timeout_s: int) -> str:
        """Press the power button, unless a request of the same kind is under way; returns the job."""
        now = time.time()
        known = home.request()
        if known is None or known.boot != view.boot or known.kind != kind:
            patience_s = timeout_s if view.power is Power.ON else 0  # a paused guest hears nothing
            home.write_request(Request(kind=kind, boot=view.boot, deadline=now + patience_s, asked=now))
            self._press_button(home)
        return f"{kind}/{home.name}/{view.boot}"

    def _press_button(self, home: Home) -> None:
        with contextlib.suppress(BackendUnavailable):  # a QEMU that does not listen meets the deadline
            qmp.execute(home.qmp, "system_powerdown")

    def _power_job(self, job_id: str) -> Job | None:
        """How a job of this module goes; None for the jobs of others."""
        if (parts := _JOB.fullmatch(job_id)) is None:
            return None
        kind, name, boot = parts.groups()
        home = self._home(name)
        if (end := self._end_of(home, kind, boot)) is not None:
            return end
        progress = self._advance(home, kind, boot)
        return self._end_of(home, kind, boot) or Job(JobStatus.RUNNING, progress=progress)

    def _end_of(self, home: Home, kind: str, boot: str) -> Job | None:
        """How the job ended, or None. The request is read first: it goes only after its effect is seen."""
        request = home.request()
        view = journal.look(home)
        if view.power is Power.ABSENT:
            stopped = kind == "stop"
            return Job(JobStatus.SUCCESS if stopped else JobStatus.ERROR, f"{home.name} was deleted")
        if kind == "save":
            return self._end_of_saving(view, boot, request)
        if view.boot != boot:
            return Job(JobStatus.SUCCESS) if view.settled else None
        if kind == "stop" and view.power is Power.OFF:
            return Job(JobStatus.SUCCESS, view.reason)
        if request is None or request.boot != boot or request.kind != kind:
            return Job(JobStatus.ERROR, "A later call took its place")
        return None

    def _end_of_saving(self, view: View, boot: str, request: Request | None) -> Job | None:
        if view.boot == boot and view.power is Power.SAVED:
            return Job(JobStatus.SUCCESS)
        if view.boot == boot and view.power is Power.OFF:
            return Job(JobStatus.ERROR, f"It could not be saved: {view.reason}")
        if request is None or request.boot != boot or request.kind != "save":
            return Job(JobStatus.ERROR, "A later call took its place")
        return None

    def _advance(self, home: Home, kind: str, boot: str) -> int | None:
        """Do what the job needs next; its progress. Raises BackendUnavailable while somebody else does it."""
        slot = self._slots.one(wait_s=0) if kind == "reboot" else contextlib.nullcontext()
        with slot, self._fences.holding(home.name, wait_s=0):
            request, view = home.request(), journal.look(home)
            if request is None or (request.boot, request.kind) != (boot, kind):
                return None
            if kind == "save":
                return self._advance_saving(home, request, view)
            now = time.time()
            if view.power in ON and now >= request.deadline:
                self._pull_plug(home, request.kind)
            elif view.power in ON:
                if now >= request.asked + _PRESS_AGAIN_S:
                    home.write_request(request.model_copy(update={"asked": now}))
                    self._press_button(home)
                return None
            if kind == "reboot":
                self._power_on(home, "reboot")
        return None

    def _advance_saving(self, home: Home, request: Request, view: View) -> int | None:
        if view.power not in ON:
            return None
        if not home.memory.exists():
            going = saving.look(home)
            if going.status is JobStatus.RUNNING:
                return going.progress
            if going.status is JobStatus.ERROR:
                saving.forget(home)
                if not request.paused:
                    qmp.execute(home.qmp, "cont")
                home.clear_request()
                raise BackendError(going.message)
            saving.keep(home)
        self._pull_plug(home, "save")
        return None
