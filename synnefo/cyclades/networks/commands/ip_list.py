"""``ip-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.commanding import number_of, user_uuid
from synnefo.cyclades.networks.models import IPAddressHistory


class Command(ListCommand):
    help = "List who had which public address when, oldest first."
    columns = {
        "id": (attribute("pk"), "number"),
        "address": (attribute("address"), "address"),
        "user": (attribute("user_id"), "uuid of the server's owner then"),
        "server": (attribute("server_id"), "number of the server"),
        "network": (attribute("network_id"), "number of the network"),
        "action": (attribute("action"), "associate or disassociate"),
        "date": (lambda row: row.action_date.isoformat(" ", "microseconds"), "when"),
        "reason": (attribute("action_reason"), "why"),
    }
    shown = ("address", "user", "server", "network", "action", "date", "reason")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--address", help="only of this address")
        parser.add_argument("--server", metavar="ID", help="only of this server")
        parser.add_argument("-u", "--user", metavar="UUID|EMAIL", help="only of a user's servers")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[IPAddressHistory]:
        rows = IPAddressHistory.objects.all()
        if options["address"]:
            rows = rows.filter(address=options["address"])
        if options["server"]:
            rows = rows.filter(server_id=number_of(options["server"]))
        if options["user"]:
            rows = rows.filter(user_id=user_uuid(options["user"]))
        return rows.order_by("action_date", "pk")
