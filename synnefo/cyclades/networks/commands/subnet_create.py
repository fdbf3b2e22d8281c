"""``subnet-create``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import flag_option
from synnefo.cyclades.networks import rules
from synnefo.cyclades.networks.commands.options import network_of, pool_option, pools_of, words_of


class Command(Base):
    help = "Give a network one more range of addresses; without --gateway it leads nowhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--network", required=True, metavar="ID")
        parser.add_argument("--cidr", required=True)
        parser.add_argument("--name", default="")
        parser.add_argument("--ip-version", type=int, choices=(4, 6), default=4)
        parser.add_argument("--gateway", help="its address (default: there is none)")
        flag_option(parser, "--dhcp", "whether guests are told their addresses; SLAAC of IPv6 (default: yes)")
        parser.set_defaults(dhcp=True)
        pool_option(parser)
        parser.add_argument("--dns", default="", metavar="IP,...", help="DNS servers that guests are told")
        parser.add_argument(
            "--host-routes",
            default="",
            metavar="CIDR=IP,...",
            help="routes that guests are told, by next hop",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        slaac = options["ip_version"] == 6 and options["dhcp"]
        subnet = rules.create_subnet(
            self.caller,
            network_of(options["network"]).uuid,
            cidr=options["cidr"],
            version=options["ip_version"],
            name=options["name"],
            gateway=options["gateway"],
            dhcp=options["dhcp"],
            pools=pools_of(options["allocation_pool"]),
            dns_nameservers=words_of(options["dns"]),
            host_routes=[_route(text) for text in words_of(options["host_routes"])],
            ipv6_mode="slaac" if slaac else "",
        )
        self.stdout.write(f"{subnet.pk} {subnet.uuid}")


def _route(text: str) -> dict[str, str]:
    destination, equals, nexthop = text.partition("=")
    if not equals:
        raise CommandError(f"{text!r}: write CIDR=IP")
    return {"destination": destination, "nexthop": nexthop}
