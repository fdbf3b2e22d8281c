"""``project-control``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.astakos.projects import applications, life, rules
from synnefo.common.commands import FormattedCommand, positive, print_table

_DECISIONS = {"approve": applications.approve, "deny": applications.deny}
_CHANGES = {
    "terminate": life.terminate,
    "suspend": life.suspend,
    "unsuspend": life.unsuspend,
    "reinstate": life.reinstate,
}


class Command(FormattedCommand):
    help = "Decide on an application, or change the state of a project."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        what = parser.add_mutually_exclusive_group(required=True)
        for name in _DECISIONS:
            what.add_argument(f"--{name}", type=positive, metavar="APPLICATION", help=f"{name} it")
        for name in _CHANGES:
            what.add_argument(f"--{name}", metavar="PROJECT", help=f"{name} it (uuid or number)")
        what.add_argument("--check-expired", action="store_true", help="list projects that ran out")
        what.add_argument("--terminate-expired", action="store_true", help="terminate them")
        parser.add_argument(
            "-m", "--message", metavar="TEXT", default="", help="why: it is logged and written to who is told"
        )
        parser.add_argument(
            "--reactivate",
            action="store_true",
            help="with --approve: let a project that is suspended or terminated run again",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        reason: str = options["message"]
        if options["reactivate"] and not options["approve"]:
            raise CommandError("--reactivate goes with --approve only")
        if options["check_expired"]:
            self._list_expired(options["output_format"])
        elif options["terminate_expired"]:
            for project in life.terminate_expired(self.caller, reason=reason or life.EXPIRED):
                self.say(f"terminated {project.uuid} ({project.realname})")
        elif options["approve"]:
            row = applications.approve(
                self.caller, options["approve"], reason=reason, reactivate=options["reactivate"]
            )
            self.say(f"approved application {row.pk} for {row.project.uuid} ({row.project.realname})")
        elif options["deny"]:
            row = applications.deny(self.caller, options["deny"], reason=reason)
            self.say(f"denied application {row.pk} for {row.project.uuid} ({row.project.realname})")
        else:
            self._change(options, reason)

    def _change(self, options: dict[str, Any], reason: str) -> None:
        action = next(name for name in _CHANGES if options[name])
        project = _CHANGES[action](self.caller, rules.find(options[action]).uuid, reason=reason)
        self.say(f"{project.uuid} ({project.realname}): {project.status}")

    def _list_expired(self, style: str) -> None:
        rows = [
            [row.uuid, row.realname, row.status, row.end_date.isoformat(" ", "seconds")]
            for row in life.expired()
        ]
        print_table(("Project", "Name", "Status", "Expiration date"), rows, style, self.stdout)
