"""``enforce-resources-cyclades``"""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import FormattedCommand, positive, print_table
from synnefo.common.faults import Conflict, Fault
from synnefo.cyclades.commanding import user_uuid, wait_for
from synnefo.cyclades.networks.models import IPAddress
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.upkeep import enforcing
from synnefo.cyclades.upkeep.enforcing import Action, Plan, Violation, Wish

_LOOK_AGAIN_S = 0.5
_LONGEST_WAIT_S = 100


class Command(FormattedCommand):
    help = (
        "Find where more is used than may be, and end that with --fix: release addresses, stop or delete"
        " servers, delete disks. Only resources that are named are looked at; pools of projects come before"
        " users' shares."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--resources", default="", metavar="NAME,...", help="which to look at")
        parser.add_argument(
            "--soft-resources", default="", metavar="NAME,...",
            help="which to look at, and only to stop or detach what exceeds them; nothing is deleted",
        )  # fmt: skip
        parser.add_argument("--list-resources", action="store_true", help="print the names that there are")
        parser.add_argument("--users", default="", metavar="UUID|EMAIL,...", help="only these users' shares")
        parser.add_argument("--exclude-users", default="", metavar="UUID|EMAIL,...")
        parser.add_argument("--projects", default="", metavar="UUID,...", help="only what these pay for")
        parser.add_argument("--exclude-projects", default="", metavar="UUID,...")
        parser.add_argument(
            "--remove-system-volumes", action="store_true",
            help="where disks are too many, servers may go, with the disk that they boot from",
        )  # fmt: skip
        parser.add_argument(
            "--cascade-remove", action="store_true", help="also those that have more disks than that"
        )
        parser.add_argument("--max-operations", type=positive, metavar="N", help="do no more than so much")
        parser.add_argument("--fix", action="store_true", help="do it, not only say it")
        parser.add_argument("--force", action="store_true", help="do not ask before something is deleted")
        parser.add_argument(
            "--shutdown-timeout", type=positive, metavar="S",
            help="taken for older scripts' sake: guests get what CYCLADES_SHUTDOWN_TIMEOUT_S says",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list_resources"]:
            names = [(name, "yes" if name in enforcing.SOFT else "no") for name in enforcing.RESOURCES]
            print_table(("resource", "soft"), names, options["output_format"], self.stdout)
            return
        plan = Plan(_wish(options))
        if not plan.violations:
            self.say("Nothing is beyond its limit.")
            return
        self._print_violations(plan.violations, options["output_format"])
        actions = plan.actions[: options["max_operations"]]
        if options["fix"] and not options["force"] and any(one.destroys for one in actions):
            self.confirm(f"Do this? {sum(one.destroys for one in actions)} things will be deleted.")
        results = [self._carry_out(one) if options["fix"] else "" for one in actions]
        rows = [
            [one.noun, str(one.row.pk), str(one.row), one.verb, result]
            for one, result in zip(actions, results, strict=True)
        ]
        print_table(("type", "id", "name", "action", "result"), rows, options["output_format"], self.stdout)

    def _print_violations(self, found: list[Violation], style: str) -> None:
        """As words where the table of actions is for programs."""
        names = ("resource", "holder", "source", "usage", "limit", "unresolved")
        rows = [
            [one.resource, one.holder, one.source or "-", str(one.usage), str(one.limit), str(one.unresolved)]
            for one in found
        ]
        print_table(names, rows, style, self.stdout if style == "pretty" else self.stderr)
        if any(one.unresolved for one in found):
            self.say("Some stay beyond: look at --remove-system-volumes, --cascade-remove, --resources.")

    def _carry_out(self, action: Action) -> str:
        try:
            enforcing.carry_out(self.caller, action)
            if action.noun == "floating IP" and action.destroys:
                self._released(action)
        except (Fault, CommandError) as fault:
            self.say(f"{action.noun} {action.row.pk}: {fault}")
            return "FAILED"
        return "DONE"

    def _released(self, action: Action) -> None:
        """A card with the address must go first. Raises Conflict if it does not."""
        end = time.monotonic() + _LONGEST_WAIT_S
        while (row := IPAddress.objects.filter(pk=action.row.pk).select_related("port").first()) is not None:
            if row.port is not None and row.port.server_id is not None:
                wait_for(Server.TARGET, row.port.server_id)
            if time.monotonic() > end:
                raise Conflict("The card with it does not go.")
            if IPAddress.objects.filter(pk=row.pk, port=None).exists():
                enforcing.carry_out(self.caller, action)
            else:
                time.sleep(_LOOK_AGAIN_S)


def _wish(options: dict[str, Any]) -> Wish:
    soft = _words(options["soft_resources"])
    wanted = [*_words(options["resources"]), *soft]
    unknown = [name for name in wanted if name not in enforcing.RESOURCES]
    unknown += [name for name in soft if name not in enforcing.SOFT]
    if unknown or not wanted:
        raise CommandError(
            f"no such resource: {', '.join(unknown)}" if unknown else "name --resources; see --list-resources"
        )
    users = [user_uuid(text) for text in _words(options["users"])]
    return Wish(
        resources=wanted,
        soft=soft,
        users=users or None,
        exclude_users=[user_uuid(text) for text in _words(options["exclude_users"])],
        projects=_words(options["projects"]) or None,
        exclude_projects=_words(options["exclude_projects"]),
        system_volumes=options["remove_system_volumes"],
        cascade=options["cascade_remove"],
    )


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
