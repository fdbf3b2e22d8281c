"""``block-scrub``"""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import positive
from synnefo.pithos.upkeep import scrubbing
from synnefo.pithos.upkeep.scrubbing import Scrubbed


class Command(Base):
    help = "Read what is stored, take its hashes again, and tell what is damaged. Exit code 2 if anything is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--parts", type=positive, default=scrubbing.PARTS, metavar="N",
            help=f"read so many of {scrubbing.PARTS} parts (default: all)",
        )  # fmt: skip
        parser.add_argument(
            "--from", type=int, default=0, dest="first", metavar="N", help="begin at this part"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        done = Scrubbed()
        for number in range(min(options["parts"], scrubbing.PARTS)):
            found = scrubbing.scrub((options["first"] + number) % scrubbing.PARTS)
            for digest, names in found.damaged.items():
                self.stdout.write(f"damaged: {digest.hex()} of {', '.join(names) or 'nothing'}")
            done += found
        self.say(f"read {done.count} contents, {done.size_bytes} bytes; {len(done.damaged)} damaged")
        if done.damaged:
            sys.exit(2)
