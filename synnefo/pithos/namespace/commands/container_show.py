"""``container-show``"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import ShowCommand, Table
from synnefo.pithos.namespace import containers, history, operating


class Command(ShowCommand):
    help = "Show a container: its policies, what it holds, its metadata."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("account", help="uuid of the user or project whose it is")
        parser.add_argument("container", help="its name")

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        account = operating.find(options["account"])
        found = containers.get(operating.as_owner(self.caller, account), account.name, options["container"])
        return {
            "account": account.name,
            "name": found.name,
            "project": found.project,
            "versioning": found.versioning,
            "quota": found.quota_bytes,
            "objects": found.object_count,
            "bytes": found.size_bytes,
            "charged": history.charged_bytes(found),
            "created": found.created,
            "modified": found.modified,
            "metadata": Table(("key", "value"), sorted(found.attributes.items())),
            "options": Table(
                ("face", "value"),
                [(face, json.dumps(value)) for face, value in sorted(found.options.items())],
            ),
        }
