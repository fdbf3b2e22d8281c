"""``term-add``"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.astakos.accounts import terms
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Put new terms of use into force, from an HTML file; everybody has to agree to them anew."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help='HTML in UTF-8; "-" reads standard input')

    def handle(self, *args: Any, **options: Any) -> None:
        row = terms.publish(self.caller, _read(options["file"]))
        self.say("Everybody has to agree to these terms of use now.")
        self.stdout.write(str(row.pk))


def _read(name: str) -> str:
    if name == "-":
        return sys.stdin.read(terms.LARGEST + 1)
    try:
        with Path(name).open(encoding="utf-8") as file:
            return file.read(terms.LARGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"cannot read {name}: {error}") from error
