"""``flavor-create``"""

from __future__ import annotations

import argparse
import itertools
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import flag_option
from synnefo.common.faults import Conflict
from synnefo.cyclades.flavors import rules


def sizes(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a comma-separated list of numbers") from None


class Command(Base):
    help = (
        "Make flavors: every combination of the processors, RAM (MiB) and disk sizes (GiB) given, as in "
        "`flavor-create 1,2 512,1024 10`. One that exists is left as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("cpu", type=sizes, help="processors, comma-separated")
        parser.add_argument("ram", type=sizes, help="RAM in MiB, comma-separated")
        parser.add_argument("disk", type=sizes, help="disk in GiB, comma-separated")
        parser.add_argument("volume_type", nargs="?", default="local", help="kind of disks (default: local)")
        parser.add_argument("-n", "--dry-run", action="store_true", help="only print what would be made")
        flag_option(parser, "--public", "whether everybody sees them (default: yes)")

    def handle(self, *args: Any, **options: Any) -> None:
        for cpu, ram, disk in itertools.product(options["cpu"], options["ram"], options["disk"]):
            name = f"C{cpu}R{ram}D{disk}{options['volume_type']}"
            if options["dry_run"]:
                self.say(f"would make {name}")
                continue
            try:
                flavor = rules.create(
                    self.caller, cpu=cpu, ram=ram, disk=disk, volume_type=options["volume_type"]
                )
            except Conflict as fault:
                self.say(fault.message)
                continue
            if options["public"] is False:
                rules.modify(self.caller, flavor.pk, public=False)
            self.stdout.write(f"{flavor.pk} {flavor.name}")
