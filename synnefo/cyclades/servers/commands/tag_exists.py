"""``server-tag-exists``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.commanding import number_of
from synnefo.cyclades.servers import rules


class Command(Base):
    help = "Say whether a server has a tag: prints its status, or ends with status 1."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("server_id", help="number, or name on the engine (snf-42)")
        parser.add_argument("tag", help="as in blue; system:blue is the operators' own")

    def handle(self, *args: Any, **options: Any) -> None:
        server = rules.find(self.caller, number_of(options["server_id"]))
        first, colon, rest = options["tag"].partition(":")
        namespace, tag = (first, rest) if colon and first in ("user", "system") else ("user", options["tag"])
        found = server.tags.filter(namespace=namespace, tag=tag).first()
        if found is None:
            raise CommandError(f"server {server.pk} has no tag {tag}")
        self.stdout.write(found.status)
