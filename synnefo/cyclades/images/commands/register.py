"""``image-register``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import flag_option
from synnefo.common.http.fetching import fetch
from synnefo.cyclades.images import rules
from synnefo.cyclades.images.commands.owners import acting_for, user_option

_DEADLINE_S = 6 * 3600.0
#: The operator is at home: he may name what only this host reaches.
_EVERYWHERE = ("0.0.0.0/0", "::/0")


class Command(Base):
    help = "Make a disk image (raw, qcow2, vmdk or iso) known: a file of this host, or the content of a URL."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--file", type=Path, help="a file of this host")
        source.add_argument("--url", help="an http or https address")
        user_option(parser)
        flag_option(parser, "--public", "whether everybody sees it (default: yes)")
        parser.add_argument(
            "--property",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="as in os=debian; may be repeated",
        )
        parser.add_argument("--min-ram", type=int, default=0, metavar="MIB", help="least RAM of its servers")

    def handle(self, *args: Any, **options: Any) -> None:
        caller = acting_for(options["user"], self.caller)
        about = {
            "name": options["name"],
            "is_public": options["public"] is not False,
            "properties": dict(self._pair(text) for text in options["property"]),
            "min_ram_mib": options["min_ram"],
        }
        try:
            if options["file"]:
                image = rules.register_file(caller, options["file"], **about)
            else:
                most_bytes: int = settings.SYNNEFO_OBJECT_MAX_BYTES
                content = fetch(
                    options["url"], most_bytes=most_bytes, deadline_s=_DEADLINE_S, allowed=_EVERYWHERE
                )
                image = rules.register_pieces(caller, content, **about)
        except OSError as error:
            raise CommandError(f"{options['file'] or options['url']}: {error}") from None
        self.stdout.write(image.uuid)

    def _pair(self, text: str) -> tuple[str, str]:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise CommandError(f"{text!r}: write KEY=VALUE")
        return key, value
