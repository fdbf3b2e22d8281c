"""``rescue-image-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count, Q, QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.servers.models import RescueImage


class Command(ListCommand):
    help = "List the systems that broken servers can be booted from."
    columns = {
        "id": (attribute("pk"), "number"),
        "name": (attribute("name"), "name"),
        "location": (attribute("location"), "the file, or the address"),
        "location_type": (attribute("location_type"), "file or http"),
        "os": (attribute("os"), "its system"),
        "os_family": (attribute("osfamily"), "the family of that"),
        "target_os": (attribute("target_os"), "whom it is for"),
        "target_os_family": (attribute("target_osfamily"), "the family of these"),
        "is_default": (attribute("is_default"), "whether others get it, too"),
        "deleted": (attribute("deleted"), "whether it was removed"),
        "vms_using_image": (attribute("vms"), "servers that are booted from it"),
    }
    shown = ("id", "name", "location", "location_type", "os", "os_family", "is_default", "vms_using_image")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-d", "--deleted", action="store_true", help="list the removed ones instead")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[RescueImage]:
        rows = RescueImage.objects.filter(deleted=options["deleted"])
        return rows.annotate(vms=Count("servers", filter=Q(servers__deleted=False))).order_by("pk")
