"""``volume-type-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import ShowCommand, positive
from synnefo.cyclades.volume_types.commands.list import specs
from synnefo.cyclades.volume_types.commands.options import type_of


class Command(ShowCommand):
    help = "Show a volume type, what is said of it, and who may use it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("volume_type_id", type=positive)

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        found = type_of(options["volume_type_id"])
        return {
            "id": found.pk,
            "uuid": found.uuid,
            "name": found.name,
            "description": found.description,
            "disk_template": found.disk_template,
            "template": found.template,
            "provider": found.provider,
            "detachable": found.detachable,
            "public": found.public,
            "projects": [row.project for row in found.access.all()],
            "specs": specs(found),
            "volumes": found.volumes.filter(deleted=False).count(),
            "flavors": found.flavors.filter(deleted=False).count(),
            "deleted": found.deleted,
            "created": found.created,
        }
