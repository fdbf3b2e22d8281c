"""``fix_ip_history``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.networks import owners


class Command(Base):
    help = (
        "Replay changes of servers' owners (lines of id|from|to|time, in UTC) into the history of addresses."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, help="one change a line: 42|UUID|UUID|2016-01-31 12:00:00.000000"
        )
        parser.add_argument(
            "--fix", action="store_true", help="write it; else only tell what would be written"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            text = options["file"].read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from None
        for line in owners.replay(owners.parse(text), fix=options["fix"]):
            self.stdout.write(line)
        if not options["fix"]:
            self.say("nothing was changed; write it with --fix")
