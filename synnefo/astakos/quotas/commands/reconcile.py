"""``reconcile-resources-astakos``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.quotas import reconciling
from synnefo.common.commands import FormattedCommand, print_table


class Command(FormattedCommand):
    help = "Compare how many applications wait with what is charged for them, and mend that with --fix."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--user", metavar="UUID", help="only this applicant's")
        parser.add_argument("--project", metavar="UUID", help="only what is charged to this project")
        parser.add_argument("--fix", action="store_true", help="charge what waits")
        parser.add_argument("--force", action="store_true", help="even above the limit")

    def handle(self, *args: Any, **options: Any) -> None:
        found = reconciling.differences(user=options["user"], project=options["project"])
        names = ("user", "project", "resource", "waiting", "charged", "state")
        rows = [
            [one.uuid, one.uuid, reconciling.RESOURCE, str(one.counted), str(one.charged), one.state]
            for one in found
        ]
        print_table(names, rows, options["output_format"], self.stdout)
        if options["fix"]:
            mended = reconciling.mend(found, force=options["force"])
            self.say(f"mended {mended} of {len(found)}")
