"""``authpolicy-add``"""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.methods import profiles
from synnefo.common.commands import Command as Base

_POLICIES = {
    "add": "whether it may be added to an account",
    "remove": "whether it may be removed from one",
    "create": "whether accounts may be made with it",
    "login": "whether one may sign in by it",
    "limit": "how many identities of it an account may have",
    "required": "whether everybody must have it",
    "automoderate": "whether accounts made with it are accepted at once",
    "switch": "whether its identity may be replaced by another",
}
_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


class Command(Base):
    help = "Make a profile of what some users may do with a way to sign in, or of all ways but one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("provider", help="local, ldap, shibboleth, oidc, google, linkedin or twitter")
        parser.add_argument("--update", action="store_true", help="change the profile of that name")
        parser.add_argument(
            "--exclusive", action="store_true", help="it speaks of every provider but this one"
        )
        parser.add_argument("--priority", type=int, help="of several the highest counts (default: 1)")
        for name, text in _POLICIES.items():
            opinion = parser.add_mutually_exclusive_group()
            kind = (int, "NUMBER") if name == "limit" else (_boolean, "yes|no")
            opinion.add_argument(f"--{name}-policy", type=kind[0], metavar=kind[1], help=text)
            opinion.add_argument(f"--unset-{name}-policy", action="store_true", help="no opinion on that")

    def handle(self, *args: Any, **options: Any) -> None:
        opinions: dict[str, bool | int | None] = {
            name: options[f"{name}_policy"]
            for name in _POLICIES
            if options[f"{name}_policy"] is not None or options[f"unset_{name}_policy"]
        }
        row = profiles.add(
            self.caller,
            options["name"],
            options["provider"],
            opinions,
            is_exclusive=options["exclusive"],
            priority=options["priority"],
            update=options["update"],
        )
        self.say(f"policy profile {row.name} is number {row.pk}")


def _boolean(text: str) -> bool:
    if text.lower() not in _WORDS:
        raise argparse.ArgumentTypeError(f"{text!r} is neither yes nor no")
    return _WORDS[text.lower()]
