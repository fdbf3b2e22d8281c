"""``reconcile-resources-pithos``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import FormattedCommand, print_table
from synnefo.pithos.namespace.history import RESOURCE
from synnefo.pithos.upkeep import reconciling

_NAMES = ("Type", "Holder", "Source", "Resource", "Database", "Quotaholder", "State")


class Command(FormattedCommand):
    help = "Compare what is stored with what is charged for it, and mend that with --fix."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--user", metavar="UUID", help="only this user's shares")
        parser.add_argument("--project", metavar="UUID", help="only this project's shares and pool")
        parser.add_argument("--fix", action="store_true", help="charge what is stored")
        parser.add_argument("--force", action="store_true", help="even above the limit")

    def handle(self, *args: Any, **options: Any) -> None:
        found = reconciling.differences(user=options["user"], project=options["project"])
        if not found:
            self.say("Everything in sync.")
            return
        rows = [[*_shown(one.key), RESOURCE, str(one.stored), str(one.charged), one.state] for one in found]
        print_table(_NAMES, rows, options["output_format"], self.stdout)
        if options["fix"]:
            left = reconciling.mend(found, force=options["force"])
            for one, why in left:
                self.say(f"{one.key[0]}: left as it is: {why}; --force goes beyond limits")
            self.say(f"mended {len(found) - len(left)} of {len(found)}")


def _shown(key: reconciling.Key) -> list[str]:
    """Type, holder and source without what they begin with."""
    (kind, _, holder), (_, _, source) = key[0].partition(":"), (key[1] or "").partition(":")
    return [kind, holder, source or "-"]
