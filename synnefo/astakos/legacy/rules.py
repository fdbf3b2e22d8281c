"""The import of accounts, projects and quota."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandParser

from synnefo.astakos.catalog import standard
from synnefo.astakos.catalog.models import Component, Resource
from synnefo.astakos.legacy import (
    applications,
    catalog,
    methods,
    oauth,
    projects,
    quotas,
    room,
    users,
)
from synnefo.astakos.legacy.models import LegacyImport
from synnefo.astakos.legacy.source import AccountsSource
from synnefo.astakos.legacy.world import World
from synnefo.astakos.projects import rules as project_rules
from synnefo.astakos.projects.models import Project, ProjectLimit
from synnefo.astakos.quotas import clients, ledger
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.legacy.importer import Importer, Options
from synnefo.common.legacy.source import Source, opened
from synnefo.common.legacy.steps import Report, Step
from synnefo.common.transactions import atomic

#: In an order in which whatever a row refers to is there before it.
STEPS: tuple[Step[World], ...] = (
    *users.STEPS,
    *methods.STEPS,
    *catalog.STEPS,
    *projects.STEPS,
    *applications.STEPS,
    *quotas.STEPS,
    *oauth.STEPS,
)

#: Old tables that nothing here reads, and why what is in them is not needed.
LEFT_BEHIND = {
    "im_additionalmail": "never used",
    "im_emailchange": "to be asked for again",
    "im_invitation": "invitations are no more",
    "im_pendingthirdpartyuser": "made again at their next sign-in",
    "im_usersetting": "never used",
    "django_session": "everybody signs in again",
}


class AccountsImporter(Importer[AccountsSource, World]):
    service = "astakos"
    progress = LegacyImport
    steps = STEPS

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--astakos-db", metavar="URL",
            help="the old database of accounts, postgresql://USER@HOST/NAME; the password may be in"
            " PGPASSWORD or ~/.pgpass",
        )  # fmt: skip

    def opened(self, options: Options) -> AbstractContextManager[AccountsSource] | None:
        url = options["astakos_db"]
        return opened(url, AccountsSource) if url else None

    def collisions(self, source: AccountsSource) -> list[str]:
        return room.collisions(source)

    def make_room(self, source: AccountsSource) -> None:
        room.make(source)

    def world(self, source: AccountsSource, options: Options, *, looking: bool) -> World:
        world = World(Report(), source)
        if looking:
            world.resources = {row["id"]: row["id"] for row in source.all("SELECT id FROM im_resource")}
        return world

    def know(self, world: World) -> None:
        world.resources = catalog.numbers_of_resources(world.source)
        world.clients = {row.name: clients.of_component(row) for row in Component.objects.all()}

    def look_aside(self, source: AccountsSource, report: Report) -> None:
        if not _has_secret_key():
            report.obstacle("SECRET_KEY is not set: service tokens are encrypted with it")
        _look_aside(source, report)

    def end(self, caller: Caller, source: AccountsSource, world: World) -> None:
        """What this cloud has and the old one had not: its own services, their limits, a ledger."""
        standard.register_standard(settings.SYNNEFO_SERVICES)
        _fill_limits()
        with atomic():
            if self.close():
                ledger.open_balances()
                audit.record(caller, "legacy.import", "legacy", source.release, rows=self.counts())


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
