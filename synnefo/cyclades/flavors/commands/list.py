"""``flavor-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count, Q, QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.flavors.models import Flavor


class Command(ListCommand):
    help = "List flavors."
    columns = {
        "id": (attribute("pk"), "number, as the other commands take it"),
        "uuid": (attribute("uuid"), "id in OpenStack's API"),
        "name": (attribute("name"), "name"),
        "cpu": (attribute("cpu"), "processors"),
        "ram": (attribute("ram"), "RAM in MiB"),
        "disk": (attribute("disk"), "disk in GiB"),
        "volume_type": (attribute("volume_type"), "kind of disks"),
        "allow_create": (attribute("allow_create"), "whether servers are made with it"),
        "public": (attribute("public"), "whether everybody sees it"),
        "vms": (attribute("vms"), "servers that have it"),
        "deleted": (attribute("deleted"), "whether it is retired"),
    }
    shown = ("id", "name", "cpu", "ram", "disk", "volume_type", "allow_create", "public", "vms")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-d", "--deleted", action="store_true", help="list the retired ones instead")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Flavor]:
        vms = Count("servers", filter=Q(servers__deleted=False))
        return Flavor.objects.filter(deleted=options["deleted"]).annotate(vms=vms).order_by("pk")
