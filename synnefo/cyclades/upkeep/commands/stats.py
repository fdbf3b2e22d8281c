"""``stats-cyclades``"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import FormattedCommand, flag_option, print_table
from synnefo.cyclades.backends import rules as backends
from synnefo.cyclades.upkeep import stats

#: Parts by the options that choose them.
_CHOICES = {name.replace("_", "-"): name for name in stats.PARTS}


class Command(FormattedCommand):
    help = (
        "Print figures about the cloud: engines, servers by size and state, floating IPs, networks, images;"
        " all that admin/stats/detail tells."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--backend", metavar="ID|NAME", help="only what is on an engine")
        for option, name in _CHOICES.items():
            flag_option(parser, f"--{option}", f"whether to tell of {name.replace('_', ' ')} (default: yes)")
        flag_option(parser, "--cluster-details", "whether to tell of engines' nodes, too (default: yes)")
        parser.add_argument("--json-file", metavar="PATH", help="write it as JSON to a file instead")

    def handle(self, *args: Any, **options: Any) -> None:
        backend = backends.find(options["backend"]) if options["backend"] else None
        found = stats.detail(backend)
        for name in _CHOICES.values():
            if options[name] is False:
                del found[name]
        if options["cluster_details"] is False:
            for cluster in found.get("clusters", {}).values():
                del cluster["nodes"]
        if options["json_file"]:
            Path(options["json_file"]).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        elif options["output_format"] == "json":
            self.stdout.write(json.dumps(found, indent=2))
        else:
            rows = [(path, str(value)) for path, value in _flat(found)]
            print_table(("figure", "value"), rows, options["output_format"], self.stdout)


def _flat(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Single figures, each by the way to it."""
    if not isinstance(value, dict):
        return [(path, ", ".join(map(str, value)) if isinstance(value, list) else value)]
    return [line for key, inner in value.items() for line in _flat(inner, f"{path}.{key}" if path else key)]
