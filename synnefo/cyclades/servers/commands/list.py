"""``server-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.servers.models import Server


def addresses(server: Server) -> list[str]:
    """Fixed and floating addresses, of all its ports."""
    return [
        ip.address for port in server.ports.all() for ip in (*port.addresses.all(), *port.floating_ips.all())
    ]


class Command(ListCommand):
    help = "List servers."
    columns = {
        "id": (attribute("pk"), "number"),
        "uuid": (attribute("uuid"), "id in OpenStack's API"),
        "name": (attribute("name"), "name"),
        "user": (attribute("userid"), "uuid of the owner"),
        "project": (attribute("project"), "uuid of the project that pays"),
        "flavor": (attribute("flavor.name"), "flavor"),
        "image": (attribute("image"), "uuid of the image"),
        "state": (attribute("operstate"), "what is known of it"),
        "task": (attribute("task"), "what is being done to it"),
        "fault": (attribute("fault"), "what went wrong, if anything"),
        "ips": (addresses, "addresses"),
        "backend": (attribute("backend.name"), "engine"),
        "suspended": (attribute("suspended"), "whether an administrator suspended it"),
        "created": (attribute("created"), "when it was made"),
        "updated": (attribute("updated"), "when it changed"),
    }
    shown = ("id", "name", "user", "flavor", "state", "task", "ips", "backend", "created")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--suspended", action="store_true", help="only suspended ones")
        parser.add_argument("--build", action="store_true", help="only those that are being built")
        parser.add_argument("-d", "--deleted", action="store_true", help="list the deleted ones instead")
        parser.add_argument("-u", "--user", help="only those of a user (uuid)")
        parser.add_argument("-p", "--project", help="only those of a project (uuid)")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Server]:
        rows = Server.objects.filter(deleted=options["deleted"]).select_related("flavor", "backend")
        if options["suspended"]:
            rows = rows.filter(suspended=True)
        if options["build"]:
            rows = rows.filter(operstate=Server.Oper.BUILD)
        if options["user"]:
            rows = rows.filter(userid=options["user"])
        if options["project"]:
            rows = rows.filter(project=options["project"])
        return rows.prefetch_related("ports__addresses", "ports__floating_ips").order_by("pk")
