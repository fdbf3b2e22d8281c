"""``stats-astakos``"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.quotas import statistics
from synnefo.common.commands import FormattedCommand, print_table, unit_style_option
from synnefo.common.units import show_amount


class Command(FormattedCommand):
    help = "Show how many people there are, by how they sign in, and what they use of each resource."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        unit_style_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        found = statistics.detailed(self.caller)
        style, unit_style = options["output_format"], options["unit_style"]
        if style == "json":
            self.stdout.write(json.dumps(found, indent=2))
            return
        names = ("provider", "total", "verified", "active", "exclusive")
        print_table(names, [_people(*one) for one in found["users"].items()], style, self.stdout)
        self.stdout.write("")
        rows = [
            [
                provider,
                name,
                *(show_amount(use[part], use["unit"], unit_style) for part in _AMOUNTS),
            ]
            for provider, resources in found["resources"].items()
            for name, use in resources.items()
        ]
        print_table(("provider", "resource", *_AMOUNTS), rows, style, self.stdout)


_AMOUNTS = ("used", "allocated")


def _people(provider: str, counts: Mapping[str, int]) -> list[str]:
    return [provider, *(str(counts[name]) for name in ("total", "verified", "active")),
            str(counts.get("exclusive", ""))]  # fmt: skip
