"""``reconcile-commissions-…`` of all services: there is one outbox for all of a process."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from synnefo.common.commands import FormattedCommand, print_table
from synnefo.engine import charging


class Command(FormattedCommand):
    help = (
        "List commissions that nobody will decide any more, and what their changes say of them; --fix settles"
        " them. The dispatcher does it by itself, with those that are old enough not to be in flight."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--fix", action="store_true", help="accept what was carried out, reject the rest")

    def handle(self, *args: Any, **options: Any) -> None:
        accept, reject = charging.forgotten(issued_before=timezone.now())
        rows = [[str(one), "accept"] for one in accept] + [[str(one), "reject"] for one in reject]
        if not rows:
            self.say("No commission waits.")
            return
        print_table(("serial", "decision"), sorted(rows), options["output_format"], self.stdout)
        if options["fix"]:
            charging.settle(accept, reject)
            self.say(f"accepted: {len(accept)}, rejected: {len(reject)}")
