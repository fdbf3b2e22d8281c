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
from synnefo.cyclades.flavors.commands.specs import pairs

RAM_STEP = 4


def sizes(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a comma-separated list of numbers") from None


def ram_sizes(text: str) -> list[int]:
    """Sizes in MiB, rounded up to what engines give out."""
    return list(dict.fromkeys(-(-size // RAM_STEP) * RAM_STEP for size in sizes(text)))


def kinds(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


class Command(Base):
    help = (
        "Make flavors: every combination of the processors, RAM (MiB, rounded up to a multiple of 4), disk "
        "sizes (GiB) and volume types given, as in `flavor-create 1,2 512,1024 10 1`. One that exists is "
        "left as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("cpu", type=sizes, help="processors, comma-separated")
        parser.add_argument("ram", type=ram_sizes, help="RAM in MiB, comma-separated")
        parser.add_argument("disk", type=sizes, help="disk in GiB, comma-separated")
        parser.add_argument(
            "volume_type", nargs="?", type=kinds, default=["local"],
            help="volume types, comma-separated: ids or disk templates (default: local)",
        )  # fmt: skip
        parser.add_argument("-n", "--dry-run", action="store_true", help="only print what would be made")
        parser.add_argument("--specs", type=pairs, default={}, help="what is said of them: KEY=VALUE,...")
        flag_option(parser, "--public", "whether everybody sees them (default: yes)")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = [options[name] for name in ("cpu", "ram", "disk", "volume_type")]
        for cpu, ram, disk, kind in itertools.product(*wanted):
            if options["dry_run"]:
                self.stdout.write(f"C{cpu}R{ram}D{disk} of volume type {kind}")
            else:
                self._make(options, cpu=cpu, ram=ram, disk=disk, volume_type=kind)

    def _make(self, options: dict[str, Any], **sizes: Any) -> None:
        try:
            flavor = rules.create(self.caller, **sizes, public=options["public"] is not False)
        except Conflict as fault:
            self.say(fault.message)
            return
        rules.set_specs(self.caller, flavor, options["specs"])
        self.stdout.write(f"{flavor.pk} {flavor.name}")
