"""What a dispatcher does besides operations: periodic tasks (run by one of all dispatchers) and
followers (long-running listeners, one thread each in every dispatcher). Services register theirs in
``AppConfig.ready``."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import structlog
from django.utils import timezone

from synnefo.common.transactions import atomic
from synnefo.engine import charging
from synnefo.engine.models import PeriodicTask

log = structlog.get_logger("synnefo.engine")

Stop = Callable[[], bool]
PERIODIC: dict[str, tuple[float, Callable[[], object]]] = {}
FOLLOWERS: dict[str, Callable[[Stop], None]] = {}


def periodic(name: str, every_s: float, function: Callable[[], object]) -> None:
    """Have a function run about every so many seconds, once over all dispatchers."""
    PERIODIC[name] = (every_s, function)


def follower(name: str, function: Callable[[Stop], None]) -> None:
    """Have a function run in a thread of every dispatcher until ``stop()``; it is restarted if it fails."""
    FOLLOWERS[name] = function


def run_due() -> None:
    """Run the periodic tasks that are due and that no other dispatcher has taken."""
    for name, (every_s, function) in PERIODIC.items():
        if not _take(name, every_s):
            continue
        try:
            function()
        except Exception:  # a task that fails must not stop the others; it runs again when due
            log.exception("periodic task failed", task=name)


def _take(name: str, every_s: float) -> bool:
    now = timezone.now()
    following = now + datetime.timedelta(seconds=every_s)
    with atomic():
        _, created = PeriodicTask.objects.get_or_create(name=name, defaults={"due": following})
        return created or bool(PeriodicTask.objects.filter(name=name, due__lte=now).update(due=following))


periodic("deliver-decisions", 1, charging.deliver)
periodic("resolve-forgotten-commissions", 30, charging.resolve_forgotten)
