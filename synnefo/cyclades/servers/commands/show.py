"""``server-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import ShowCommand
from synnefo.cyclades.servers.commands.list import addresses
from synnefo.cyclades.servers.models import Server
from synnefo.engine import rules as engine


class Command(ShowCommand):
    help = "Show a server, and the last operation on it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("server_id", help="number, or name on the engine (snf-42)")

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        server = self._server(options["server_id"])
        last = engine.history_of(Server.TARGET, server.pk).first()
        return {
            "id": server.pk,
            "uuid": server.uuid,
            "name": server.name,
            "user": server.userid,
            "project": server.project,
            "shared": server.shared_to_project,
            "flavor": server.flavor.name,
            "image": server.image,
            "state": server.operstate,
            "task": server.task,
            "fault": server.fault,
            "shall run": server.wanted_on,
            "suspended": server.suspended,
            "deleted": server.deleted,
            "backend": server.backend.name if server.backend else None,
            "name on the engine": server.engine_name,
            "addresses": addresses(server),
            "created": server.created,
            "updated": server.updated,
            "last operation": str(last) if last else None,
            "its error": last.error if last else None,
        }

    def _server(self, text: str) -> Server:
        number = text.removeprefix(settings.BACKEND_PREFIX_ID)
        if not number.isascii() or not number.isdigit():
            raise CommandError(f"{text!r} is no server's number")
        server = Server.objects.select_related("flavor", "backend").filter(pk=int(number)).first()
        if server is None:
            raise CommandError(f"there is no server {text}")
        return server
