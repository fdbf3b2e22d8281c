"""``commission-list``"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count, QuerySet
from django.utils import timezone

from synnefo.astakos.quotas import clients
from synnefo.astakos.quotas.models import Commission
from synnefo.common.commands import Filter, ListCommand, attribute, positive


class Command(ListCommand):
    help = "List commissions of quota that wait to be accepted or rejected."
    columns = {
        "serial": (attribute("serial"), "number"),
        "name": (attribute("name"), "what it is for"),
        "clientkey": (attribute("shown_client"), "who issued it"),
        "issue_time": (attribute("issued"), "when it was issued"),
        "provisions": (attribute("count"), "how many holdings it changes"),
    }
    shown = ("serial", "name", "clientkey", "issue_time")
    filters = {
        "clientkey": Filter("shown_client", str, "who issued it"),
        "issue_time": Filter("issued", str, "when it was issued, as 2030-01-31 12:00Z"),
    }

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--overdue", type=positive, metavar="SECONDS", help="only those that wait longer than that"
        )

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Commission]:
        rows = Commission.objects.annotate(count=Count("provisions"), shown_client=clients.shown()).order_by(
            "serial"
        )
        if options["overdue"]:
            rows = rows.filter(issued__lt=timezone.now() - datetime.timedelta(seconds=options["overdue"]))
        return rows
