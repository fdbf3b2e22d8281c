"""``pithos-migrate``: 0.21's command for the tables of Pithos, in words of Django's ``migrate``."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from synnefo.common.commands import Command as Base

_APP = "pithos"
_HEAD = "head"


class Command(Base):
    help = "Bring the tables of the object store up to date: migrate, by the names that it had."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        verbs.add_parser("current", help="print the last migration that the database has")
        verbs.add_parser("heads", help="print the last migration that there is")
        for name, text in (("upgrade", "carry out what is missing"), ("stamp", "only note that it was done")):
            verb = verbs.add_parser(name, help=text)
            verb.add_argument("revision", help="head, or the name of a migration")
        verbs.add_parser("initdb", help="make all tables of this cloud")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = options["verb"]
        if verb == "initdb":
            call_command("migrate", stdout=self.stdout, stderr=self.stderr)
        elif verb in ("current", "heads"):
            self.stdout.write(self._current() if verb == "current" else _head())
        else:
            wanted = [] if options["revision"] == _HEAD else [options["revision"]]
            if not set(wanted) <= set(_known()):
                raise CommandError(f"there is no migration {options['revision']!r}; see heads")
            call_command(
                "migrate", _APP, *wanted, fake=verb == "stamp", stdout=self.stdout, stderr=self.stderr
            )

    def _current(self) -> str:
        """With a remark if it is the last one; empty for a database without tables."""
        applied = MigrationLoader(connection).applied_migrations
        last = max((name for app, name in applied if app == _APP), default="")
        return f"{last} (head)" if last and last == _head() else last


def _known() -> list[str]:
    return sorted(name for app, name in MigrationLoader(None).graph.nodes if app == _APP)


def _head() -> str:
    return _known()[-1]
