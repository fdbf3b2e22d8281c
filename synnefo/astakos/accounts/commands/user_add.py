"""``user-add``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.accounts import rules
from synnefo.astakos.accounts.commands.passwords import generated, given, password_option
from synnefo.common.commands import Command as Base
from synnefo.common.transactions import atomic


class Command(Base):
    help = (
        "Make an account, neither verified nor accepted yet, and print its uuid; without --password one is "
        "generated and printed on the next line."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("first_name")
        parser.add_argument("last_name")
        password_option(parser)
        parser.add_argument("--admin", action="store_true", help="he may do everything")
        parser.add_argument(
            "-g", "--group", dest="groups", action="append", default=[], metavar="GROUP",
            help="put him into it; may be repeated",
        )  # fmt: skip
        parser.add_argument(
            "-p", "--permission", dest="permissions", action="append", default=[], metavar="PERMISSION",
            help="one of Django's, as astakos.change_user; may be repeated",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = given(options["password"])
        password = generated() if chosen is None else chosen
        with atomic():
            user = rules.create(
                self.caller, options["email"], options["first_name"], options["last_name"],
                password=password, admin=options["admin"],
            )  # fmt: skip
            for group in options["groups"]:
                rules.add_group(self.caller, user, group)
            for permission in options["permissions"]:
                rules.add_permission(self.caller, user, permission)
        self.stdout.write(user.uuid)
        if chosen is None:
            self.say("The generated password; it is not shown again:")
            self.stdout.write(password)
