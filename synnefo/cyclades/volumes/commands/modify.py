"""``volume-modify``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import flag_option
from synnefo.cyclades.commanding import acting_as
from synnefo.cyclades.volumes import owners, rules
from synnefo.cyclades.volumes.commands.common import volume_of, volume_option


class Command(Base):
    help = "Change a volume's name, description or owner, or whether it goes with its server."

    def add_arguments(self, parser: CommandParser) -> None:
        volume_option(parser)
        parser.add_argument("--name", help="its new name")
        parser.add_argument("--description", help="its new description")
        parser.add_argument("--user", metavar="UUID|EMAIL", help="whose it becomes, if no server has it")
        flag_option(parser, "--delete-on-termination", "whether it goes with its server")

    def handle(self, *args: Any, **options: Any) -> None:
        volume = volume_of(options["volume_id"])
        names = ("name", "description", "delete_on_termination")
        changes = {name: options[name] for name in names if options[name] is not None}
        if not changes and not options["user"]:
            raise CommandError("nothing to change: see --help")
        if options["user"]:
            if volume.server_id is not None:
                raise CommandError("a server has it: server-modify --user takes its volumes along")
            owner = acting_as(options["user"], None)
            owners.change_owner(self.caller, volume.uuid, owner.user, owner.project)
        if changes:
            rules.describe(self.caller, volume.uuid, **changes)
