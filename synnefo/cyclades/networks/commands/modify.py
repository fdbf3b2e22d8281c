"""``network-modify``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import flag_option
from synnefo.cyclades.backends import rules as backends
from synnefo.cyclades.commanding import acting_as, wait_for
from synnefo.cyclades.networks import placing, rules
from synnefo.cyclades.networks.commands.options import network_of, words_of
from synnefo.cyclades.networks.state import TARGET


class Command(Base):
    help = "Change a network: its name, owner, what it gives, and the engines that have it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("network_id", help="number, or name on the engine (snf-net-5)")
        parser.add_argument("--name")
        parser.add_argument("--user", metavar="UUID|EMAIL", help="the new owner")
        flag_option(parser, "--drained", "whether it gives no more addresses")
        flag_option(parser, "--floating-ip-pool", "whether floating IPs come from it")
        parser.add_argument(
            "--add-reserved-ips",
            default="",
            metavar="IP|FIRST-LAST|CIDR,...",
            help="keep these out of its pools",
        )
        parser.add_argument(
            "--remove-reserved-ips", default="", metavar="IP|FIRST-LAST|CIDR,...", help="no more"
        )
        parser.add_argument("--add-to-backend", metavar="ID", help="let an engine have it now")
        parser.add_argument(
            "--remove-from-backend", metavar="ID", help="take it from an engine without servers on it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        network = network_of(options["network_id"])
        if network.deleted:
            raise CommandError(f"the network {network.pk} is deleted")
        changes = {name: options[name] for name in ("name", "drained", "floating_ip_pool")}
        if any(value is not None for value in changes.values()):
            rules.update(self.caller, network.uuid, **changes)
        if options["user"]:
            owner = acting_as(options["user"])
            rules.change_owner(self.caller, network.pk, owner.user, owner.project)
        if options["add_reserved_ips"]:
            rules.reserve(self.caller, network, words_of(options["add_reserved_ips"]))
        if options["remove_reserved_ips"]:
            rules.reserve(self.caller, network, words_of(options["remove_reserved_ips"]), release=True)
        if options["add_to_backend"]:
            placing.give(self.caller, network, backends.find(options["add_to_backend"]))
        if options["remove_from_backend"]:
            placing.withdraw(self.caller, network, backends.find(options["remove_from_backend"]))
            wait_for(TARGET, network.pk)
