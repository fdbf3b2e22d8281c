"""``token-add``"""

from __future__ import annotations

import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.astakos.accounts import rules, tokens
from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.models import Project
from synnefo.common.accounts import SERVICES
from synnefo.common.commands import Command as Base
from synnefo.common.commands import positive
from synnefo.common.ids import parse_uuid

_MOST_HOURS = 100 * 365 * 24


class Command(Base):
    help = "Make a token for a user's programs and print it, this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="uuid, number or e-mail")
        parser.add_argument("--name", default="", help="what it is for")
        lifetime = parser.add_mutually_exclusive_group()
        lifetime.add_argument(
            "--hours", type=positive, help="how long it works (default: ASTAKOS_TOKEN_DURATION_H)"
        )
        lifetime.add_argument("--forever", action="store_true", help="it works until it is revoked")
        parser.add_argument("--project", metavar="UUID", help="works in this project alone (default: in all)")
        parser.add_argument(
            "--service", action="append", choices=SERVICES, dest="services", default=[],
            help="it is for this service alone; may be repeated (default: for all)",
        )  # fmt: skip
        parser.add_argument("--read-only", action="store_true", help="it changes nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        user, hours = rules.find(options["user"]), options["hours"]
        lifetime = datetime.timedelta(hours=min(hours, _MOST_HOURS)) if hours else None
        token, row = tokens.create_api_token(
            self.caller,
            user,
            options["name"],
            lifetime=tokens.FOREVER if options["forever"] else lifetime,
            project=_project(user, options["project"]),
            services=options["services"],
            read_only=options["read_only"],
        )
        ends = "it is revoked" if row.expires == tokens.NEVER else f"{row.expires:%Y-%m-%d %H:%M} UTC"
        self.say(f"The token works until {ends}; it is not shown again:")
        self.stdout.write(token)


def _project(user: User, uuid: str | None) -> Project | None:
    """One of the user's projects. Raises CommandError."""
    if uuid is None:
        return None
    found = projects.projects_of(user).filter(uuid=parse_uuid(uuid)).first()
    if found is None:
        raise CommandError(f"{user.username} is no member of a project {uuid}")
    return found
