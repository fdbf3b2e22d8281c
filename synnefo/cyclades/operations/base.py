"""What all procedures on a backend share: the fence, and what a backend's errors mean."""

from __future__ import annotations

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

_POLL_S = 0.4


class BackendProcedure(Procedure):
    """A procedure whose steps call an engine."""

    @property
    def fence(self) -> Fence:
        return Fence(self.row.pk, self.row.attempt)

    def engine_of(self, backend: BackendRow) -> Backend:
        forbid_in_transaction("calling an engine")
        return registry.engine(backend)

    def wait_for(self, engine: Backend) -> Move:
        """Go on when the engine's job is done."""
        job = engine.job(self.job)
        if job.status is JobStatus.ERROR:
            raise StepFailed(job.message)
        return self.again(_POLL_S) if job.status is JobStatus.RUNNING else self.next()

    def classify(self, error: Exception) -> Verdict:
        if isinstance(error, Fenced):
            return Verdict.STOP
        if isinstance(error, BackendUnavailable):
            return Verdict.RETRY
        if isinstance(error, BackendError):
            return Verdict.FAIL
        return super().classify(error)
