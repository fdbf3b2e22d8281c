"""The import of machines, networks and volumes."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

from django.core.management.base import CommandParser

from synnefo.audit import rules as audit
from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.legacy.importer import Importer, Options
from synnefo.common.legacy.source import opened
from synnefo.common.legacy.steps import Report, Step
from synnefo.common.objects import objects
from synnefo.common.transactions import atomic
from synnefo.cyclades.legacy import (
    backends,
    flavors,
    images,
    keypairs,
    networks,
    ports,
    quotas,
    room,
    servers,
    volumes,
)
from synnefo.cyclades.legacy.models import LegacyImport
from synnefo.cyclades.legacy.source import MachinesSource
from synnefo.cyclades.legacy.world import World

#: In an order in which whatever a row refers to is there before it.
STEPS: tuple[Step[World], ...] = (
    *flavors.STEPS,
    *backends.STEPS,
    *networks.STEPS,
    *servers.STEPS,
    *ports.STEPS,
    *volumes.STEPS,
    *keypairs.STEPS,
    *quotas.STEPS,
)
_KEY = "SECRET_ENCRYPTION_KEY"

#: Old tables that nothing here reads, and why what is in them is not needed.
LEFT_BEHIND = {"db_securitygroup": "never used", "db_networkinterface_security_groups": "never used"}


class MachinesImporter(Importer[MachinesSource, World]):
    service = "cyclades"
    progress = LegacyImport
    steps = STEPS

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--cyclades-db", metavar="URL",
            help="the old database of machines, postgresql://USER@HOST/NAME; it may be that of accounts",
        )  # fmt: skip
        parser.add_argument(
            "--secret-encryption-key", metavar="KEY",
            help=f"{_KEY} of the old settings, which clusters' passwords are encrypted with; it may be in the"
            f" environment variable {_KEY} instead",
        )  # fmt: skip

    def opened(self, options: Options) -> AbstractContextManager[MachinesSource] | None:
        url = options["cyclades_db"]
        return opened(url, MachinesSource) if url else None

    def collisions(self, source: MachinesSource) -> list[str]:
        return room.collisions(source)

    def make_room(self, source: MachinesSource) -> None:
        room.make(source)

    def world(self, source: MachinesSource, options: Options, *, looking: bool) -> World:
        world = World(Report(), options["secret_encryption_key"] or os.environ.get(_KEY, ""))
        comes_now = bool(options.get("pithos_db"))
        if looking and not comes_now and not any(True for _ in objects().described()):
            world.report.note("no images are here: they come with objects, which are to come first")
        return world

    def look_aside(self, source: MachinesSource, report: Report) -> None:
        for table, why in LEFT_BEHIND.items():
            if source.has(table) and (rows := source.count(f"SELECT 1 FROM {table}")):  # noqa: S608  constants of ours
                report.note(f"{table}: left behind, {why}", f"{rows} rows")

    def end(self, caller: Caller, source: MachinesSource, world: World) -> None:
        """Images out of objects; what the old Cyclades has not settled with Astakos is ours to settle."""
        images.adopt(world.report)
        accounts().take_over(self.service)
        with atomic():
            if self.close():
                audit.record(caller, "legacy.import", "legacy cyclades", source.release, rows=self.counts())
