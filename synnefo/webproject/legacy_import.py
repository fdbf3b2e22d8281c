"""``legacy-import``: the old databases of all services that are here, in one command.

Each service knows its own; accounts come first, for everything else belongs to them.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils.module_loading import import_string

from synnefo.common.commands import FormattedCommand, print_table
from synnefo.common.faults import Conflict
from synnefo.common.legacy.importer import Importer
from synnefo.common.legacy.source import Source
from synnefo.common.legacy.steps import Report

_IMPORTERS = {
    "astakos": "synnefo.astakos.legacy.rules.AccountsImporter",
    "pithos": "synnefo.pithos.legacy.rules.ObjectsImporter",
    "cyclades": "synnefo.cyclades.legacy.rules.MachinesImporter",
}
Part = tuple[Importer[Any, Any], Source]


class Command(FormattedCommand):
    help = (
        "Take over what the databases of a Synnefo 0.19, 0.20 or 0.21 hold, which are only read: accounts,"
        " projects and quota (--astakos-db), objects (--pithos-db, --pithos-blocks). It is done once, in an"
        " empty cloud; an import that was cut off goes on."
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.importers: list[Importer[Any, Any]] = [
            import_string(path)() for name, path in _IMPORTERS.items() if name in settings.SYNNEFO_SERVICES
        ]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        for importer in self.importers:
            importer.add_arguments(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="only say what would come, and what is to be looked at"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with ExitStack() as stack:
            parts = self._opened(stack, options)
            waiting = [(importer, source) for importer, source in parts if not importer.is_done(source)]
            for importer, _ in parts:
                if importer not in [one for one, _ in waiting]:
                    self.say(f"{importer.service}: this database was imported already; nothing was changed.")
            if not waiting:
                return
            seen = self._look(waiting, options)
            if options["dry_run"]:
                self.say("Nothing was changed.")
                return
            for importer, source in waiting:
                found = importer.run(self.caller, source, options, self.say)
                new = {what: told for what, told in found.notes.items() if what not in seen}
                self._print_notes("Note", new, found)
            self.say("All is here.")

    def _opened(self, stack: ExitStack, options: dict[str, Any]) -> list[Part]:
        named = [(importer, importer.opened(options)) for importer in self.importers]
        parts = [(importer, stack.enter_context(source)) for importer, source in named if source is not None]
        if not parts:
            raise CommandError("name an old database: --astakos-db, --pithos-db, or both")
        return parts

    def _look(self, parts: list[Part], options: dict[str, Any]) -> set[str]:
        """Print what would come; returns what was noted. Raises Conflict if something is in its way."""
        found = [(importer, source, importer.look_through(source, options)) for importer, source in parts]
        if options["output_format"] == "json":
            self.stdout.write(
                json.dumps({one.service: _about(source, seen) for one, source, seen in found}, indent=2)
            )
        else:
            for _, _, report in found:
                self._print(report, options["output_format"])
        if any(report.obstacles for _, _, report in found):
            raise Conflict("The import cannot be done as things are; nothing was changed.")
        return {what for _, _, report in found for what in report.notes}

    def _print(self, report: Report, style: str) -> None:
        counts = [(name, str(rows)) for name, rows in report.counts.items()]
        print_table(("what", "rows"), counts, style, self.stdout)
        self._print_notes("Obstacle", report.obstacles, report)
        self._print_notes("Note", report.notes, report)

    def _print_notes(self, kind: str, kept: dict[str, list[str]], report: Report) -> None:
        for what, examples in kept.items():
            self.stdout.write(f"\n{kind}, {report.found[what]} times: {what}")
            for example in examples:
                self.stdout.write(f"  {example}")


def _about(source: Source, report: Report) -> dict[str, object]:
    return {
        "release": source.release,
        "counts": report.counts,
        "notes": report.notes,
        "obstacles": report.obstacles,
    }
