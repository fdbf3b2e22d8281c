"""``volume-type-create``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import flag_option
from synnefo.cyclades.volume_types import rules
from synnefo.cyclades.volume_types.commands.options import pairs


class Command(Base):
    help = "Make a volume type: a name for a kind of disks (local, drbd, ext_archipelago ...) of engines."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="its name")
        parser.add_argument("--disk-template", required=True, help="the engine's name for such disks")
        parser.add_argument("--description", default="", help="what is said of it")
        parser.add_argument(
            "--specs", type=pairs, default={}, help="KEY=VALUE,...; engines read some of them"
        )
        flag_option(parser, "--public", "whether everybody may use it (default: yes)")

    def handle(self, *args: Any, **options: Any) -> None:
        made = rules.create(
            self.caller,
            name=options["name"],
            disk_template=options["disk_template"],
            description=options["description"],
            public=options["public"] is not False,
            specs=options["specs"],
        )
        self.stdout.write(f"{made.pk} {made.name}")
