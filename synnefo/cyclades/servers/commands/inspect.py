"""``server-inspect``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import ShowCommand, Table
from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.base import BackendError
from synnefo.cyclades.commanding import mails, mails_option, number_of
from synnefo.cyclades.servers import rules
from synnefo.cyclades.servers.models import Server
from synnefo.engine import rules as engine

_JOBS = 10


class Command(ShowCommand):
    help = "Show a server with its cards, disks and tags, beside what its engine says of it now."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("server_id", help="number, or name on the engine (snf-42)")
        parser.add_argument("--jobs", action="store_true", help=f"the last {_JOBS} operations, too")
        mails_option(parser)

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        server = rules.find(self.caller, number_of(options["server_id"]))
        user = mails([server.userid])[server.userid] if options["display_mails"] else server.userid
        shown: dict[str, object] = {
            "id": server.pk,
            "name": server.name,
            "user": user,
            "project": server.project,
            "flavor": server.flavor.name,
            "state": server.operstate,
            "task": server.task,
            "deleted": server.deleted,
            "backend": server.backend.name if server.backend else None,
            "name on the engine": server.engine_name,
            "the engine says": _seen(server),
            "cards": _cards(server),
            "disks": _disks(server),
            "tags": Table(
                ("namespace", "tag", "status"), list(server.tags.values_list("namespace", "tag", "status"))
            ),
            "metadata": Table(("key", "value"), list(server.metadata.values_list("key", "value"))),
        }
        if options["jobs"]:
            shown["operations"] = _jobs(server)
        return shown


def _seen(server: Server) -> str:
    """In words; an engine that is offline is not asked."""
    if server.backend is None or server.deleted:
        return "nothing: it is on no engine"
    if server.backend.offline:
        return "nothing: it is offline"
    try:
        state = registry.engine(server.backend).instance(server.engine_name)
    except BackendError as error:
        return f"nothing: {error}"
    return f"{state.power.value} ({state.reason})" if state.reason else state.power.value


def _cards(server: Server) -> Table:
    rows = [
        (
            port.index, port.engine_name, port.network_id, port.mac, port.state, port.firewall_profile,
            [ip.address for ip in (*port.addresses.all(), *port.floating_ips.all())],
        )
        for port in server.ports.prefetch_related("addresses", "floating_ips").order_by("index", "pk")
    ]  # fmt: skip
    return Table(("index", "name", "network", "mac", "state", "firewall", "ips"), rows)


def _disks(server: Server) -> Table:
    rows = [
        (
            volume.index,
            volume.engine_name,
            volume.name,
            volume.size_gib,
            volume.status,
            volume.volume_type.name,
        )
        for volume in server.volumes.filter(deleted=False).select_related("volume_type").order_by("index")
    ]  # fmt: skip
    return Table(("index", "name on the engine", "name", "GiB", "status", "type"), rows)


def _jobs(server: Server) -> Table:
    rows = [
        (row.pk, row.kind, row.state, row.step, row.created, row.finished, row.error)
        for row in engine.history_of(Server.TARGET, server.pk)[:_JOBS]
    ]
    return Table(("id", "kind", "state", "step", "begun", "ended", "error"), rows)
