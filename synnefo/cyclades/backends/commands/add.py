"""``backend-add``"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.backends import registry, rules
from synnefo.cyclades.backends.base import BackendError
from synnefo.cyclades.backends.models import Backend


class Command(Base):
    help = "Make an engine known: this machine, or a Ganeti cluster. It must answer first, unless --no-check."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--kind", choices=Backend.Kind.values, default=Backend.Kind.GANETI)
        parser.add_argument("--url", help="of a cluster's RAPI, as in https://master.example.org:5080")
        parser.add_argument("--user", help="of RAPI, with the right to write")
        parser.add_argument("--pass", dest="password", help="of that user")
        parser.add_argument(
            "--option", action="append", default=[], metavar="KEY=VALUE",
            help="another option of the engine (see the documentation); the value is JSON or text",
        )  # fmt: skip
        parser.add_argument("--no-check", action="store_true", help="do not ask whether it answers")

    def handle(self, *args: Any, **options: Any) -> None:
        given = {"url": options["url"], "username": options["user"], "password": options["password"]}
        known = {name: value for name, value in given.items() if value is not None}
        known.update(self._option(text) for text in options["option"])
        if not options["no_check"]:
            self._check(Backend(name=options["name"], kind=options["kind"], options=known))
        row = rules.add(self.caller, options["name"], options["kind"], known)
        self.stdout.write(f"{row.pk} {row.name}")

    def _option(self, text: str) -> tuple[str, Any]:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise CommandError(f"{text!r}: write KEY=VALUE")
        try:
            return key, json.loads(value)
        except ValueError:
            return key, value

    def _check(self, row: Backend) -> None:
        try:
            engine = registry.build(row)
            engine.ensure()
            engine.close()
        except (BackendError, TypeError) as error:
            raise CommandError(f"{row.name}: {error}") from None
