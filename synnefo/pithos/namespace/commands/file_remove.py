"""``file-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from synnefo.common.commands import Command as Base
from synnefo.pithos.namespace import objects, operating
from synnefo.pithos.namespace.names import Path


class Command(Base):
    help = "Remove an object; with --history also all that it ever was, for good."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="uuid of the user or project whose it is")
        parser.add_argument("container", help="its container")
        parser.add_argument("object", help="its name")
        parser.add_argument("--history", action="store_true", help="also its old versions, for good")
        parser.add_argument("-f", "--force", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        account = operating.find(options["account"])
        owner = operating.as_owner(self.caller, account)
        path = Path(account.name, options["container"], options["object"])
        if options["history"]:
            objects.versions(owner, path)
        else:
            objects.get(owner, path)
        if not options["force"]:
            self.confirm(f"Remove {path}?")
        if options["history"]:
            objects.purge(owner, path, timezone.now())
        else:
            objects.delete(owner, path)
        self.say(f"removed {path}")
