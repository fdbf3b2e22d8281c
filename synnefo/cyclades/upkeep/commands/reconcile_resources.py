"""``reconcile-resources-cyclades``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import FormattedCommand, print_table
from synnefo.cyclades.commanding import user_uuid
from synnefo.cyclades.upkeep import holdings

_NAMES = ("Type", "Holder", "Source", "Resource", "Database", "Quotaholder", "State")


class Command(FormattedCommand):
    help = (
        "Compare servers, volumes, networks and floating IPs with what is charged for them, and mend that"
        " with --fix."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--user", metavar="UUID|EMAIL", help="only this user's shares")
        parser.add_argument("--project", metavar="UUID", help="only this project's shares and pool")
        parser.add_argument("--fix", action="store_true", help="charge what there is")
        parser.add_argument("--force", action="store_true", help="even above the limit")

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_uuid(options["user"]) if options["user"] else None
        found = holdings.differences(user=user, project=options["project"])
        if not found:
            self.say("Everything in sync.")
            return
        rows = [[*_shown(one.key), str(one.stored), str(one.charged), one.state] for one in found]
        print_table(_NAMES, rows, options["output_format"], self.stdout)
        if options["fix"]:
            left = holdings.mend(found, force=options["force"])
            for one, why in left:
                self.say(f"{one.key[0]} {one.key[2]}: left as it is: {why}; --force goes beyond limits")
            self.say(f"mended {len(found) - len(left)} of {len(found)}")


def _shown(key: holdings.Key) -> list[str]:
    """Type, holder, source (without what they begin with) and resource."""
    (kind, _, holder), (_, _, source) = key[0].partition(":"), (key[1] or "").partition(":")
    return [kind, holder, source or "-", key[2]]
