"""``network-inspect``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import ShowCommand, Table, flag_option
from synnefo.cyclades.backends import registry
from synnefo.cyclades.backends.base import BackendError
from synnefo.cyclades.commanding import mails, mails_option
from synnefo.cyclades.networks import addresses
from synnefo.cyclades.networks.commands.options import network_of
from synnefo.cyclades.networks.models import BackendNetwork, Network


class Command(ShowCommand):
    help = "Show a network with its subnets, beside what engines say of it now."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("network_id", help="number, or name on the engine (snf-net-5)")
        flag_option(parser, "--backends", "whether to ask the engines (default: yes)")
        parser.set_defaults(backends=True)
        mails_option(parser)

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        network = network_of(options["network_id"])
        user = network.userid
        if options["display_mails"]:
            user = mails([user]).get(user, user)
        return {
            "id": network.pk,
            "uuid": network.uuid,
            "name": network.name,
            "user": user,
            "project": network.project,
            "flavor": network.kind,
            "mode": network.mode,
            "link": network.link,
            "mac_prefix": network.mac_prefix,
            "tags": network.tags,
            "public": network.public,
            "floating_ip_pool": network.floating_ip_pool,
            "drained": network.drained,
            "state": network.state,
            "fault": network.fault,
            "deleted": network.deleted,
            "name on the engine": network.engine_name,
            "revision": network.revision,
            "subnets": _subnets(network),
            "backends": _backends(network, ask=options["backends"]),
        }


def _subnets(network: Network) -> Table:
    rows = []
    for subnet in network.subnets.order_by("pk"):
        total = sum(high - low + 1 for low, high in addresses.usable(subnet))
        used = subnet.addresses.count()
        rows.append((subnet.pk, subnet.name, subnet.cidr, subnet.gateway, subnet.dhcp, f"{used} of {total}"))
    return Table(("id", "name", "cidr", "gateway", "dhcp", "addresses"), rows)


def _backends(network: Network, *, ask: bool) -> Table:
    held = network.in_backends.select_related("backend").order_by("pk")
    rows = [(row.backend.name, row.applied, _seen(row, network) if ask else "") for row in held]
    return Table(("backend", "revision", "the engine says"), rows)


def _seen(row: BackendNetwork, network: Network) -> str:
    """In words; an engine that is offline is not asked."""
    if row.backend.offline:
        return "nothing: it is offline"
    try:
        names = registry.engine(row.backend).networks()
    except BackendError as error:
        return f"nothing: {error}"
    return "it is there" if network.engine_name in names else "it is not there"
