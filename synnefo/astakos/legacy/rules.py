"""The import as a whole: looked through first, then written in small transactions, each with how far it is.

It is done once. What is cut off goes on where it stopped, and never does anything twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from synnefo.astakos.catalog import standard
from synnefo.astakos.catalog.models import Component, Resource
from synnefo.astakos.legacy import (
    applications,
    catalog,
    methods,
    numbers,
    oauth,
    projects,
    quotas,
    room,
    users,
)
from synnefo.astakos.legacy.models import LegacyImport
from synnefo.astakos.legacy.source import Row, Source
from synnefo.astakos.legacy.steps import Report, Step, World
from synnefo.astakos.projects import rules as project_rules
from synnefo.astakos.projects.models import Project, ProjectLimit
from synnefo.astakos.quotas import clients, ledger
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict
from synnefo.common.transactions import atomic

#: In an order in which whatever a row refers to is there before it.
STEPS: tuple[Step, ...] = (
    *users.STEPS,
    *methods.STEPS,
    *catalog.STEPS,
    *projects.STEPS,
    *applications.STEPS,
    *quotas.STEPS,
    *oauth.STEPS,
)
#: The last thing that is done; when it is, all is.
END = "end"

#: Old tables that nothing here reads, and why what is in them is not needed.
LEFT_BEHIND = {
    "im_additionalmail": "never used",
    "im_emailchange": "to be asked for again",
    "im_invitation": "invitations are no more",
    "im_pendingthirdpartyuser": "made again at their next sign-in",
    "im_usersetting": "never used",
    "django_session": "everybody signs in again",
}

Say = Callable[[str], None]


def is_done(source: Source) -> bool:
    """Whether this database was imported. Raises Conflict if an import of another one was begun."""
    rows = LegacyImport.objects.all()
    if rows.exclude(source=source.fingerprint).exists():
        raise Conflict("An import from another database was begun here.")
    return rows.filter(step=END, finished__isnull=False).exists()


def is_begun() -> bool:
    return LegacyImport.objects.exists()


def look_through(source: Source) -> Report:
    """What an import would do; changes nothing. What is in its way is among the obstacles."""
    report = Report()
    if not _has_secret_key():
        report.obstacle("SECRET_KEY is not set: service tokens are encrypted with it")
    if not is_begun():
        for line in room.collisions(source):
            report.obstacle("in the way", line)
    world = World(source, report)
    world.resources = {row["id"]: row["id"] for row in source.all("SELECT id FROM im_resource")}
    for step in STEPS:
        report.counts[step.name] = 0
        for batch in source.rows(step.sql(source)):
            step.check(batch, world)
    _look_aside(source, report)
    return report


def run(caller: Caller, source: Source, say: Say) -> None:
    """Import what is not here yet. The caller has looked through. Raises Conflict, BadRequest."""
    with atomic():
        if not is_begun():
            room.make(source)
            names = [*(step.name for step in STEPS), END]
            LegacyImport.objects.bulk_create(
                LegacyImport(step=name, source=source.fingerprint) for name in names
            )
    world = World(source, Report())
    for step in STEPS:
        progress = LegacyImport.objects.get(step=step.name)
        if progress.finished is None:
            _know(world)
            for batch in source.rows(step.sql(source), progress.last_key):
                progress = _write(step, batch, world, progress)
            _finish(step, source, progress)
            say(f"{step.name}: {progress.rows}")
    _end(caller, source)


def _write(step: Step, batch: list[Row], world: World, known: LegacyImport) -> LegacyImport:
    """A batch, and how far it goes, in one transaction. Raises Conflict if somebody else is at it, too."""
    with atomic():
        progress = LegacyImport.objects.select_for_update().get(step=step.name)
        if progress.last_key != known.last_key:
            raise Conflict("Another import is running.")
        step.write(batch, world)
        progress.last_key = batch[-1]["key"]
        progress.rows += len(batch)
        progress.save()
    return progress


def _finish(step: Step, source: Source, progress: LegacyImport) -> None:
    with atomic():
        for numbered in step.numbered:
            numbers.go_on(numbered, source)
        progress.finished = timezone.now()
        progress.save()


def _know(world: World) -> None:
    world.resources = catalog.numbers_of_resources(world.source)
    world.clients = {row.name: clients.of_component(row) for row in Component.objects.all()}


def _end(caller: Caller, source: Source) -> None:
    """What this cloud has and the old one had not: its own services, limits of its resources, a ledger."""
    standard.register_standard(settings.SYNNEFO_SERVICES)
    _fill_limits()
    with atomic():
        end = LegacyImport.objects.select_for_update().get(step=END)
        if end.finished is None:
            ledger.open_balances()
            end.finished = timezone.now()
            end.save()
            counts = dict(LegacyImport.objects.exclude(step=END).values_list("step", "rows"))
            audit.record(caller, "legacy.import", "legacy", source.release, rows=counts)


def _fill_limits() -> None:
    for resource in Resource.objects.all():
        limits = ProjectLimit.objects.filter(resource=resource).values("project")
        missing: Any = Project.objects.filter(state__in=Project.INITIALIZED).exclude(pk__in=limits)
        while found := list(missing.order_by("pk")[:200]):
            with atomic():
                project_rules.fill_limits(found, [resource])
                project_rules.sync(found)


def _has_secret_key() -> bool:
    try:
        return bool(settings.SECRET_KEY)
    except ImproperlyConfigured:
        return False


def _look_aside(source: Source, report: Report) -> None:
    """Old rows that no step reads."""
    for table, why in LEFT_BEHIND.items():
        if source.has(table) and (rows := source.count(f"SELECT 1 FROM {table}")):  # noqa: S608  constants of ours
            report.note(f"{table}: left behind, {why}", f"{rows} rows")
    plain = source.all(
        "SELECT username FROM auth_user u WHERE NOT EXISTS"
        " (SELECT 1 FROM im_astakosuser a WHERE a.user_ptr_id = u.id) LIMIT 20"
    )
    for row in plain:
        report.note(
            "user of Django alone: left behind; fix-superusers there makes him an account", row["username"]
        )
