"""Ports with their addresses, and who had an address when."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from django.db.models import Model

from synnefo.common.legacy.source import Row, Source, Sql
from synnefo.common.legacy.steps import Numbered, Step
from synnefo.cyclades.legacy.source import of_query, of_table
from synnefo.cyclades.legacy.world import World
from synnefo.cyclades.networks.allocation import random_mac
from synnefo.cyclades.networks.models import IPAddress, IPAddressHistory, Port

_STATES = frozenset(Port.State.values)
#: The lower 64 bits of an IPv6 address are kept less this.
_HALF = 2**63


def _ports(source: Source) -> Sql:
    return (
        "SELECT i.id AS key, i.*, n.mac_prefix,"
        " coalesce(m.project, n.project, i.userid) AS project,"
        " coalesce(m.shared_to_project, n.shared_to_project) AS shared_to_project"
        " FROM db_networkinterface i JOIN db_network n ON n.id = i.network_id"
        " LEFT JOIN db_virtualmachine m ON m.id = i.machine_id"
    )


def _port(row: Row, world: World) -> Iterator[Model]:
    """Ports had no project: theirs is their server's. One that was being made has no MAC there yet."""
    state = row["state"]
    of_server = row["machine_id"] is not None
    yield Port(
        pk=row["key"],
        name=row["name"] or "",
        userid=row["userid"],
        project=row["project"],
        shared_to_project=row["shared_to_project"],
        network_id=row["network_id"],
        server_id=row["machine_id"],
        index=row["index"] or 0,
        mac=row["mac"] or random_mac(row["mac_prefix"]),
        state=state if state in _STATES else Port.State.DOWN,
        device_owner=Port.OWNER_COMPUTE if of_server else "",
        made_by_server=of_server,
        firewall_profile=row["firewall_profile"] or "",
        created=row["created"],
        updated=row["updated"],
    )


def _addresses(source: Source) -> Sql:
    return (
        "SELECT a.id AS key, a.*, coalesce(a.project, m.project, n.project, a.userid) AS payer"
        " FROM db_ipaddress a JOIN db_network n ON n.id = a.network_id"
        " LEFT JOIN db_networkinterface i ON i.id = a.nic_id"
        " LEFT JOIN db_virtualmachine m ON m.id = i.machine_id WHERE NOT a.deleted"
    )


def _address(row: Row, world: World) -> Iterator[Model]:
    try:
        number = int(ipaddress.ip_address(row["address"]))
    except ValueError:
        world.report.obstacle("address that is none", f"{row['key']} {row['address']}")
        return
    version = row["ipversion"]
    yield IPAddress(
        pk=row["key"],
        userid=row["userid"],
        project=row["payer"],
        shared_to_project=row["shared_to_project"],
        subnet_id=row["subnet_id"],
        network_id=row["network_id"],
        port_id=row["nic_id"],
        address=row["address"],
        number=number if version == 4 else number % 2**64 - _HALF,
        ip_version=version,
        floating_ip=row["floating_ip"],
        created=row["created"],
        updated=row["updated"],
    )


def _history(row: Row, world: World) -> Iterator[Model]:
    yield IPAddressHistory(
        pk=row["key"],
        address=row["address"],
        server_id=row["server_id"],
        network_id=row["network_id"],
        user_id=row["user_id"],
        action=row["action"],
        action_date=row["action_date"],
        action_reason=row["action_reason"] or "",
    )


#: Up to 0.18 a row had both moments, and not whose the server was.
_LOG: Sql = (
    "SELECT l.id AS key, l.*, coalesce(m.userid, '') AS user_id FROM db_ipaddresslog l"
    " LEFT JOIN db_virtualmachine m ON m.id = l.server_id"
)


def _log(row: Row, world: World) -> Iterator[Model]:
    moments = {
        IPAddressHistory.Action.ASSOCIATE: row["allocated_at"],
        IPAddressHistory.Action.DISASSOCIATE: row["released_at"],
    }
    for action, moment in moments.items():
        if moment is not None:
            yield IPAddressHistory(
                address=row["address"],
                server_id=row["server_id"],
                network_id=row["network_id"],
                user_id=row["user_id"],
                action=action,
                action_date=moment,
                action_reason="from the log of 0.18",
            )


STEPS: tuple[Step[World], ...] = (
    Step("ports", _ports, _port, (Numbered(Port, "db_networkinterface"),)),
    Step("addresses", _addresses, _address, (Numbered(IPAddress, "db_ipaddress"),)),
    Step(
        "history of addresses",
        of_table("db_ipaddresshistory"),
        _history,
        (Numbered(IPAddressHistory, "db_ipaddresshistory"),),
    ),
    Step("older log of addresses", of_query("db_ipaddresslog", _LOG), _log),
)
