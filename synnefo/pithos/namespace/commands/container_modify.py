"""``container-modify``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import amount
from synnefo.pithos.namespace import containers, operating
from synnefo.pithos.namespace.models import Container


class Command(Base):
    help = "Change the policies of a container."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="uuid of the user or project whose it is")
        parser.add_argument("container", help="its name")
        parser.add_argument("--quota", type=amount, metavar="BYTES", help="most that it holds; 0: no limit")
        parser.add_argument(
            "--versioning", choices=Container.Versioning.values, help="auto keeps old versions"
        )
        parser.add_argument("--project", metavar="UUID", help="charge this project for what is in it")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = {name: options[name] for name in ("quota", "versioning", "project")}
        policy = {name: str(value) for name, value in wanted.items() if value is not None}
        if not policy:
            raise CommandError("nothing to change: give --quota, --versioning or --project")
        account = operating.find(options["account"])
        owner = operating.as_owner(self.caller, account, also_in=policy.get("project"))
        containers.update(owner, account.name, options["container"], attributes={}, policy=policy, merge=True)
        self.say(f"changed {account.name}/{options['container']}")
