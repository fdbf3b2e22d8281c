"""``flavor-modify``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import flag_option, positive
from synnefo.common.transactions import atomic
from synnefo.cyclades.flavors import rules
from synnefo.cyclades.flavors.commands.specs import pairs, words


class Command(Base):
    help = "Change who sees a flavor, whether servers are made with it and what is said of it, or retire it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("flavor_id", type=positive)
        flag_option(parser, "--public", "whether everybody sees it")
        flag_option(parser, "--allow-create", "whether servers are made with it")
        flag_option(parser, "--deleted", "whether it is retired")
        parser.add_argument("--spec-add", type=pairs, default={}, metavar="KEY=VALUE,...")
        parser.add_argument("--spec-delete", type=words, default=[], metavar="KEY,...")

    def handle(self, *args: Any, **options: Any) -> None:
        names = ("public", "allow_create", "deleted")
        with atomic():
            changes = {name: options[name] for name in names}
            flavor = rules.modify(self.caller, options["flavor_id"], **changes)
            if options["spec_delete"]:
                rules.delete_specs(self.caller, flavor, options["spec_delete"])
            if options["spec_add"]:
                rules.set_specs(self.caller, flavor, options["spec_add"])
