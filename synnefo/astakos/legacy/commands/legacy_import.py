"""``legacy-import``"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.legacy import rules
from synnefo.astakos.legacy.source import Source, opened
from synnefo.astakos.legacy.steps import Report
from synnefo.common.commands import FormattedCommand, print_table
from synnefo.common.faults import Conflict


class Command(FormattedCommand):
    help = (
        "Take over accounts, projects and quota from the database of a Synnefo 0.19, 0.20 or 0.21, which is"
        " only read. It is done once, in an empty cloud; an import that was cut off goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--astakos-db", required=True, metavar="URL",
            help="the old one, postgresql://USER@HOST/NAME; the password may be in PGPASSWORD or ~/.pgpass",
        )  # fmt: skip
        parser.add_argument(
            "--dry-run", action="store_true", help="only say what would come, and what is to be looked at"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with opened(options["astakos_db"]) as source:
            if rules.is_done(source):
                self.say("This database was imported already; nothing was changed.")
                return
            report = rules.look_through(source)
            self._print(source, report, options["output_format"])
            if report.obstacles:
                raise Conflict("The import cannot be done as things are; nothing was changed.")
            if options["dry_run"]:
                self.say("Nothing was changed.")
                return
            rules.run(self.caller, source, self.say)
            self.say("All is here.")

    def _print(self, source: Source, report: Report, style: str) -> None:
        if style == "json":
            about = {"release": source.release, "counts": report.counts, "notes": report.notes,
                     "obstacles": report.obstacles}  # fmt: skip
            self.stdout.write(json.dumps(about, indent=2))
            return
        counts = [(name, str(rows)) for name, rows in report.counts.items()]
        print_table(("what", "rows"), counts, style, self.stdout)
        for kind, kept in (("Obstacle", report.obstacles), ("Note", report.notes)):
            for what, examples in kept.items():
                self.stdout.write(f"\n{kind}, {report.found[what]} times: {what}")
                for example in examples:
                    self.stdout.write(f"  {example}")
