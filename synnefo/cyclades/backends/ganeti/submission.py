"""One change asked of Ganeti: fenced, found again if it is already under way, made once.

Owns the order look - submit - look again, and with it what ``backend`` says about guarantees. It must
not know what the jobs do.
"""

from __future__ import annotations

from synnefo.cyclades.backends.base import Fence, Fenced
from synnefo.cyclades.backends.ganeti.jobs import JobIndex, KnownJob, signature
from synnefo.cyclades.backends.ganeti.rapi import FINAL, Query, Rapi, path


class Submission:
    """A call about to be made. Making one looks at the queue and raises ``Fenced`` if it came too late.

    ``pending``: the jobs that are under way for the name; a submitted job waits for their end.
    """

    def __init__(self, rapi: Rapi, jobs: JobIndex, verb: str, name: str, fence: Fence) -> None:
        self._rapi, self._jobs = rapi, jobs
        self._verb, self._name, self._fence = verb, name, fence
        self._jobs.refresh()
        self._refuse_if_late()
        known = self._jobs.of(name)
        self._mine = [job for job in known if self._is_mine(job)]
        self.pending = [job.id for job in known if job.pending and job.verb != "note"]

    def under_way(self) -> int | None:
        """The job of an earlier, equal call of the same operation that has not ended yet."""
        for job in self._mine:
            if job.pending:
                self.note()
                return job.id
        return None

    def finished(self, status: str) -> int | None:
        """The last job of an equal call of the same operation, if it ended like this."""
        last = self._mine[-1] if self._mine else None
        if last is None or last.status != status:
            return None
        self.note()
        return last.id

    def submit(self, method: str, where: str, body: dict[str, object], query: Query | None = None) -> int:
        """Submit the job, after all that is under way. Gives the older of two calls that crossed."""
        depends = [[job_id, sorted(FINAL)] for job_id in self.pending]
        job_id = self._send(self._verb, method, where, body | {"depends": depends}, query or {})
        self._jobs.refresh()
        try:
            self._refuse_if_late()
        except Fenced:
            self._rapi.cancel(job_id)
            raise
        before = {job.id for job in self._mine}
        crossed = {job.id for job in self._jobs.of(self._name) if self._is_mine(job)} - before
        first = min({job_id} | crossed)
        if first != job_id:
            self._rapi.cancel(job_id)
        return first

    def note(self) -> None:
        """Let the queue remember the fence of a call that has nothing to do, by a job without effect."""
        if self._jobs.highest(self._name) != self._fence:
            self._send("note", "PUT", path("tags"), {}, {"tag": "synnefo:fence", "dry-run": "1"})

    def _send(self, verb: str, method: str, where: str, body: dict[str, object], query: Query) -> int:
        signed = {"reason": signature(verb, self._name, self._fence), **query}
        return int(self._rapi.call(method, where, body, signed))

    def _is_mine(self, job: KnownJob) -> bool:
        same_operation = job.fence is not None and job.fence.operation == self._fence.operation
        return job.verb == self._verb and same_operation

    def _refuse_if_late(self) -> None:
        highest = self._jobs.highest(self._name)
        if highest is not None and highest > self._fence:
            raise Fenced(f"{self._name}: {self._fence} acts after {highest}")
