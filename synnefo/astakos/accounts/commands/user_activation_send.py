"""``user-activation-send``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.accounts import rules, signup
from synnefo.common.commands import Command as Base
from synnefo.common.transactions import atomic


class Command(Base):
    help = "Mail accounts once more the link by which they confirm their e-mail."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("users", nargs="+", metavar="user", help="uuid, number or e-mail")

    def handle(self, *args: Any, **options: Any) -> None:
        with atomic():
            for user in [rules.find(text) for text in options["users"]]:
                signup.send_verification(self.caller, user)
                self.say(f"A mail to {user.email} is on its way.")
