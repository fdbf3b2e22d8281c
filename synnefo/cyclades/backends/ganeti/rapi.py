"""Ganeti's remote API: requests, answers and their errors.

Owns the HTTP connection and the shapes of RAPI's answers. It must not know what Synnefo does with them.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from synnefo.cyclades.backends.base import BackendError, BackendUnavailable, Job, JobStatus
from synnefo.cyclades.backends.ganeti.config import GanetiConfig

Json = Any

#: What stands behind the question mark of a request.
Query = Mapping[str, str | Sequence[str]]

#: Statuses of jobs that will not change any more.
FINAL = frozenset({"success", "error", "canceled"})

#: Answers that say "not now" rather than "no", beside all of 500 and above (by which RAPI also tells that
#: the job queue is drained or the master away). Refused credentials are an operator's mistake that can be
#: repaired: servers of users must not end in an error because of it.
_TRY_AGAIN = frozenset({401, 403, 408, 429})

#: RAPI answers a request that waits for a job after at most ten seconds.
_WAIT_ANSWER_S = 10


class NotFound(BackendError):
    """RAPI knows no such object."""


def path(*parts: str) -> str:
    """A path below RAPI's version 2, whatever the names contain."""
    return "/".join(["/2", *(quote(part, safe="") for part in parts)])


class Rapi:
    """A connection to one cluster; safe for several threads."""

    def __init__(self, config: GanetiConfig) -> None:
        self._http = httpx.Client(
            base_url=config.url,
            auth=(config.username, config.password),
            verify=ssl.create_default_context(cafile=config.ca) if config.verify else False,
            trust_env=False,
            timeout=httpx.Timeout(config.read_timeout_s, connect=config.connect_timeout_s),
            # RAPI closes every connection after its answer.
            limits=httpx.Limits(max_connections=config.max_connections, max_keepalive_connections=0),
        )

    def close(self) -> None:
        self._http.close()

    def call(
        self,
        method: str,
        where: str,
        body: Mapping[str, object] | None = None,
        query: Query | None = None,
        timeout_s: float | None = None,
    ) -> Json:
        """One request and its decoded answer.

        Raises ``BackendUnavailable`` (no answer, or "not now"), ``NotFound``, ``BackendError`` (refused).
        """
        timeout = httpx.USE_CLIENT_DEFAULT if timeout_s is None else httpx.Timeout(timeout_s)
        try:
            answer = self._http.request(method, where, json=body, params=query, timeout=timeout)
        except httpx.TransportError as error:
            raise BackendUnavailable(f"Ganeti does not answer: {error or type(error).__name__}") from error
        if answer.is_success:
            return answer.json()
        explanation = _explain(answer)
        if answer.is_server_error or answer.status_code in _TRY_AGAIN:
            raise BackendUnavailable(f"Ganeti cannot do this now: {explanation}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotFound(f"Ganeti knows no such thing: {where}")
        raise BackendError(f"Ganeti refused: {explanation}")

    def query(self, kind: str, fields: Sequence[str], condition: Json = None) -> list[list[Json]]:
        """Rows of a query: one value for each field, None where Ganeti has none."""
        answer = self.call("PUT", path("query", kind), {"fields": list(fields), "qfilter": condition})
        return [[value for _, value in row] for row in answer["data"]]

    def job(self, job_id: int) -> Job:
        """How a job goes; an error job where Ganeti has none of that number."""
        return read_job(self.call("GET", path("jobs", str(job_id))))

    def cancel(self, job_id: int) -> None:
        """Take a job back if it has not begun; otherwise it goes on."""
        self.call("DELETE", path("jobs", str(job_id)))

    def wait(self, job_id: int, timeout_s: float) -> Job:
        """The end of a job. Raises ``BackendUnavailable`` if it does not end in time."""
        deadline = time.monotonic() + timeout_s
        seen: Json = None
        while (job := self.job(job_id)).status is JobStatus.RUNNING:
            if time.monotonic() > deadline:
                raise BackendUnavailable(f"Ganeti's job {job_id} goes on after {timeout_s} s")
            change = self.call(
                "GET",
                path("jobs", str(job_id), "wait"),
                {"fields": ["status"], "previous_job_info": seen, "previous_log_serial": None},
                timeout_s=3 * _WAIT_ANSWER_S,
            )
            seen = change["job_info"] if change else seen
        return job


def read_job(answer: Json) -> Job:
    """RAPI's picture of a job in the contract's words."""
    status = answer["status"]
    if status is None:
        return Job(JobStatus.ERROR, f"Ganeti has no job {answer['id']}")
    if status == "success" or (status == "error" and _removed_what_is_absent(answer)):
        return Job(JobStatus.SUCCESS, progress=100)
    if status in FINAL:
        return Job(JobStatus.ERROR, _failure(answer))
    return Job(JobStatus.RUNNING)


def _removed_what_is_absent(answer: Json) -> bool:
    """Whether a job failed to remove an instance only because there was none any more."""
    if answer["ops"][0]["OP_ID"] != "OP_INSTANCE_REMOVE":
        return False
    match answer["opresult"][0]:
        case [_, [_, "unknown_entity"]]:
            return True
    return False


def _failure(answer: Json) -> str:
    if answer["status"] == "canceled":
        return f"Ganeti's job {answer['id']} was cancelled"
    match answer["opresult"][0]:
        case [str(), [str(message), *_]]:
            return message
        case other:
            return str(other)


def _explain(answer: httpx.Response) -> str:
    """RAPI's own words about an error, or the status where something else answered."""
    try:
        return f"{answer.status_code} {answer.json()['explain']}"
    except (ValueError, LookupError, TypeError):
        return f"{answer.status_code} {answer.reason_phrase}"
