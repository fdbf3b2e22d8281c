"""``user-set-initial-quota``"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.astakos.quotas import base_quota
from synnefo.astakos.quotas.base_quota import Change
from synnefo.astakos.quotas.commands.showing import amounts
from synnefo.common.commands import FormattedCommand, print_table, unit_style_option


def _changes_of(path: str) -> list[Change]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: {error}") from None
    return base_quota.read(text.splitlines())


class Command(FormattedCommand):
    help = "Set limits of users' system projects: one, or all of a file that lists USER RESOURCE CAPACITY."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", nargs="?", help="lines of USER RESOURCE CAPACITY with single spaces")
        parser.add_argument("--from-file", metavar="FILE", help="the same")
        parser.add_argument(
            "--set-capacity", nargs=3, metavar=("USER", "RESOURCE", "CAPACITY"),
            help="one user's; CAPACITY is an amount, as 20GiB, or default",
        )  # fmt: skip
        parser.add_argument("-f", "--force", action="store_true", help="do not ask")
        unit_style_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        given = [name for name in ("file", "from_file", "set_capacity") if options[name]]
        if len(given) != 1:
            raise CommandError("give a file, or --set-capacity; see --help")
        path, words = options["file"] or options["from_file"], options["set_capacity"]
        self._set(_changes_of(path) if path else [base_quota.change(*words)], options)

    def _set(self, changes: Sequence[Change], options: Mapping[str, Any]) -> None:
        """Show what changes, ask, and do it."""
        show = amounts(options["unit_style"])
        rows = [
            [one.project.uuid, one.resource]
            + ["-" if amount is None else show(one.resource, amount) for amount in (one.old, one.new)]
            for one in changes
        ]
        print_table(("user", "resource", "old", "new"), rows, options["output_format"], self.stdout)
        if changes and not options["force"]:
            self.confirm("Set these limits?")
        self.say(f"changed {base_quota.apply(self.caller, changes)} system projects")
