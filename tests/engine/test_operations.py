"""The engine of durable operations: order, undo, retries, leases, fencing, supersession."""

from __future__ import annotations

import datetime
from typing import Any, ClassVar

import pytest
from django.utils import timezone

from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict
from synnefo.engine import background, rules, runner
from synnefo.engine.models import Operation, Target
from synnefo.engine.procedure import Move, Procedure, StepFailed, step
from tests.conftest import work_off

ACTOR = Caller(user="u", project="p", request_id="req-1")


class Trace(Procedure):
    """Writes down what was done; a plan in the payload says what goes wrong, and how often."""

    kind = "test.trace"
    diary: ClassVar[list[str]] = []
    trouble: ClassVar[dict[str, list[Exception]]] = {}

    @step(undo="close", because="what was opened is closed")
    def open(self) -> Move:
        return self._note("open")

    @step(undo=None, because="looking changes nothing")
    def look(self) -> Move:
        return self._note("look")

    @step(undo="empty", because="what was filled is emptied")
    def fill(self) -> Move:
        return self._note("fill")

    def close(self) -> Move:
        return self._note("close")

    def empty(self) -> Move:
        return self._note("empty")

    def finish(self, error: str) -> None:
        self.diary.append(f"finish {error}".strip())

    def _note(self, what: str) -> Move:
        self.diary.append(what)
        if self.trouble.get(what):
            raise self.trouble[what].pop(0)
        return self.next()


class Slow(Procedure):
    kind = "test.slow"
    deadline_s = 60

    @step(undo=None, because="waiting changes nothing")
    def wait(self) -> Move:
        return self.again(5)

    def finish(self, error: str) -> None:
        Trace.diary.append(f"slow {error}")


@pytest.fixture(autouse=True)
def diary(db: None) -> list[str]:
    Trace.diary.clear()
    Trace.trouble.clear()
    return Trace.diary


def begin(procedure: type[Procedure] = Trace, key: int = 1, **about: Any) -> Operation:
    return rules.start(procedure, targets=[("thing", key)], actor=ACTOR, **about)


def test_steps_run_in_the_order_they_are_written(diary: list[str]) -> None:
    row = begin()
    work_off()
    row.refresh_from_db()
    assert diary == ["open", "look", "fill", "finish"]
    assert (row.state, row.error, row.lease_until) == ("succeeded", "", None)
    assert not Target.objects.filter(active=True).exists()


def test_a_failing_step_is_undone_with_all_before_it_in_reverse(diary: list[str]) -> None:
    Trace.trouble["fill"] = [StepFailed("full")]
    row = begin()
    work_off()
    row.refresh_from_db()
    assert diary == ["open", "look", "fill", "empty", "close", "finish full"]
    assert (row.state, row.error) == ("failed", "full")


def test_an_unforeseen_error_is_tried_again(diary: list[str]) -> None:
    Trace.trouble["look"] = [ValueError("odd"), OSError("gone")]
    row = begin()
    work_off()
    row.refresh_from_db()
    assert diary == ["open", "look", "look", "look", "fill", "finish"]
    assert row.state == "succeeded"


def test_errors_that_last_past_the_deadline_turn_it_round(diary: list[str]) -> None:
    Trace.trouble["look"] = [ValueError("odd")] * 3
    row = begin()
    for lease in runner.claim("a", 1):
        runner.work(lease)
    Operation.objects.filter(pk=row.pk).update(deadline=timezone.now(), wake_at=timezone.now())
    work_off()
    row.refresh_from_db()
    assert row.state == "failed"
    assert row.error == "odd"
    assert diary[-2:] == ["close", "finish odd"]


def test_waiting_past_the_deadline_fails() -> None:
    row = begin(Slow)
    for lease in runner.claim("a", 1):
        runner.work(lease)
    row.refresh_from_db()
    assert row.state == "doing"
    Operation.objects.filter(pk=row.pk).update(deadline=timezone.now(), wake_at=timezone.now())
    work_off()
    assert Trace.diary == ["slow The operation took too long."]


def test_an_undo_that_fails_is_tried_again_and_in_the_end_left_to_the_reconciler(diary: list[str]) -> None:
    Trace.trouble["fill"] = [StepFailed("full")]
    Trace.trouble["empty"] = [OSError("busy")]
    begin()
    work_off()
    assert diary == ["open", "look", "fill", "empty", "empty", "close", "finish full"]


def test_a_target_has_one_active_operation() -> None:
    begin()
    with pytest.raises(Conflict):
        begin()
    begin(key=2)
    work_off()
    begin()


def test_a_claimed_operation_is_nobody_elses_until_its_lease_runs_out() -> None:
    begin()
    (mine,) = runner.claim("a", 5)
    assert runner.claim("b", 5) == []
    _expire(mine)
    (theirs,) = runner.claim("b", 5)
    assert theirs.attempt == mine.attempt + 1


def test_a_worker_that_slept_past_its_lease_writes_nothing(diary: list[str]) -> None:
    row = begin()
    (sleeper,) = runner.claim("a", 5)
    _expire(sleeper)
    (other,) = runner.claim("b", 5)
    runner.work(other)
    assert diary == ["open", "look", "fill", "finish"]
    before = Operation.objects.values().get(pk=row.pk)
    runner.work(sleeper)
    assert Operation.objects.values().get(pk=row.pk) == before
    assert diary.count("finish") == 1
    assert not runner.renew(sleeper)


def test_a_superseded_operation_ends_without_its_finish(diary: list[str]) -> None:
    row = begin(secret={"password": "x"})
    (worker,) = runner.claim("a", 5)
    assert rules.supersede("thing", 1)
    runner.work(worker)
    row.refresh_from_db()
    assert (row.state, row.secret) == ("failed", None)
    assert not any(entry.startswith("finish") for entry in diary)
    assert not rules.supersede("thing", 1)


def test_a_periodic_task_runs_once_when_due(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    monkeypatch.setattr(background, "PERIODIC", {"count": (60.0, lambda: runs.append(1))})
    background.run_due()
    background.run_due()
    assert len(runs) == 1


def test_a_periodic_task_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []

    def broken() -> None:
        raise ValueError("broken")

    monkeypatch.setattr(background, "PERIODIC", {"a": (60.0, broken), "b": (60.0, lambda: runs.append(1))})
    background.run_due()
    assert runs == [1]


def _expire(row: Operation) -> None:
    past = timezone.now() - datetime.timedelta(seconds=1)
    Operation.objects.filter(pk=row.pk).update(lease_until=past)
