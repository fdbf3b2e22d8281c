"""Pools of bridges and of MAC prefixes, and what networks of each kind get of them.

A pool's values are numbered from 0: a bridge is its base and the number (with the offset) plus one, a MAC
prefix its base as a hexadecimal number plus the number. A network keeps its value until it is gone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.conf import settings

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, ItemNotFound, ServiceUnavailable
from synnefo.common.transactions import atomic
from synnefo.cyclades.networks import allocation, numbers
from synnefo.cyclades.networks.models import Network, Pool, PoolUse

TARGET = "pool"
MAX_SIZE = 1 << 20
DEFAULT_MAC_BASE = "aa:00:0"
_MAC_PREFIX = re.compile(r"[0-9a-f]{1,2}(:[0-9a-f]{2})*(:[0-9a-f]{1,2})?")
_TAGS = {
    Network.Kind.CUSTOM: [],
    Network.Kind.IP_LESS_ROUTED: ["ip-less-routed"],
    Network.Kind.MAC_FILTERED: ["private-filtered"],
    Network.Kind.PHYSICAL_VLAN: ["physical-vlan"],
}


def settle(
    network: Network, *, mode: str = "", link: str = "", mac_prefix: str = "", tags: Sequence[str] = ()
) -> None:
    """Give a new network what its kind has: of a pool, of the settings, or as an administrator says.

    Raises BadRequest (what a pool gives is not chosen; a link in use), ServiceUnavailable (an empty pool).
    """
    kind = Network.Kind(network.kind)
    if kind is Network.Kind.MAC_FILTERED and mac_prefix:
        raise BadRequest("The MAC prefix of a MAC_FILTERED network is one of the pool's.")
    if kind is Network.Kind.PHYSICAL_VLAN and link:
        raise BadRequest("The link of a PHYSICAL_VLAN network is one of the pool's.")
    routed = kind is Network.Kind.IP_LESS_ROUTED
    network.mode = mode or ("routed" if routed else "bridged")
    network.mac_prefix = mac_prefix
    network.tags = sorted({*_TAGS[kind], *tags})
    if kind is Network.Kind.MAC_FILTERED:
        network.link = link or settings.DEFAULT_MAC_FILTERED_BRIDGE
        if Pool.objects.filter(kind=Pool.Kind.MAC_PREFIX).exists():
            network.mac_prefix = take(Pool.Kind.MAC_PREFIX, network)
    elif kind is Network.Kind.PHYSICAL_VLAN:
        network.link = take(Pool.Kind.BRIDGE, network)
    elif routed:
        network.link = link or f"{settings.BACKEND_PREFIX_ID}link-{network.pk}"
        if Network.objects.filter(deleted=False, link=network.link).exclude(pk=network.pk).exists():
            raise BadRequest(f"Link '{network.link}' is already used.")
    else:
        network.link = link or settings.DEFAULT_BRIDGE
    network.save()


def take(kind: Pool.Kind, network: Network) -> str:
    """The lowest free value of the kind's pools. Raises ServiceUnavailable if there is none."""
    for pool in Pool.objects.select_for_update().filter(kind=kind).order_by("pk"):
        runs = allocation.without([(0, pool.size - 1)], pool.reserved)
        number = numbers.lowest_free(PoolUse.objects.filter(pool=pool), runs)
        if number is not None:
            PoolUse.objects.create(pool=pool, number=number, network=network)
            return value_of(pool, number)
    raise ServiceUnavailable(f"Failed to allocate a {kind.value} for a network: none is left.")


def value_of(pool: Pool, number: int) -> str:
    """``prv1`` of a pool of bridges, ``aa:00:01`` of one of MAC prefixes."""
    number += pool.offset
    if pool.kind == Pool.Kind.BRIDGE:
        return f"{pool.base}{number + 1}"
    digits = pool.base.replace(":", "")
    text = f"{int(digits, 16) + number:0{len(digits)}x}"
    return ":".join(text[place : place + 2] for place in range(0, len(text), 2))


def number_of(pool: Pool, value: str) -> int | None:
    """The number of a value; None if the pool has none such."""
    try:
        if pool.kind == Pool.Kind.BRIDGE:
            number = int(value.removeprefix(pool.base)) - 1 - pool.offset
        else:
            number = int(value.replace(":", ""), 16) - int(pool.base.replace(":", ""), 16) - pool.offset
    except ValueError:
        return None
    return number if 0 <= number < pool.size and value_of(pool, number) == value else None


def create(caller: Caller, kind: Pool.Kind, *, base: str, size: int, offset: int = 0) -> Pool:
    """The pool of a kind. Raises Conflict if there is one, BadRequest."""
    base = base or (DEFAULT_MAC_BASE if kind is Pool.Kind.MAC_PREFIX else "")
    with atomic():
        if Pool.objects.filter(kind=kind).exists():
            raise Conflict(f"There is a pool of type {kind.value} already.")
        pool = Pool(kind=kind, base=base, offset=offset, size=size)
        _check(pool)
        pool.reserved = _never_given(pool)
        pool.save()
        record(caller, "pool.create", TARGET, pool.pk, pool=kind.value, base=base, size=size)
    return pool


def get(pool_id: int, kind: Pool.Kind | None = None) -> Pool:
    rows = Pool.objects.filter(pk=pool_id)
    found = (rows if kind is None else rows.filter(kind=kind)).first()
    if found is None:
        raise ItemNotFound(f"Pool {pool_id} not found.")
    return found


def modify(
    caller: Caller, pool_id: int, *, base: str | None = None, offset: int | None = None,
    size: int | None = None, reserve: Sequence[str] = (), release: Sequence[str] = (),
) -> Pool:  # fmt: skip
    """Change a pool. What is in use stays a value of it. Raises Conflict, BadRequest, ItemNotFound."""
    with atomic():
        pool = Pool.objects.select_for_update().get(pk=get(pool_id).pk)
        uses = list(pool.uses.order_by("-number").values_list("number", flat=True)[:1])
        if uses and (base not in (None, pool.base) or offset not in (None, pool.offset)):
            raise Conflict("Values of the pool are in use, so its base and offset stay.")
        if size is not None and uses and size <= uses[0]:
            raise Conflict(f"Value {value_of(pool, uses[0])} is in use, so the pool cannot end before it.")
        pool.base = pool.base if base is None else base
        pool.offset = pool.offset if offset is None else offset
        pool.size = pool.size if size is None else size
        _check(pool)
        kept = allocation.without(pool.reserved, [_run(pool, value) for value in release])
        runs = allocation.merged([*kept, *(_run(pool, value) for value in reserve), *_never_given(pool)])
        pool.reserved = [(low, min(high, pool.size - 1)) for low, high in runs if low < pool.size]
        pool.save()
        record(caller, "pool.modify", TARGET, pool.pk)
    return pool


def remove(caller: Caller, pool_id: int) -> None:
    """Raises Conflict while a network has a value of it."""
    with atomic():
        pool = Pool.objects.select_for_update().get(pk=get(pool_id).pk)
        if pool.uses.exists():
            raise Conflict("Values of the pool are in use.")
        record(caller, "pool.remove", TARGET, pool.pk)
        pool.delete()


def reconcile(*, fix: bool) -> list[str]:
    """What differs between pools and the networks that have values of them, in words.

    With ``fix`` uses are written as networks have them. Values that two networks have, and addresses that a
    network has twice, are only told: which is right cannot be known.
    """
    told = []
    with atomic():
        for pool in Pool.objects.select_for_update().order_by("pk"):
            told += _compared(pool, fix=fix)
    return told


def _compared(pool: Pool, *, fix: bool) -> list[str]:
    column = "link" if pool.kind == Pool.Kind.BRIDGE else "mac_prefix"
    kind = Network.Kind.PHYSICAL_VLAN if pool.kind == Pool.Kind.BRIDGE else Network.Kind.MAC_FILTERED
    held: dict[int, list[int]] = {}
    for network_id, value in Network.objects.filter(kind=kind, deleted=False).values_list("pk", column):
        number = number_of(pool, value)
        if number is not None:
            held.setdefault(number, []).append(network_id)
    written = dict(pool.uses.values_list("number", "network"))
    told = [
        f"{pool.kind} {value_of(pool, number)}: several networks have it: {', '.join(map(str, networks))}"
        for number, networks in sorted(held.items())
        if len(networks) > 1
    ]
    for number in sorted(held.keys() | written.keys()):
        right, said = held.get(number, [None])[0], written.get(number)
        if said in held.get(number, [None]):
            continue
        told.append(f"{pool.kind} {value_of(pool, number)}: network {right} has it, the pool says {said}")
        if fix:
            pool.uses.filter(number=number).delete()
            if right is not None:
                PoolUse.objects.create(pool=pool, number=number, network_id=right)
    return told


def _run(pool: Pool, value: str) -> allocation.Pool:
    """A value, or FIRST-LAST of two, as numbers. Raises BadRequest."""
    first, _, last = value.partition("-")
    ends = [number_of(pool, text) for text in (first, last or first)]
    if ends[0] is None or ends[1] is None or ends[1] < ends[0]:
        raise BadRequest(f"{value!r} is not in the pool.")
    return ends[0], ends[1]


def _check(pool: Pool) -> None:
    if not 1 <= pool.size <= MAX_SIZE or not 0 <= pool.offset <= MAX_SIZE:
        raise BadRequest(f"The size of a pool is between 1 and {MAX_SIZE}.")
    if pool.kind == Pool.Kind.BRIDGE:
        if not re.fullmatch(r"[A-Za-z][\w.-]*", pool.base) or len(value_of(pool, pool.size - 1)) > 15:
            raise BadRequest(f"{pool.base!r} is no name that bridges can begin with.")
        return
    digits = pool.base.replace(":", "")
    fits = _MAC_PREFIX.fullmatch(pool.base) and 2 <= len(digits) <= 11
    if not fits or len(value_of(pool, pool.size - 1).replace(":", "")) > len(digits):
        raise BadRequest(f"{pool.base!r} is no MAC prefix with {pool.size} others after it.")


def _never_given(pool: Pool) -> list[allocation.Pool]:
    """Of MAC prefixes the first, which is for public networks, and those that are no local ones of cards."""
    if pool.kind == Pool.Kind.BRIDGE:
        return []
    bad = [number for number in range(pool.size) if number == 0 or not _is_local(value_of(pool, number))]
    return allocation.merged((number, number) for number in bad)


def _is_local(prefix: str) -> bool:
    return int(prefix[:2], 16) & 0b11 == 0b10
