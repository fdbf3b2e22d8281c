"""``flavor-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count, Q, QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.flavors import rules
from synnefo.cyclades.flavors.models import Flavor


def specs(flavor: Flavor) -> list[str]:
    return [f"{key}={value}" for key, value in rules.specs_of(flavor).items()]


class Command(ListCommand):
    help = "List flavors."
    columns = {
        "id": (attribute("pk"), "number, as the other commands take it"),
        "uuid": (attribute("uuid"), "id in OpenStack's API"),
        "name": (attribute("name"), "name"),
        "cpu": (attribute("cpu"), "processors"),
        "ram": (attribute("ram"), "RAM in MiB"),
        "disk": (attribute("disk"), "disk in GiB"),
        "template": (attribute("volume_type.disk_template"), "kind of disks"),
        "volume_type": (attribute("volume_type_id"), "number of the volume type"),
        "allow_create": (attribute("allow_create"), "whether servers are made with it"),
        "public": (attribute("public"), "whether everybody sees it"),
        "vms": (attribute("vms"), "servers that have it"),
        "specs": (specs, "what is said of it"),
        "deleted": (attribute("deleted"), "whether it is retired"),
    }
    shown = (
        "id",
        "name",
        "cpu",
        "ram",
        "disk",
        "template",
        "volume_type",
        "allow_create",
        "public",
        "vms",
        "specs",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-d", "--deleted", action="store_true", help="list the retired ones instead")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Flavor]:
        vms = Count("servers", filter=Q(servers__deleted=False))
        rows = Flavor.objects.filter(deleted=options["deleted"]).select_related("volume_type")
        return rows.prefetch_related("specs").annotate(vms=vms).order_by("pk")
