"""``network-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count, QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.networks.models import Network


class Command(ListCommand):
    help = "List networks."
    columns = {
        "id": (attribute("pk"), "number"),
        "uuid": (attribute("uuid"), "id in OpenStack's API"),
        "name": (attribute("name"), "name"),
        "user": (attribute("userid"), "uuid of the owner"),
        "project": (attribute("project"), "uuid of the project that pays"),
        "public": (attribute("public"), "whether it belongs to the cloud"),
        "floating_ip_pool": (attribute("floating_ip_pool"), "whether floating IPs come from it"),
        "subnets": (lambda row: [subnet.cidr for subnet in row.subnets.all()], "address ranges"),
        "ports": (attribute("port_count"), "ports on it"),
        "backends": (
            lambda row: [item.backend.name for item in row.in_backends.all()],
            "engines that have it",
        ),
        "state": (attribute("state"), "state"),
        "fault": (attribute("fault"), "what went wrong, if anything"),
        "created": (attribute("created"), "when it was made"),
    }
    shown = ("id", "name", "user", "public", "subnets", "ports", "backends", "state")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--public", action="store_true", help="only public ones")
        parser.add_argument("-d", "--deleted", action="store_true", help="list the deleted ones instead")
        parser.add_argument("-u", "--user", help="only those of a user (uuid)")
        parser.add_argument("-p", "--project", help="only those of a project (uuid)")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Network]:
        rows = Network.objects.filter(deleted=options["deleted"]).prefetch_related(
            "subnets", "in_backends__backend"
        )
        if options["public"]:
            rows = rows.filter(public=True)
        if options["user"]:
            rows = rows.filter(userid=options["user"])
        if options["project"]:
            rows = rows.filter(project=options["project"])
        return rows.annotate(port_count=Count("ports", distinct=True)).order_by("pk")
