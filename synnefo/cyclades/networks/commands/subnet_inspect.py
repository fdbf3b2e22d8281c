"""``subnet-inspect``"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import ShowCommand
from synnefo.cyclades.networks import allocation
from synnefo.cyclades.networks.commands.options import subnet_of
from synnefo.cyclades.networks.models import Subnet


class Command(ShowCommand):
    help = "Show a subnet, the addresses that it gives, and those that are in use."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("subnet_id")

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        subnet = subnet_of(options["subnet_id"])
        return {
            "id": subnet.pk,
            "uuid": subnet.uuid,
            "network": subnet.network_id,
            "name": subnet.name,
            "cidr": subnet.cidr,
            "version": subnet.ip_version,
            "gateway": subnet.gateway,
            "dhcp": subnet.dhcp,
            "ipv6_mode": subnet.ipv6_mode,
            "dns": subnet.dns_nameservers,
            "host_routes": [f"{route['destination']}={route['nexthop']}" for route in subnet.host_routes],
            "allocation_pools": _texts(subnet, subnet.pools),
            "reserved": _texts(subnet, subnet.reserved),
            "used": subnet.addresses.count(),
            "deleted": subnet.deleted,
        }


def _texts(subnet: Subnet, runs: Sequence[Sequence[int]]) -> list[str]:
    return ["-".join(allocation.address_text(number, subnet.range) for number in run) for run in runs]
