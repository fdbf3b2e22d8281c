"""``port-inspect``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import ShowCommand, Table
from synnefo.cyclades.commanding import mails, mails_option, number_of
from synnefo.cyclades.networks import ports
from synnefo.engine import rules as engine

_JOBS = 10


class Command(ShowCommand):
    help = "Show a port with its addresses, and what was done on its network."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("port_id", help="number, or name on the engine (snf-nic-7)")
        parser.add_argument("--jobs", action="store_true", help=f"the last {_JOBS} operations, too")
        mails_option(parser)

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        port = ports.find(self.caller, number_of(options["port_id"], "nic-"))
        user = mails([port.userid]).get(port.userid) if options["display_mails"] else port.userid
        own = [(ip.address, ip.subnet.cidr, ip.floating_ip) for ip in port.addresses.all()]
        leading = [(ip.address, "", True) for ip in port.floating_ips.all()]
        shown: dict[str, object] = {
            "id": port.pk,
            "uuid": port.uuid,
            "name": port.name,
            "user": user,
            "network": port.network_id,
            "server": port.server_id,
            "router": port.router_id,
            "index": port.index,
            "mac_address": port.mac,
            "state": port.state,
            "device_owner": port.device_owner,
            "firewall": port.firewall_profile,
            "port_security": port.port_security,
            "security_groups": [group.name for group in port.security_groups.all()],
            "name on the engine": port.engine_name,
            "created": port.created,
            "updated": port.updated,
            "addresses": Table(("address", "subnet", "floating"), own + leading),
        }
        if options["jobs"]:
            kind, number = ("server", port.server_id) if port.server_id else ("network", port.network_id)
            done = engine.history_of(kind, number)[:_JOBS]
            rows = [(row.pk, row.kind, row.state, row.created, row.error) for row in done]
            shown["operations"] = Table(("id", "kind", "state", "created", "error"), rows)
        return shown
