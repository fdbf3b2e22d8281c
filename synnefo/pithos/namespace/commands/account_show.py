"""``account-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import ShowCommand, Table
from synnefo.pithos.namespace import accounts, groups, operating
from synnefo.pithos.namespace.models import Container


class Command(ShowCommand):
    help = "Show an account: what it holds, its metadata, groups and containers."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("account", help="uuid of the user or project whose it is")

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        account = operating.find(options["account"])
        totals = accounts.totals(account)
        containers = Container.objects.filter(account=account).order_by("name")
        return {
            "name": account.name,
            "of project": account.of_project,
            "created": account.created,
            "modified": totals.modified,
            "objects": totals.objects,
            "bytes": totals.size_bytes,
            "metadata": Table(("key", "value"), sorted(account.attributes.items())),
            "groups": Table(("name", "members"), sorted(groups.of(account).items())),
            "containers": Table(
                ("name", "project", "objects", "bytes"),
                [(one.name, one.project, one.object_count, one.size_bytes) for one in containers],
            ),
        }
