"""What all procedures on a backend share: the fence, and what a backend's errors mean."""

from __future__ import annotations

from collections.abc import Callable

from synnefo.common.transactions import forbid_in_transaction
from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.base import (
    Backend,
    BackendError,
    BackendUnavailable,
    Fence,
    Fenced,
    JobStatus,
)
from synnefo.cyclades.backends.models import Backend as BackendRow
from synnefo.engine.procedure import Move, Procedure, StepFailed, Verdict

POLL_S = 0.4


class BackendProcedure(Procedure):
    """A procedure whose steps call an engine."""

    @property
    def fence(self) -> Fence:
        return Fence(self.row.pk, self.row.attempt)

    def engine_of(self, backend: BackendRow) -> Backend:
        """Raises BackendUnavailable while it is offline: then nothing is sent to it."""
        forbid_in_transaction("calling an engine")
        if backend.offline:
            raise BackendUnavailable(f"the engine {backend.name} is offline")
        return registry.engine(backend)

    def wait_for(self, engine: Backend) -> Move:
        """Go on when the engine's job is done."""
        return self.next() if self.is_over(engine, self.job) else self.again(POLL_S)

    def through(self, engine: Backend, ask: Callable[[], str]) -> Move:
        """A step of its own: ask once for a job that may be asked for again, go on when it is done."""
        if not self.job:
            self.job = ask()
        if not self.is_over(engine, self.job):
            return self.again(POLL_S)
        self.job = ""
        return self.next()

    def is_over(self, engine: Backend, job_id: str) -> bool:
        """Whether the job is done. Raises StepFailed if it failed."""
        job = engine.job(job_id)
        if job.status is JobStatus.ERROR:
            raise StepFailed(job.message)
        return job.status is not JobStatus.RUNNING

    def classify(self, error: Exception) -> Verdict:
        if isinstance(error, Fenced):
            return Verdict.STOP
        if isinstance(error, BackendUnavailable):
            return Verdict.RETRY
        if isinstance(error, BackendError):
            return Verdict.FAIL
        return super().classify(error)
