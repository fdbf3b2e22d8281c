"""``volume-type-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count, Q, QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.volume_types.models import VolumeType


def specs(found: VolumeType) -> list[str]:
    return [f"{row.key}={row.value}" for row in found.specs.all()]


class Command(ListCommand):
    help = "List volume types."
    columns = {
        "id": (attribute("pk"), "number, as the other commands take it"),
        "uuid": (attribute("uuid"), "id in OpenStack's API"),
        "name": (attribute("name"), "name"),
        "disk_template": (attribute("disk_template"), "the engine's name for such disks"),
        "detachable": (attribute("detachable"), "whether its volumes live without servers"),
        "public": (attribute("public"), "whether everybody may use it"),
        "volumes": (attribute("live"), "volumes of it"),
        "specs": (specs, "what is said of it"),
        "deleted": (attribute("deleted"), "whether it is retired"),
    }
    shown = ("id", "name", "disk_template", "detachable", "public", "volumes", "specs")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-d", "--deleted", action="store_true", help="list the retired ones instead")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[VolumeType]:
        live = Count("volumes", filter=Q(volumes__deleted=False))
        rows = VolumeType.objects.filter(deleted=options["deleted"]).prefetch_related("specs")
        return rows.annotate(live=live).order_by("pk")
