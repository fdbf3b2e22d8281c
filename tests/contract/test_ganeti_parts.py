"""Parts of the Ganeti backend that need no cluster: its settings, and its picture of a job queue."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from synnefo.cyclades.backends.base import Fence
from synnefo.cyclades.backends.ganeti import GanetiConfig
from synnefo.cyclades.backends.ganeti.jobs import JobIndex, signature

from . import ganeti_cluster

CONFIG = GanetiConfig(url="https://ganeti.example.org:5080", username="synnefo", password="secret")


def test_the_password_is_not_printed() -> None:
    assert "secret" not in repr(CONFIG)


@pytest.mark.parametrize("url", ["http://ganeti.example.org:5080", "ganeti.example.org", ""])
def test_rapi_is_not_spoken_to_in_the_clear(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        dataclasses.replace(CONFIG, url=url)


def test_a_prefix_without_a_dash_is_refused() -> None:
    with pytest.raises(ValueError, match="dash"):
        dataclasses.replace(CONFIG, prefix="snf")


def test_without_ganeti_the_fixture_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ganeti_cluster, "_NEEDED", ("/nowhere/gnt-cluster",))
    with pytest.raises(RuntimeError, match="apt-get install --no-install-recommends ganeti "):
        ganeti_cluster.require_packages()


class Queue:
    """A job queue that answers queries as Ganeti does."""

    def __init__(self) -> None:
        self.jobs: dict[int, tuple[str, dict[str, Any]]] = {}

    def put(self, job_id: int, reason: str, status: str = "running") -> None:
        self.jobs[job_id] = (status, {"OP_ID": "OP_TEST", "reason": [["gnt:user", reason, 0]]})

    def query(self, kind: str, fields: Sequence[str], condition: Any) -> list[list[Any]]:
        assert (kind, tuple(fields)) == ("job", ("id", "status", "ops"))
        return [[i, s, [op]] for i, (s, op) in self.jobs.items() if self._holds(condition, i)]

    def _holds(self, condition: Any, job_id: int) -> bool:
        match condition:
            case ["|", *alternatives]:
                return any(self._holds(one, job_id) for one in alternatives)
            case [">", "id", int(bound)]:
                return job_id > bound
            case ["=", "id", int(wanted)]:
                return job_id == wanted
        raise AssertionError(condition)


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def index(queue: Queue) -> JobIndex:
    return JobIndex(queue)  # type: ignore[arg-type]


def test_a_job_that_becomes_visible_late_is_still_seen(queue: Queue, index: JobIndex) -> None:
    queue.put(1, signature("start", "snf-1", Fence(1, 1)))
    index.refresh()
    queue.put(3, signature("start", "snf-1", Fence(2, 1)))
    index.refresh()
    queue.put(2, signature("stop", "snf-2", Fence(9, 1)))
    assert index.refresh() == {"snf-2"}
    assert index.highest("snf-2") == Fence(9, 1)


def test_only_what_changed_is_reported(queue: Queue, index: JobIndex) -> None:
    queue.put(1, signature("start", "snf-1", Fence(1, 1)))
    assert index.refresh() == {"snf-1"}
    assert index.refresh() == set()
    assert index.pending_names() == {"snf-1"}
    queue.put(1, signature("start", "snf-1", Fence(1, 1)), "success")
    assert index.refresh() == {"snf-1"}
    assert index.pending_names() == set()


def test_the_highest_fence_of_a_name_stands(queue: Queue, index: JobIndex) -> None:
    for job_id, fence in enumerate([Fence(2, 1), Fence(2, 3), Fence(1, 9)], start=1):
        queue.put(job_id, signature("start", "snf-1", fence), "success")
    index.refresh()
    assert index.highest("snf-1") == Fence(2, 3)
    assert index.highest("snf-11") is None


def test_old_finished_jobs_are_forgotten_but_not_their_fences(queue: Queue, index: JobIndex) -> None:
    queue.put(1, signature("start", "snf-1", Fence(7, 1)), "success")
    queue.put(2, signature("start", "snf-2", Fence(7, 1)), "running")
    index.refresh()
    queue.put(20_000, "not ours", "success")
    index.refresh()
    assert index.of("snf-1") == []
    assert index.highest("snf-1") == Fence(7, 1)
    assert [job.id for job in index.of("snf-2")] == [2]
