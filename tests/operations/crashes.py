"""Killing a dispatcher at every point where it touches something: the engine or the database.

``run_with_crash_at(n)`` lets operations run until the n-th such point, where the worker dies (nothing
more of it is executed, a transaction under way is rolled back). Its lease then runs out and another
worker takes over, as after SIGKILL. A point lies before and after every call of the engine and every
transaction of the runner.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.utils import timezone

from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.models import Backend
from synnefo.engine import runner
from synnefo.engine.models import Operation
from tests.conftest import work_off

ENGINE_CALLS = (
    "prepare_image", "create", "delete", "start", "stop", "reboot", "plug", "unplug", "job", "instance",
    "apply_network", "remove_network", "apply_router", "remove_router", "resize", "rebuild", "pause", "save",
    "rescue", "unrescue", "set_password", "create_volume", "delete_volume", "attach_volume", "detach_volume",
    "extend_volume", "snapshot_volume", "read_snapshot", "drop_snapshot",
)  # fmt: skip
RUNNER_WRITES = ("_write", "_finish", "claim")


class Killed(BaseException):
    """The process is gone. Not an Exception: nothing may catch it."""


class Points:
    """Counts points and dies at one of them."""

    def __init__(self, fatal: int) -> None:
        self.fatal = fatal
        self.passed = 0

    def pass_one(self) -> None:
        self.passed += 1
        if self.passed == self.fatal:
            raise Killed

    def around(self, function: Any) -> Any:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.pass_one()
            result = function(*args, **kwargs)
            self.pass_one()
            return result

        return wrapped


class FragileEngine:
    """An engine whose caller may die before or after each call."""

    def __init__(self, driver: Any, points: Points) -> None:
        self._driver, self._points = driver, points

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._driver, name)
        return self._points.around(found) if name in ENGINE_CALLS else found


@contextmanager
def fragile(row: Backend, driver: Any, points: Points) -> Iterator[None]:
    registry.put(row, FragileEngine(driver, points))  # type: ignore[arg-type]
    with mock.patch.multiple(
        runner, **{name: points.around(getattr(runner, name)) for name in RUNNER_WRITES}
    ):
        try:
            yield
        finally:
            registry.put(row, driver)


def run_with_crash_at(point: int, row: Backend, driver: Any) -> bool:
    """Work off all operations with one death at the point; False if there are fewer points than that."""
    points = Points(point)
    died = False
    with fragile(row, driver, points):
        try:
            work_off()
        except Killed:
            died = True
    if died:
        past = timezone.now() - datetime.timedelta(seconds=1)
        Operation.objects.filter(lease_until__isnull=False).update(lease_until=past)
        work_off()
    return died
