"""``rescue-image-remove``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import positive
from synnefo.cyclades.servers import rescue_images


class Command(Base):
    help = "Offer a rescue image no more; refused while a server uses it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", type=positive, metavar="ID")
        parser.add_argument("-n", "--dry-run", action="store_true", help="only say what would be done")
        parser.add_argument("-f", "--force", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        row = rescue_images.find(options["number"])
        if options["dry_run"]:
            self.say(f"would remove the rescue image {row.pk} {row.name}")
            return
        if not options["force"]:
            self.confirm(f"Remove the rescue image {row.pk} ({row.name})?")
        rescue_images.remove(self.caller, row.pk)
