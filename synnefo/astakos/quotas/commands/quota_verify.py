"""``quota-verify``"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.quotas import verifying
from synnefo.astakos.quotas.commands.showing import amounts
from synnefo.astakos.quotas.verifying import Difference
from synnefo.common.commands import FormattedCommand, print_table, unit_style_option

_NAMES = ("Holder", "Source", "Resource", "Astakos", "Quotaholder")


class Command(FormattedCommand):
    help = "Compare the limits that follow from projects with those that are kept, and mend them with --fix."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        unit_style_option(parser)
        parser.add_argument("--fix", action="store_true", help="keep the limits that follow from projects")
        parser.add_argument(
            "--include-unexpected-holdings",
            action="store_true",
            help="also what follows from no project or member; --fix removes it, with its usage",
        )

        parser.add_argument("--user", help="only this one's shares and system project: uuid or e-mail")

    def handle(self, *args: Any, **options: Any) -> None:
        user, unexpected = options["user"], options["include_unexpected_holdings"]
        found = list(verifying.differences(accounts.find(user).uuid if user else None))
        listed = [one for one in found if unexpected or one.derived is not None]
        print_table(_NAMES, self._rows(listed, options), options["output_format"], self.stdout)
        left = len(found) - len(listed)
        if left:
            self.say(f"{left} holdings follow from nothing; see --include-unexpected-holdings")
        if options["fix"]:
            changed = verifying.mend(self.caller, listed, remove_unexpected=unexpected)
            self.say(f"mended {changed} of {len(listed)}")

    def _rows(self, found: Sequence[Difference], options: dict[str, Any]) -> list[list[str]]:
        show = amounts(options["unit_style"])
        return [
            [one.key[0], one.key[1] or "-", one.key[2]]
            + ["-" if amount is None else show(one.key[2], amount) for amount in (one.derived, one.held)]
            for one in found
        ]
