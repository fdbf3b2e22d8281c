"""``volume-type-modify``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import flag_option, positive
from synnefo.common.transactions import atomic
from synnefo.cyclades.volume_types import rules
from synnefo.cyclades.volume_types.commands.options import pairs, type_of, words


class Command(Base):
    help = "Change what is said of a volume type, or retire it together with its flavors."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("volume_type_id", type=positive)
        parser.add_argument("--name", help="its new name")
        flag_option(parser, "--public", "whether everybody may use it")
        flag_option(parser, "--deleted", "whether it is retired, and its flavors with it")
        parser.add_argument("--spec-add", type=pairs, default={}, metavar="KEY=VALUE,...")
        parser.add_argument("--spec-delete", type=words, default=[], metavar="KEY,...")

    def handle(self, *args: Any, **options: Any) -> None:
        found = type_of(options["volume_type_id"])
        with atomic():
            if options["name"] is not None or options["public"] is not None:
                rules.modify(self.caller, found, name=options["name"], public=options["public"])
            if options["spec_delete"]:
                rules.drop_specs(self.caller, found, options["spec_delete"])
            if options["spec_add"]:
                rules.set_specs(self.caller, found, options["spec_add"])
            if options["deleted"] is not None:
                rules.retire(self.caller, found, deleted=options["deleted"])
