"""``rescue-image-modify``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import flag_option, positive
from synnefo.cyclades.servers import rescue_images
from synnefo.cyclades.servers.commands.rescue_create import check, describing_options, words_of


class Command(Base):
    help = "Say something else of a rescue image; what no option names stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number", type=positive, metavar="ID")
        parser.add_argument("--location", default="", help="refused while a server uses it")
        flag_option(parser, "--deleted", "whether it is offered no more")
        describing_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        row = rescue_images.find(options["number"])
        if options["dry_run"]:
            self.say(f"would change the rescue image {row.pk} {row.name}")
            return
        check(options["location"])
        rescue_images.modify(
            self.caller, row.pk, default=options["default"], deleted=options["deleted"],
            location=options["location"], **words_of(options),
        )  # fmt: skip
