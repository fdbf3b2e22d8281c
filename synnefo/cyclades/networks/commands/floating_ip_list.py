"""``floating-ip-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.commanding import user_uuid
from synnefo.cyclades.networks.models import IPAddress


def server_of(ip: IPAddress) -> int | None:
    """The server whose card it is, or leads to."""
    port = ip.port or ip.nat_port
    return None if port is None else port.server_id


class Command(ListCommand):
    help = "List floating IPs."
    columns = {
        "id": (attribute("pk"), "number"),
        "uuid": (attribute("uuid"), "id in OpenStack's API"),
        "address": (attribute("address"), "address"),
        "network": (attribute("network_id"), "number of its network"),
        "user": (attribute("userid"), "uuid of the owner"),
        "project": (attribute("project"), "uuid of the project that pays"),
        "server": (server_of, "number of the server that it leads to"),
        "port": (attribute("port_id"), "number of the port that has it"),
        "leads_to": (attribute("nat_port_id"), "number of the port that it leads to by translation"),
        "shared": (attribute("shared_to_project"), "whether it is shared in the project"),
        "created": (attribute("created"), "when it was taken"),
    }
    shown = ("id", "address", "network", "user", "project", "server")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-u", "--user", metavar="UUID|EMAIL", help="only those of a user")
        parser.add_argument("-p", "--project", help="only those of a project (uuid)")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[IPAddress]:
        rows = IPAddress.objects.filter(floating_ip=True).select_related("port", "nat_port")
        if options["user"]:
            rows = rows.filter(userid=user_uuid(options["user"]))
        if options["project"]:
            rows = rows.filter(project=options["project"])
        return rows.order_by("pk")
