"""What Ganeti's job queue remembers of us: which calls were made, by whom, and how they go.

Owns the signature that every job of ours carries as its *reason*,
``synnefo:<verb>:<name>:<operation>.<attempt>``, and a picture of the queue that is brought up to date
with one request. By it a caller who was killed finds his job again, and older callers are fenced.

The queue is the only memory of fences, so a fence is forgotten when Ganeti archives its job (hours
after its end), unless this process has seen it.
"""

from __future__ import annotations

import dataclasses
import re
import threading

from synnefo.cyclades.backends.base import Fence
from synnefo.cyclades.backends.ganeti.rapi import FINAL, Json, Rapi

_SIGNATURE = re.compile(r"synnefo:([a-z-]+):([^:]+):(\d+)\.(\d+)")

#: Finished jobs older than this many are not needed to find a lost one.
_REMEMBERED = 5000
#: Jobs become visible out of order when several callers submit; how far back to look for a missing one.
_OUT_OF_ORDER = 64


def signature(verb: str, name: str, fence: Fence) -> str:
    return f"synnefo:{verb}:{name}:{fence.operation}.{fence.attempt}"


@dataclasses.dataclass(frozen=True)
class KnownJob:
    """A job in the queue. ``verb`` and ``fence`` are None where somebody else submitted it."""

    id: int
    status: str
    name: str | None
    verb: str | None = None
    fence: Fence | None = None

    @property
    def pending(self) -> bool:
        return self.status not in FINAL


class JobIndex:
    """A picture of one cluster's job queue; safe for several threads."""

    def __init__(self, rapi: Rapi) -> None:
        self._rapi = rapi
        self._lock = threading.Lock()
        self._jobs: dict[int, KnownJob] = {}
        self._highest: dict[str, Fence] = {}
        self._newest = 0
        self._missing: set[int] = set()

    def refresh(self) -> set[str]:
        """Ask what is new; the names whose jobs appeared or changed since the last time."""
        with self._lock:
            again = {job.id for job in self._jobs.values() if job.pending} | self._missing
            condition = ["|", [">", "id", self._newest], *(["=", "id", one] for one in sorted(again))]
            found = [_read(*row) for row in self._rapi.query("job", ("id", "status", "ops"), condition)]
            changed = {job.name for job in found if job.name is not None and job != self._jobs.get(job.id)}
            self._learn(found)
            self._forget()
            return changed

    def highest(self, name: str) -> Fence | None:
        """The highest fence that was seen for a name."""
        with self._lock:
            return self._highest.get(name)

    def of(self, name: str) -> list[KnownJob]:
        """The jobs that concern a name, oldest first."""
        with self._lock:
            return sorted((j for j in self._jobs.values() if j.name == name), key=lambda job: job.id)

    def pending_names(self) -> set[str]:
        """Whatever a job is under way for, whoever asked for it."""
        with self._lock:
            return {job.name for job in self._jobs.values() if job.pending and job.name is not None}

    def _learn(self, found: list[KnownJob]) -> None:
        newest = max((job.id for job in found), default=self._newest)
        if self._newest:
            self._missing |= set(range(self._newest + 1, newest))
        self._missing -= {job.id for job in found}
        self._newest = max(self._newest, newest)
        for job in found:
            self._jobs[job.id] = job
            if job.name is not None and job.fence is not None:
                self._highest[job.name] = max(job.fence, self._highest.get(job.name, job.fence))

    def _forget(self) -> None:
        self._missing = {one for one in self._missing if one > self._newest - _OUT_OF_ORDER}
        old = [j.id for j in self._jobs.values() if not j.pending and j.id <= self._newest - _REMEMBERED]
        for job_id in old:
            del self._jobs[job_id]


def _read(job_id: int, status: str, ops: list[Json]) -> KnownJob:
    first = ops[0]
    for source, text, _ in first.get("reason") or ():
        if source == "gnt:user" and (ours := _SIGNATURE.fullmatch(text)):
            verb, name, operation, attempt = ours.groups()
            return KnownJob(job_id, status, name, verb, Fence(int(operation), int(attempt)))
    return KnownJob(job_id, status, first.get("instance_name"))
