"""``floating-ip-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import ShowCommand, positive
from synnefo.cyclades.commanding import mails, mails_option
from synnefo.cyclades.networks import floating
from synnefo.cyclades.networks.commands.floating_ip_list import server_of


class Command(ShowCommand):
    help = "Show a floating IP."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("floating_ip_id", type=positive)
        mails_option(parser)

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        ip = floating.find(self.caller, options["floating_ip_id"])
        return {
            "id": ip.pk,
            "uuid": ip.uuid,
            "address": ip.address,
            "network": ip.network_id,
            "subnet": ip.subnet_id,
            "user": mails([ip.userid]).get(ip.userid) if options["display_mails"] else ip.userid,
            "project": ip.project,
            "shared": ip.shared_to_project,
            "server": server_of(ip),
            "port": ip.port_id,
            "leads_to": ip.nat_port_id,
            "created": ip.created,
            "updated": ip.updated,
        }
