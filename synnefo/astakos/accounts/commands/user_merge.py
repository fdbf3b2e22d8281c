"""``user-merge``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.accounts import merging, rules
from synnefo.common.commands import Command as Base


class Command(Base):
    help = (
        "Merge an account into another one of the same person: projects, memberships, groups and ways to "
        "sign in are moved, and the first account is removed. What it uses in other services must be gone "
        "before."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="the account that is removed: uuid, number or e-mail")
        parser.add_argument("target", help="the account that stays")
        parser.add_argument("-f", "--no-confirm", action="store_true", help="merge without asking")

    def handle(self, *args: Any, **options: Any) -> None:
        source, target = rules.find(options["source"]), rules.find(options["target"])
        if not options["no_confirm"]:
            self.confirm(
                f"Merge {source.email} ({source.uuid}) into {target.email} ({target.uuid}), and remove it? "
                "Its tokens and application credentials end."
            )
        row = merging.merge(self.caller, source, target)
        self.say(f"{row.email} ({row.uuid}) has what {source.uuid} had.")
