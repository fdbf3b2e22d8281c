"""``authpolicy-set``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.methods import profiles
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Say for which users and groups a policy profile is; it is for nobody else then."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--user", action="append", default=[], metavar="ID", help="uuid, number or e-mail"
        )
        parser.add_argument("--group", action="append", default=[], metavar="ID", help="number or name")

    def handle(self, *args: Any, **options: Any) -> None:
        row = profiles.get(options["name"])
        users = [accounts.find(text) for text in options["user"]]
        groups = [profiles.group(text) for text in options["group"]]
        profiles.assign(self.caller, row, users, groups)
        self.say(f"policy profile {row.name} is for {len(users)} users and {len(groups)} groups")
