"""``server-modify``"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.caller import Caller
from synnefo.common.commands import Command as Base
from synnefo.common.commands import flag_option
from synnefo.cyclades.commanding import acting_as, number_of, wait_for, wait_option
from synnefo.cyclades.flavors import rules as flavors
from synnefo.cyclades.servers import life, rules, sharing, sizes, systems, tags
from synnefo.cyclades.servers.models import Server

_ACTIONS: dict[str, Callable[[Caller, str], object]] = {
    "start": rules.start,
    "stop": rules.stop,
    "reboot_hard": lambda caller, uuid: rules.reboot(caller, uuid, hard=True),
    "reboot_soft": lambda caller, uuid: rules.reboot(caller, uuid, hard=False),
    "rescue": lambda caller, uuid: systems.rescue(caller, uuid, run=False),
    "unrescue": lambda caller, uuid: systems.unrescue(caller, uuid, run=False),
}


class Command(Base):
    help = (
        "Change a server: its name, owner, flavor (while it is stopped), tags; suspend it, so that its owner"
        " can do nothing with it; or start, stop, reboot, rescue it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("server_id", help="number, or name on the engine (snf-42)")
        parser.add_argument("--name")
        parser.add_argument(
            "--user",
            metavar="UUID|EMAIL",
            help="a new owner, in whose system project it is charged from now on",
        )
        flag_option(parser, "--suspended", "whether its owner is kept from it")
        parser.add_argument("--flavor", metavar="ID")
        parser.add_argument("--action", choices=sorted(_ACTIONS))
        parser.add_argument("--tag-add", action="append", default=[], metavar="TAG")
        parser.add_argument("--tag-delete", action="append", default=[], metavar="TAG")
        parser.add_argument("--tag-delete-all", action="store_true")
        parser.add_argument("--tag-replace-all", metavar="TAG,...", help="these and no others")
        parser.add_argument(
            "--tag-namespace", choices=("user", "system"), default="user",
            help="whose tags: those that the owner sees, or the operators' own (default: user)",
        )  # fmt: skip
        wait_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        server = rules.find(self.caller, number_of(options["server_id"]))
        if server.deleted:
            raise CommandError(f"server {server.pk} is deleted")
        self._describe(server, options)
        self._tag(server, options)
        for change in self._changes(server, options):
            change()
            if options["wait"]:
                wait_for(Server.TARGET, server.pk)

    def _describe(self, server: Server, options: dict[str, Any]) -> None:
        if options["name"] is not None:
            rules.rename(self.caller, server.uuid, options["name"])
        if options["suspended"] is not None:
            (life.ban if options["suspended"] else life.unban)(self.caller, server.uuid)
        if options["user"] is not None:
            owner = acting_as(options["user"]).user
            sharing.change_owner(self.caller, server.uuid, owner, owner)

    def _tag(self, server: Server, options: dict[str, Any]) -> None:
        namespace = options["tag_namespace"]
        if options["tag_delete_all"]:
            tags.remove(self.caller, server, namespace=namespace)
        if options["tag_replace_all"] is not None:
            wanted = [tag for tag in options["tag_replace_all"].split(",") if tag]
            tags.replace(self.caller, server, wanted, namespace=namespace)
        for tag in options["tag_delete"]:
            tags.remove(self.caller, server, tag, namespace=namespace)
        for tag in options["tag_add"]:
            tags.add(self.caller, server, tag, namespace=namespace)

    def _changes(self, server: Server, options: dict[str, Any]) -> list[Callable[[], object]]:
        """What an engine is asked for, one after the other."""
        changes: list[Callable[[], object]] = []
        if options["flavor"] is not None:
            flavor = flavors.find(self.caller, number_of(options["flavor"]))
            changes.append(lambda: sizes.resize(self.caller, server.uuid, flavor.uuid, confirm=False))
        if options["action"] is not None:
            changes.append(lambda: _ACTIONS[options["action"]](self.caller, server.uuid))
        return changes
