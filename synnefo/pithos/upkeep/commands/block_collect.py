"""``block-collect``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.pithos.upkeep import collection


class Command(Base):
    help = "Collect blocks of content that no object has any more; the dispatcher does it, too, once a day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count only, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        done, dry_run = collection.Collected(), options["dry_run"]
        if not dry_run:
            collection.forget_maps()
        for first in range(0, collection.PARTS, collection.AT_ONCE):
            done += collection.collect(first, collection.grace(), parts=collection.AT_ONCE, dry_run=dry_run)
        self.stdout.write(
            f"put aside: {done.put_aside}, brought back: {done.brought_back}, forgotten: {done.forgotten}"
        )
