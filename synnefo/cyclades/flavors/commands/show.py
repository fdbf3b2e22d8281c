"""``flavor-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import ShowCommand, positive
from synnefo.cyclades.flavors import rules


class Command(ShowCommand):
    help = "Show a flavor, what is said of it, and who may use it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("flavor_id", type=positive)

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        flavor = rules.find(self.caller, options["flavor_id"])
        return {
            "id": flavor.pk,
            "uuid": flavor.uuid,
            "name": flavor.name,
            "id for OpenStack": flavor.openstack_id,
            "cpu": flavor.cpu,
            "ram": flavor.ram,
            "disk": flavor.disk,
            "template": flavor.volume_type.disk_template,
            "volume_type": flavor.volume_type_id,
            "allow_create": flavor.allow_create,
            "public": flavor.public,
            "deleted": flavor.deleted,
            "vms": flavor.servers.filter(deleted=False).count(),
            "specs": [f"{key}={value}" for key, value in rules.specs_of(flavor).items()],
            "projects": rules.projects_of(self.caller, flavor),
            "created": flavor.created,
        }
