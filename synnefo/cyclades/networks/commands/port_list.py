"""``port-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.commanding import number_of, user_uuid
from synnefo.cyclades.networks.models import Port


class Command(ListCommand):
    help = "List ports."
    columns = {
        "id": (attribute("pk"), "number"),
        "uuid": (attribute("uuid"), "id in OpenStack's API"),
        "name": (attribute("name"), "name"),
        "user": (attribute("userid"), "uuid of the owner"),
        "mac_address": (attribute("mac"), "hardware address"),
        "network": (attribute("network_id"), "number of the network"),
        "server": (attribute("server_id"), "number of the server that has it"),
        "router": (attribute("router_id"), "number of the router that has it"),
        "ips": (lambda port: [ip.address for ip in port.addresses.all()], "its own addresses"),
        "floating_ips": (
            lambda port: [ip.address for ip in port.floating_ips.all()],
            "those that lead to it",
        ),
        "public": (attribute("network.public"), "whether it is on a public network"),
        "firewall": (attribute("firewall_profile"), "firewall profile"),
        "security_groups": (
            lambda port: [group.name for group in port.security_groups.all()],
            "security groups",
        ),
        "state": (attribute("state"), "state"),
        "created": (attribute("created"), "when it was made"),
    }
    shown = ("id", "user", "mac_address", "network", "server", "ips", "state")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--public", action="store_true", help="only those on public networks")
        parser.add_argument("--server", metavar="ID", help="only those of a server")
        parser.add_argument("-u", "--user", metavar="UUID|EMAIL", help="only those of a user")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Port]:
        rows = Port.objects.select_related("network")
        rows = rows.prefetch_related("addresses", "floating_ips", "security_groups")
        if options["public"]:
            rows = rows.filter(network__public=True)
        if options["server"]:
            rows = rows.filter(server=number_of(options["server"]))
        if options["user"]:
            rows = rows.filter(userid=user_uuid(options["user"]))
        return rows.order_by("pk")
