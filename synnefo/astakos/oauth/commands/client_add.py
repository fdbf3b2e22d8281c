"""``oauth2-client-add``"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from synnefo.astakos.accounts.commands import passwords
from synnefo.astakos.oauth import rules
from synnefo.astakos.oauth.adapter import SCOPES
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Make a program known that signs people in by their accounts here; prints the secret made for it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("identifier")
        parser.add_argument(
            "--secret", help='its secret; "-" reads it from standard input (default: one is made)'
        )
        parser.add_argument("--is-trusted", action="store_true", help="nobody is asked whether he consents")
        parser.add_argument(
            "--type", choices=("confidential", "public"), default="confidential",
            help="public: it runs where it cannot keep a secret",
        )  # fmt: skip
        parser.add_argument(
            "--url",
            action="append",
            default=[],
            dest="urls",
            help="where people come back to; may be repeated",
        )
        parser.add_argument(
            "--name", default="", help="what people are told that it is (default: IDENTIFIER)"
        )
        parser.add_argument(
            "--scope", action="append", choices=tuple(SCOPES), dest="scopes",
            help="what it may ask for; may be repeated (default: openid, profile, email)",
        )  # fmt: skip
        parser.add_argument(
            "--grant", action="append", choices=rules.GRANTS, dest="grants",
            help="how it gets tokens; may be repeated (default: authorization_code, refresh_token)",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        longest = settings.OAUTH2_MAXIMUM_ALLOWED_REDIRECT_URI_LENGTH
        for url in options["urls"]:
            if len(url) > longest:
                self.say(f"passed over, as it has more than {longest} characters: {url[:60]}...")
        given = passwords.given(options["secret"])
        lists = {name: options[name] for name in ("scopes", "grants") if options[name]}
        _, secret = rules.add_client(
            self.caller,
            options["identifier"],
            urls=[url for url in options["urls"] if len(url) <= longest],
            secret=given or "",
            name=options["name"],
            confidential=options["type"] == "confidential",
            trusted=options["is_trusted"],
            **lists,
        )
        if secret and not given:
            self.say("The secret; it is not shown again:")
            self.stdout.write(secret)
