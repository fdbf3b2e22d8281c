"""``astakos-quota``"""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import FormattedCommand, unit_style_option


class Command(FormattedCommand):
    help = "List, verify, sync or import quota, as scripts of Synnefo 0.13 do it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--list", action="store_true", help="quota-list, if nothing is said")
        what.add_argument("--verify", action="store_true", help="quota-verify")
        what.add_argument("--sync", action="store_true", help="quota-verify --fix")
        what.add_argument("--import-base-quota", metavar="FILE", help="user-set-initial-quota FILE")
        parser.add_argument("--user", help="only this one's: uuid, number or e-mail")
        parser.add_argument("-f", "--force", action="store_true", help="import without asking")
        unit_style_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user = options["user"]
        if options["import_base_quota"]:
            if user:
                raise CommandError("a file names its users itself")
            file, force = options["import_base_quota"], options["force"]
            self._call("user-set-initial-quota", options, from_file=file, force=force)
        elif options["verify"] or options["sync"]:
            self._call("quota-verify", options, user=user, fix=options["sync"])
        else:
            self._call("quota-list", options, filter_by=[f"user={user}"] if user else [])

    def _call(self, name: str, options: dict[str, Any], **more: Any) -> None:
        same = {key: options[key] for key in ("output_format", "unit_style")}
        call_command(name, **same, **more, stdout=self.stdout, stderr=self.stderr)
