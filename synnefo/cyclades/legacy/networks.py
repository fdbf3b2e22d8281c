"""Networks, in which clusters they are, their subnets with pools of addresses; bridges and MAC prefixes."""

from __future__ import annotations

import ast
import ipaddress
from collections.abc import Iterator
from typing import Any

from django.db.models import Model

from synnefo.common.legacy.source import Row, Source, Sql
from synnefo.common.legacy.steps import Numbered, Step
from synnefo.cyclades.legacy import bitmaps
from synnefo.cyclades.legacy.source import of_table
from synnefo.cyclades.legacy.world import World
from synnefo.cyclades.networks.models import BackendNetwork, Network, Pool, PoolUse, Subnet

_STATES = {"ERROR": Network.State.ERROR, "DELETED": Network.State.DELETED}


def _network(row: Row, world: World) -> Iterator[Model]:
    if row["flavor"] not in Network.Kind.values:
        world.report.obstacle("network of an unknown flavor", f"{row['key']} {row['flavor']}")
        return
    yield Network(
        pk=row["key"],
        name=row["name"],
        userid=row["userid"] or "",
        project=row["project"] or "",
        shared_to_project=row["shared_to_project"],
        kind=row["flavor"],
        mode=row["mode"] or "",
        link=row["link"] or "",
        mac_prefix=row["mac_prefix"],
        tags=listed(row["tags"]),
        public=row["public"],
        floating_ip_pool=row["floating_ip_pool"],
        drained=row["drained"],
        deleted=row["deleted"],
        deleting=row["action"] == "DESTROY" and not row["deleted"],
        state=_STATES.get(row["state"], Network.State.ACTIVE),
        created=row["created"],
        updated=row["updated"],
    )


def _in_backends(source: Source) -> Sql:
    """Where they are whole; of where they are not, a cluster is told of again."""
    return "SELECT id AS key, * FROM db_backendnetwork WHERE NOT deleted AND operstate = 'ACTIVE'"


def _in_backend(row: Row, world: World) -> Iterator[Model]:
    """It has been told of all that has come."""
    yield BackendNetwork(pk=row["key"], network_id=row["network_id"], backend_id=row["backend_id"], applied=1)


def _subnets(source: Source) -> Sql:
    return (
        'SELECT s.id AS key, s.*, (SELECT json_agg(json_build_array(p.size, coalesce(p."offset", 0),'
        ' p.available_map, p.reserved_map) ORDER BY p."offset") FROM db_ippooltable p'
        " WHERE p.subnet_id = s.id) AS pools,"
        " (SELECT json_agg(a.address) FROM db_ipaddress a WHERE a.subnet_id = s.id AND NOT a.deleted)"
        "   AS addresses FROM db_subnet s"
    )


def _subnet(row: Row, world: World) -> Iterator[Model]:
    try:
        pools, reserved = _ranges(row, world)
    except ValueError as error:
        world.report.obstacle(f"subnet with a pool that cannot be read: {error}", row["cidr"])
        return
    version = row["ipversion"]
    yield Subnet(
        pk=row["key"],
        network_id=row["network_id"],
        name=row["name"] or "",
        cidr=row["cidr"],
        ip_version=version,
        gateway=row["gateway"] or None,
        dhcp=row["dhcp"],
        dns_nameservers=listed(row["dns_nameservers"]),
        host_routes=_routes(row, world),
        pools=pools,
        reserved=reserved,
        ipv6_mode="slaac" if version == 6 and row["dhcp"] else "",
        deleted=row["deleted"],
        created=row["created"],
        updated=row["updated"],
    )


def _ranges(row: Row, world: World) -> tuple[list[bitmaps.Range], list[bitmaps.Range]]:
    """What addresses are taken from, and what is kept out; raises ValueError.

    What is given out stands in the addresses themselves; a map that says otherwise is told.
    """
    first = int(ipaddress.ip_network(row["cidr"]).network_address)
    known = {int(ipaddress.ip_address(address)) for address in row["addresses"] or ()}
    pools, reserved = [], []
    for size, offset, available, kept in row["pools"] or ():
        begin = first + offset
        pools.append((begin, begin + size - 1))
        reserved += [begin + place for place in bitmaps.taken(kept, size)]
        out = {begin + place for place in bitmaps.taken(available, size)}
        for number in sorted(out - known - set(reserved)):
            world.report.note("address given out to nobody: free here", ipaddress.ip_address(number))
    return sorted(pools), bitmaps.ranges(sorted(reserved))


def _routes(row: Row, world: World) -> list[Any]:
    """They were written as Python does, one after the other."""
    text = row["host_routes"]
    if not text:
        return []
    try:
        found = ast.literal_eval(f"[{text}]")
        return [{"destination": one["destination"], "nexthop": one["nexthop"]} for one in found]
    except (ValueError, SyntaxError, TypeError, KeyError):
        world.report.note("host routes of an unknown form: left behind", f"{row['cidr']} {text}")
        return []


def _pools(source: Source) -> Sql:
    """Both kinds, which were numbered apart."""
    columns = 'size, base, coalesce("offset", 0) AS start, reserved_map'
    return (
        f"SELECT id * 2 AS key, 'mac-prefix' AS kind, {columns} FROM db_macprefixpooltable"  # noqa: S608
        f" UNION ALL SELECT id * 2 + 1 AS key, 'bridge' AS kind, {columns} FROM db_bridgepooltable"
    )


def _pool(row: Row, world: World) -> Iterator[Model]:
    try:
        reserved = bitmaps.ranges(bitmaps.taken(row["reserved_map"], row["size"]))
    except ValueError as error:
        world.report.obstacle(f"pool that cannot be read: {error}", f"{row['kind']} {row['base']}")
        return
    yield Pool(kind=row["kind"], base=row["base"], offset=row["start"], size=row["size"], reserved=reserved)


def _uses(source: Source) -> Sql:
    return (
        "SELECT id AS key, flavor, link, mac_prefix FROM db_network"
        " WHERE NOT deleted AND flavor IN ('MAC_FILTERED', 'PHYSICAL_VLAN')"
    )


def _use(row: Row, world: World) -> Iterator[Model]:
    """A network has its value of the pool of its kind, if there is one that has that value."""
    filtered = row["flavor"] == Network.Kind.MAC_FILTERED
    value = row["mac_prefix"] if filtered else row["link"]
    kind = Pool.Kind.MAC_PREFIX if filtered else Pool.Kind.BRIDGE
    for pool in Pool.objects.filter(kind=kind).order_by("pk"):
        number = _place(pool, value or "")
        if number is not None:
            yield PoolUse(pool=pool, number=number, network_id=row["key"])
            return
    if Pool.objects.filter(kind=kind).exists():
        world.report.note("network whose value is of no pool", f"{row['key']} {value}")


def _place(pool: Pool, value: str) -> int | None:
    """``aa:00:1`` is 1 after ``aa:00:0``; ``prv1`` is the first of ``prv``."""
    try:
        if pool.kind == Pool.Kind.MAC_PREFIX:
            number = int(value.replace(":", ""), 16) - int(pool.base.replace(":", ""), 16)
        else:
            number = int(value.removeprefix(pool.base)) - 1 if value.startswith(pool.base) else -1
    except ValueError:
        return None
    number -= pool.offset
    return number if 0 <= number < pool.size else None


def listed(text: str | None) -> list[str]:
    """Values that were written with commas between them."""
    return [word for word in (text or "").split(",") if word]


STEPS: tuple[Step[World], ...] = (
    Step("networks", of_table("db_network"), _network, (Numbered(Network, "db_network"),)),
    Step("networks in clusters", _in_backends, _in_backend, (Numbered(BackendNetwork, "db_backendnetwork"),)),
    Step("subnets", _subnets, _subnet, (Numbered(Subnet, "db_subnet"),)),
    Step("pools", _pools, _pool),
    Step("values of pools", _uses, _use),
)
