"""``component-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.catalog import rules
from synnefo.common.commands import ShowCommand, Table


class Command(ShowCommand):
    help = "Show a part of the cloud and its services; with --reveal its service token, too."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("component", help="name or number")
        parser.add_argument("--reveal", action="store_true", help="print the service token; that is recorded")

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        row = rules.find_component(options["component"])
        token = {"token": rules.reveal_service_token(self.caller, row)} if options["reveal"] else {}
        services = row.services.order_by("pk").values_list("pk", "name", "type")
        return {
            "id": row.pk,
            "name": row.name,
            "base_url": row.base_url,
            "ui_url": row.url,
            "has_token": row.token_digest is not None,
            **token,
            "token_created": row.token_created,
            "token_expires": row.token_expires,
            "services": Table(("id", "name", "type"), list(services)),
        }
