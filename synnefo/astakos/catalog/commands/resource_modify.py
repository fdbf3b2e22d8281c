"""``resource-modify``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.astakos.catalog import rules
from synnefo.common.commands import Command as Base
from synnefo.common.commands import amount, flag_option, unit_style_option
from synnefo.common.units import show_amount

_CHANGES = ("system_default", "project_default", "api_visible", "ui_visible")


class Command(Base):
    help = "Change the limits that new projects get of a resource, or who is shown it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--system-default", "--default-quota", type=amount, metavar="LIMIT",
            help="of new users' system projects (--default-quota: the same, as Synnefo 0.15 called it)",
        )  # fmt: skip
        parser.add_argument("--project-default", type=amount, metavar="LIMIT", help="of other new projects")
        unit_style_option(parser)
        flag_option(parser, "--api-visible", "whether the APIs show it; no: pages neither")
        flag_option(parser, "--ui-visible", "whether pages show it; yes: the APIs, too")

    def handle(self, *args: Any, **options: Any) -> None:
        changes = {name: options[name] for name in _CHANGES}
        if all(value is None for value in changes.values()):
            raise CommandError("nothing to change; see --help")
        row = rules.modify_resource(self.caller, options["name"], **changes)
        style = options["unit_style"]
        limits = [show_amount(limit, row.unit, style) for limit in (row.system_default, row.project_default)]
        self.say(f"{row.name}: system default {limits[0]}, project default {limits[1]}")
