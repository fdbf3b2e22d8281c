"""``server-list``"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import OuterRef, QuerySet, Subquery, Value

from synnefo.common.commands import ListCommand, attribute
from synnefo.cyclades.backends import rules as backends
from synnefo.cyclades.commanding import mails, mails_option, user_uuid
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.servers.models import Server


def addresses(server: Server) -> list[str]:
    """Fixed and floating addresses, of all its ports."""
    return [
        ip.address for port in server.ports.all() for ip in (*port.addresses.all(), *port.floating_ips.all())
    ]


def owner(server: Server) -> str:
    return _called(server.userid) if getattr(server, "by_mail", False) else server.userid


def image_of(server: Server) -> str:
    return getattr(server, "image_name", None) or server.image


@functools.cache
def _called(user: str) -> str:
    return mails([user]).get(user, user)


class Command(ListCommand):
    help = "List servers."
    columns = {
        "id": (attribute("pk"), "number"),
        "uuid": (attribute("uuid"), "id in OpenStack's API"),
        "name": (attribute("name"), "name"),
        "user": (owner, "the owner: his uuid, or his e-mail with --display-mails"),
        "project": (attribute("project"), "uuid of the project that pays"),
        "flavor": (attribute("flavor.name"), "flavor"),
        "image": (image_of, "the image: its uuid, or its name with --image-name"),
        "state": (attribute("operstate"), "what is known of it"),
        "task": (attribute("task"), "what is being done to it"),
        "fault": (attribute("fault"), "what went wrong, if anything"),
        "ips": (addresses, "addresses"),
        "backend": (attribute("backend.name"), "engine"),
        "helper": (attribute("helper"), "whether it serves the cloud itself"),
        "rescue": (attribute("rescue"), "whether it is booted from a rescue image"),
        "tags": (lambda row: [one.tag for one in row.tags.all()], "what its owner and operators call it"),
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
        parser.add_argument("-u", "--user", metavar="UUID|EMAIL", help="only those of a user")
        parser.add_argument("--backend-id", metavar="ID|NAME", help="only those on an engine")
        parser.add_argument("--image-name", action="store_true", help="show images by their names")
        mails_option(parser)
        parser.add_argument("-p", "--project", help="only those of a project (uuid)")

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Server]:
        rows = Server.objects.filter(deleted=options["deleted"]).select_related("flavor", "backend")
        if options["suspended"]:
            rows = rows.filter(suspended=True)
        if options["build"]:
            rows = rows.filter(operstate=Server.Oper.BUILD)
        if options["user"]:
            rows = rows.filter(userid=user_uuid(options["user"]))
        if options["backend_id"]:
            rows = rows.filter(backend=backends.find(options["backend_id"]))
        if options["project"]:
            rows = rows.filter(project=options["project"])
        if options["display_mails"]:
            rows = rows.annotate(by_mail=Value(True))
        if options["image_name"]:
            named = Image.objects.filter(uuid=OuterRef("image")).values("name")[:1]
            rows = rows.annotate(image_name=Subquery(named))
        return rows.prefetch_related("tags", "ports__addresses", "ports__floating_ips").order_by("pk")
