"""``network-create``: public networks, which belong to the cloud. Users make theirs by the APIs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.networks import rules


class Command(Base):
    help = "Make a public network, with the range that floating IPs are taken from."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--subnet", required=True, metavar="CIDR", help="its IPv4 range")
        parser.add_argument("--gateway", default="", help="its gateway (default: the first address)")
        parser.add_argument("--public", action="store_true", required=True, help="said on purpose")
        parser.add_argument("--floating-ip-pool", action="store_true", help="floating IPs come from it")
        parser.add_argument(
            "--allocation-pool",
            action="append",
            metavar="FIRST,LAST",
            help="addresses to give out; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        pools = None
        if options["allocation_pool"]:
            pools = [self._pool(text) for text in options["allocation_pool"]]
        network = rules.create_with_subnet(
            self.caller,
            name=options["name"],
            cidr=options["subnet"],
            gateway=options["gateway"],
            floating_ip_pool=options["floating_ip_pool"],
            pools=pools,
        )
        self.stdout.write(f"{network.pk} {network.uuid}")

    def _pool(self, text: str) -> tuple[str, str]:
        first, comma, last = text.partition(",")
        if not comma:
            raise CommandError(f"{text!r}: write FIRST,LAST")
        return first.strip(), last.strip()
