"""The import of objects."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandParser
from django.db.models import Q

from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest
from synnefo.common.legacy.importer import Importer, Options
from synnefo.common.legacy.source import opened
from synnefo.common.legacy.steps import Report, Step
from synnefo.common.transactions import atomic
from synnefo.pithos.blocks.base import blocks
from synnefo.pithos.legacy import names, versions
from synnefo.pithos.legacy.files import OldFiles
from synnefo.pithos.legacy.models import LegacyImport
from synnefo.pithos.legacy.source import ACCOUNTS, ObjectsSource
from synnefo.pithos.legacy.world import World
from synnefo.pithos.namespace.models import Account

#: In an order in which whatever a row refers to is there before it.
STEPS: tuple[Step[World], ...] = (*names.ACCOUNT_STEPS, *versions.STEPS, *names.SHARING_STEPS)
_EXAMPLES = 10


class ObjectsImporter(Importer[ObjectsSource, World]):
    service = "pithos"
    progress = LegacyImport
    steps = STEPS

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--pithos-db", metavar="URL", help="the old database of objects, postgresql://USER@HOST/NAME"
        )
        parser.add_argument(
            "--pithos-blocks", metavar="DIR", help="the old block store: the directory of blocks/ and maps/"
        )
        parser.add_argument(
            "--verify-blocks", action="store_true",
            help="read each block and compare its hash, as is done with copies, and not by block-scrub later",
        )  # fmt: skip

    def opened(self, options: Options) -> AbstractContextManager[ObjectsSource] | None:
        url, directory = options["pithos_db"], options["pithos_blocks"]
        if not url and not directory:
            return None
        if not url or not directory:
            raise BadRequest("--pithos-db and --pithos-blocks are given together.")
        for name in ("blocks", "maps"):
            if not (Path(directory) / name).is_dir():
                raise BadRequest(f"There is no directory {name} in {directory}.")
        return opened(url, ObjectsSource)

    def collisions(self, source: ObjectsSource) -> list[str]:
        """Accounts come into being when they are first looked at; what is in them does not."""
        used = Account.objects.filter(
            Q(containers__isnull=False) | Q(groups__isnull=False) | ~Q(attributes={})
        ).distinct()
        return [f"account {row.name}: is here already" for row in used.order_by("pk")[:_EXAMPLES]]

    def make_room(self, source: ObjectsSource) -> None:
        Account.objects.all().delete()

    def world(self, source: ObjectsSource, options: Options, *, looking: bool) -> World:
        """A look that an import follows leaves the files to that."""
        files = None
        if options["dry_run"] or not looking:
            files = OldFiles(
                Path(options["pithos_blocks"]), settings.PITHOS_BACKEND_BLOCK_SIZE,
                None if looking else blocks(), verify=options["verify_blocks"],
            )  # fmt: skip
        return World(Report(), files)

    def settle(self, world: World) -> None:
        if world.files is not None:
            world.files.settle()

    def look_aside(self, source: ObjectsSource, report: Report) -> None:
        nobodys = source.all(
            "SELECT DISTINCT owner FROM groups"  # noqa: S608  constants of ours
            f" WHERE owner NOT IN (SELECT a.path FROM {ACCOUNTS}) ORDER BY owner"
        )
        for row in nobodys:
            report.note("groups of somebody who has no account: left behind", row["owner"])
        waiting = source.count("SELECT serial FROM qh_serials")
        if waiting:
            report.note(
                "commissions to be accepted: run reconcile-commissions-pithos there", f"{waiting} rows"
            )

    def end(self, caller: Caller, source: ObjectsSource, world: World) -> None:
        with atomic():
            if self.close():
                audit.record(caller, "legacy.import", "legacy pithos", source.release, rows=self.counts())
