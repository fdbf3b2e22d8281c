"""``commission-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.quotas import clients
from synnefo.astakos.quotas.commands.showing import amounts
from synnefo.astakos.quotas.models import Commission
from synnefo.common.commands import ShowCommand, Table, positive, unit_style_option
from synnefo.common.faults import ItemNotFound
from synnefo.common.units import INFINITE


class Command(ShowCommand):
    help = "Show a commission of quota that waits to be accepted or rejected, with what it reserves."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("serial", type=positive)
        unit_style_option(parser)

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        serial = min(options["serial"], INFINITE)
        row = Commission.objects.filter(serial=serial).annotate(shown_client=clients.shown()).first()
        if row is None:
            raise ItemNotFound(f"No commission {serial} waits for a decision.")
        show = amounts(options["unit_style"])
        provisions = [
            (part.holder, part.source or "-", part.resource, show(part.resource, part.quantity))
            for part in row.provisions.order_by("pk")
        ]
        return {
            "serial": row.serial,
            "name": row.name,
            "clientkey": row.shown_client,
            "issue_time": row.issued,
            "provisions": Table(("holder", "source", "resource", "quantity"), provisions),
        }
