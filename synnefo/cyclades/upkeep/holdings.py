"""What there is against what is charged for it: each user's share of a project, and each project's pool."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from synnefo.common.accounts import Held, Provision, accounts, provisions_for
from synnefo.common.faults import ItemNotFound, OverLimit
from synnefo.cyclades.networks.models import IPAddress, Network
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.volumes import rules as volumes
from synnefo.cyclades.volumes.models import Volume
from synnefo.engine.charging import charged

RESOURCES = (
    "cyclades.vm", "cyclades.total_cpu", "cyclades.cpu", "cyclades.total_ram", "cyclades.ram",
    "cyclades.disk", "cyclades.network.private", "cyclades.floating_ip",
)  # fmt: skip

#: Holder, source, resource.
Key = tuple[str, str | None, str]
Charge = tuple[str, str, Mapping[str, int]]


@dataclasses.dataclass(frozen=True)
class Difference:
    """``held`` is None where nothing can be charged: the holder has no share, or the project is unknown."""

    key: Key
    stored: int
    held: Held | None

    @property
    def charged(self) -> int:
        return self.held.usage if self.held else 0

    @property
    def state(self) -> str:
        if self.held is None:
            return "unknown to Astakos"
        return "a commission waits" if self.held.pending else "differs"


def differences(*, user: str | None = None, project: str | None = None) -> list[Difference]:
    """Of everybody; or of one user's shares, or of one project's shares and pool.

    What is being changed while this looks may differ for a moment: only what differs twice is told.
    """
    first = {one.key: one for one in _differences()}
    found = [one for one in _differences() if first.get(one.key) == one] if first else []
    return [one for one in found if _is_asked_for(one.key, user, project)]


def mend(found: Iterable[Difference], *, force: bool = False) -> list[tuple[Difference, str]]:
    """Charge what there is; returns those with which that could not be done, and why."""
    left = []
    for one in found:
        if one.held is None or one.held.pending:
            left.append((one, one.state))
            continue
        holder, source, resource = one.key
        wanted = [Provision(holder, source, resource, one.stored - one.charged)]
        try:
            with charged(wanted, name="reconcile", force=force or one.stored < one.charged):
                pass  # nothing but the charge is to change
        except (OverLimit, ItemNotFound) as fault:
            left.append((one, fault.message))
    return left


def stored() -> Counter[Key]:
    """What all that there is costs."""
    total: Counter[Key] = Counter()
    for user, project, amounts in _charges():
        for one in provisions_for(user, project, amounts):
            total[one.holder, one.source, one.resource] += one.quantity
    return total


def _charges() -> Iterator[Charge]:
    """User, project and amounts of everything (spec: cyclades 3.2)."""
    for server in Server.objects.filter(deleted=False).select_related("flavor").iterator():
        running = server.flavor.running_charge if server.charged_as_running else {}
        yield server.userid, server.project, {**server.flavor.lasting_charge, **running}
    for volume in Volume.objects.filter(deleted=False).iterator():
        yield volume.userid, volume.project, volumes.cost(volume)
    for network in Network.objects.filter(deleted=False, public=False).iterator():
        yield network.userid, network.project, {"cyclades.network.private": 1}
    for address in IPAddress.objects.filter(floating_ip=True).iterator():
        yield address.userid, address.project, {"cyclades.floating_ip": 1}


def _differences() -> list[Difference]:
    held = {
        (one.holder, one.source, resource): one for resource in RESOURCES for one in accounts().held(resource)
    }
    there = stored()
    keys = sorted({*there, *held}, key=_order)
    compared = [Difference(key, there[key], held.get(key)) for key in keys]
    return [one for one in compared if one.stored != one.charged or (one.held and one.held.pending)]


def _order(key: Key) -> tuple[bool, str, str, str]:
    """Users first, then projects."""
    return key[1] is None, key[0], key[1] or "", key[2]


def _is_asked_for(key: Key, user: str | None, project: str | None) -> bool:
    holder, source, _ = key
    if user is not None and holder != f"user:{user}":
        return False
    return project is None or (source or holder) == f"project:{project}"
