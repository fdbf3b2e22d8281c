"""``volume-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.commanding import user_uuid
from synnefo.cyclades.volumes.models import Volume


class Command(ListCommand):
    help = "List volumes."
    columns = {
        "id": (attribute("pk"), "number"),
        "uuid": (attribute("uuid"), "id in OpenStack's API"),
        "name": (attribute("name"), "name"),
        "user": (attribute("userid"), "uuid of the owner"),
        "project": (attribute("project"), "uuid of the project that pays"),
        "size": (attribute("size_gib"), "GiB"),
        "status": (attribute("status"), "state"),
        "volume_type": (attribute("volume_type_id"), "number of its type"),
        "template": (attribute("volume_type.disk_template"), "kind of disk"),
        "server": (attribute("server_id"), "number of the server that has it"),
        "index": (attribute("index"), "which disk of the server it is; the first is 0"),
        "source": (attribute("source"), "what it was made of"),
        "source_id": (attribute("source_uuid"), "uuid of that"),
        "backend": (attribute("backend.name"), "engine that has its data"),
        "bootable": (attribute("bootable"), "whether servers boot from it"),
        "delete_on_termination": (attribute("delete_on_termination"), "whether it goes with its server"),
        "shared": (attribute("shared_to_project"), "whether it is shared in the project"),
        "deleted": (attribute("deleted"), "whether it is gone"),
        "created": (attribute("created"), "when it was made"),
        "updated": (attribute("updated"), "when it changed last"),
    }
    shown = ("id", "name", "user", "size", "status", "template", "server", "index")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("-u", "--user", metavar="UUID|EMAIL", help="only those of a user")
        parser.add_argument("-p", "--project", help="only those of a project (uuid)")
        parser.add_argument("-d", "--deleted", action="store_true", help="list those that are gone instead")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Volume]:
        rows = Volume.objects.filter(deleted=options["deleted"]).select_related("volume_type", "backend")
        if options["user"]:
            rows = rows.filter(userid=user_uuid(options["user"]))
        if options["project"]:
            rows = rows.filter(project=options["project"])
        return rows.order_by("pk")
