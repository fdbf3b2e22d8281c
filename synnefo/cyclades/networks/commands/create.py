"""``network-create``"""

from __future__ import annotations

import dataclasses
from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.caller import Caller
from synnefo.common.commands import Command as Base
from synnefo.common.faults import Fault
from synnefo.cyclades.commanding import acting_as
from synnefo.cyclades.networks import rules
from synnefo.cyclades.networks.commands.options import pool_option, pools_of, switch_option, words_of
from synnefo.cyclades.networks.models import Network


class Command(Base):
    help = "Make a network: a public one, which belongs to the cloud, or one of a user."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="")
        parser.add_argument("--user", metavar="UUID|EMAIL", help="whose it becomes, if it is not public")
        parser.add_argument("--project", metavar="UUID", help="that pays (default: the user's)")
        parser.add_argument(
            "--public", action="store_true", help="it belongs to the cloud; everybody sees it"
        )
        parser.add_argument(
            "--flavor", default="", choices=("", *Network.Kind.values),
            help="its kind (default: CUSTOM of public ones, MAC_FILTERED of others)",
        )  # fmt: skip
        parser.add_argument("--subnet", metavar="CIDR", help="its IPv4 range")
        parser.add_argument("--gateway", default="", help="of IPv4, or none (default: the first address)")
        parser.add_argument("--subnet6", metavar="CIDR", help="its IPv6 range")
        parser.add_argument("--gateway6", default="", help="of IPv6, or none (default: the first address)")
        switch_option(parser, "--dhcp", "whether guests are told their addresses")
        pool_option(parser)
        switch_option(parser, "--floating-ip-pool", "whether floating IPs come from it")
        switch_option(parser, "--drained", "whether it gives no addresses")
        parser.add_argument("--mode", default="", choices=("", "bridged", "routed"), help="for the engine")
        parser.add_argument("--link", default="", help="the bridge or table, where the kind leaves it open")
        parser.add_argument("--mac-prefix", default="", help="what hardware addresses begin with")
        parser.add_argument("--tags", default="", metavar="TAG,...", help="for the engine")

    def handle(self, *args: Any, **options: Any) -> None:
        caller = self._owner(options)
        _check(options)
        network = rules.create(
            caller,
            name=options["name"],
            public=options["public"],
            floating_ip_pool=options["floating_ip_pool"],
            kind=options["flavor"],
            drained=options["drained"],
            mode=options["mode"],
            link=options["link"],
            mac_prefix=options["mac_prefix"],
            tags=words_of(options["tags"]),
        )
        try:
            self._give_ranges(network, options)
        except Fault:
            rules.delete(self.caller, network.uuid)
            raise
        self.stdout.write(f"{network.pk} {network.uuid}")

    def _owner(self, options: dict[str, Any]) -> Caller:
        """Who makes it: the cloud, or the user with an administrator's rights. Raises CommandError."""
        if options["public"]:
            if options["user"]:
                raise CommandError("a public network belongs to the cloud, not to a user")
            return self.caller
        if not options["user"]:
            raise CommandError("a network that is not public needs a --user")
        if options["floating_ip_pool"]:
            raise CommandError("floating IPs come from public networks")
        return dataclasses.replace(acting_as(options["user"], options["project"]), is_admin=True)

    def _give_ranges(self, network: Network, options: dict[str, Any]) -> None:
        if options["subnet"]:
            rules.create_subnet(
                self.caller, network.uuid, cidr=options["subnet"], name=options["name"],
                gateway=_gateway(options["gateway"]), dhcp=options["dhcp"],
                pools=pools_of(options["allocation_pool"]),
            )  # fmt: skip
        if options["subnet6"]:
            rules.create_subnet(
                self.caller, network.uuid, cidr=options["subnet6"], version=6, name=options["name"],
                gateway=_gateway(options["gateway6"]), dhcp=options["dhcp"],
                ipv6_mode="slaac" if options["dhcp"] else "",
            )  # fmt: skip


def _gateway(text: str) -> str | None:
    return None if text.lower() == "none" else text


def _check(options: dict[str, Any]) -> None:
    """What makes no sense without a range. Raises CommandError."""
    if options["flavor"] == Network.Kind.IP_LESS_ROUTED and not options["subnet"]:
        raise CommandError("a network of type IP_LESS_ROUTED needs a --subnet")
    if not options["subnet"] and (options["gateway"] or options["allocation_pool"]):
        raise CommandError("--gateway and --allocation-pool are of a --subnet")
    if not options["subnet6"] and options["gateway6"]:
        raise CommandError("--gateway6 is of a --subnet6")
    if options["dhcp"] and not (options["subnet"] or options["subnet6"]):
        raise CommandError("--dhcp needs a --subnet or a --subnet6")
