"""``token-add``"""

from __future__ import annotations

import datetime
from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.accounts import rules, tokens
from synnefo.common.commands import Command as Base
from synnefo.common.commands import positive

_MOST_HOURS = 100 * 365 * 24


class Command(Base):
    help = "Make a token for a user's programs and print it, this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="uuid, number or e-mail")
        parser.add_argument("--name", default="", help="what it is for")
        parser.add_argument(
            "--hours", type=positive, help="how long it works (default: ASTAKOS_TOKEN_DURATION_H)"
        )
        parser.add_argument("--read-only", action="store_true", help="it changes nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        hours = options["hours"]
        token, row = tokens.create_api_token(
            self.caller,
            rules.find(options["user"]),
            options["name"],
            lifetime=datetime.timedelta(hours=min(hours, _MOST_HOURS)) if hours else None,
            read_only=options["read_only"],
        )
        self.say(f"The token works until {row.expires:%Y-%m-%d %H:%M} UTC; it is not shown again:")
        self.stdout.write(token)
