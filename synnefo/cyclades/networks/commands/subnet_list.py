"""``subnet-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count, QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.commanding import user_uuid
from synnefo.cyclades.networks.models import Subnet


class Command(ListCommand):
    help = "List subnets."
    columns = {
        "id": (attribute("pk"), "number"),
        "uuid": (attribute("uuid"), "id in OpenStack's API"),
        "network": (attribute("network_id"), "number of the network"),
        "name": (attribute("name"), "name"),
        "user": (attribute("network.userid"), "uuid of the network's owner"),
        "cidr": (attribute("cidr"), "range"),
        "version": (attribute("ip_version"), "4 or 6"),
        "gateway": (attribute("gateway"), "gateway, if there is one"),
        "dhcp": (attribute("dhcp"), "whether guests are told their addresses"),
        "ipv6_mode": (attribute("ipv6_mode"), "how guests come to IPv6 addresses"),
        "public": (attribute("network.public"), "whether it is of a public network"),
        "used": (attribute("used"), "addresses in use"),
        "deleted": (attribute("deleted"), "whether it is deleted"),
    }
    shown = ("id", "network", "name", "user", "cidr", "gateway", "dhcp", "used")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--ipv4", action="store_true", help="only those of IPv4")
        parser.add_argument("--ipv6", action="store_true", help="only those of IPv6")
        parser.add_argument("--dhcp", action="store_true", help="only those with DHCP or SLAAC")
        parser.add_argument("--public", action="store_true", help="only those of public networks")
        parser.add_argument("-u", "--user", metavar="UUID|EMAIL", help="only those of a user's networks")
        parser.add_argument("-d", "--deleted", action="store_true", help="list the deleted ones instead")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Subnet]:
        rows = Subnet.objects.filter(deleted=options["deleted"]).select_related("network")
        if options["ipv4"] != options["ipv6"]:
            rows = rows.filter(ip_version=4 if options["ipv4"] else 6)
        if options["dhcp"]:
            rows = rows.filter(dhcp=True)
        if options["public"]:
            rows = rows.filter(network__public=True)
        if options["user"]:
            rows = rows.filter(network__userid=user_uuid(options["user"]))
        return rows.annotate(used=Count("addresses")).order_by("pk")
