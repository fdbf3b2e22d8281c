"""A project's quota as the token's user meets it, in the words of Nova and Neutron."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from django.conf import settings

from synnefo.common.accounts import QuotaUse, accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden
from synnefo.common.units import INFINITE, MIB
from synnefo.cyclades.openstack import kit

UNLIMITED = -1


@dataclasses.dataclass(frozen=True, slots=True)
class Amount:
    """``limit`` is -1 for none; what is reserved is not counted as used."""

    limit: int
    used: int = 0
    reserved: int = 0


def amounts_of(caller: Caller, project: str) -> dict[str, Amount]:
    """Amounts by Nova's names, RAM in MiB. Raises Forbidden for a project that is not the caller's."""
    uuid = kit.wanted_id(project)
    if uuid not in caller.projects:
        raise Forbidden("Only members of a project see its quota.")
    uses = accounts().quotas(caller.user, uuid)
    return {
        "instances": _amount(uses, "cyclades.vm"),
        "cores": _tighter(_amount(uses, "cyclades.cpu"), _amount(uses, "cyclades.total_cpu")),
        "ram": _tighter(_amount(uses, "cyclades.ram", MIB), _amount(uses, "cyclades.total_ram", MIB)),
        "floating_ips": _amount(uses, "cyclades.floating_ip"),
        "networks": _amount(uses, "cyclades.network.private"),
        "key_pairs": Amount(settings.CYCLADES_MAX_KEYPAIRS),
        "metadata_items": Amount(settings.CYCLADES_VM_MAX_METADATA),
    }


def _amount(uses: Mapping[str, QuotaUse], resource: str, unit: int = 1) -> Amount:
    use = uses.get(resource)
    if use is None:
        return Amount(0)
    most = use.effective_limit
    limit = UNLIMITED if most >= INFINITE // 2 else max(most, 0) // unit
    return Amount(limit, (use.usage - use.pending) // unit, use.pending // unit)


def _tighter(running: Amount, lasting: Amount) -> Amount:
    """Of a limit on what runs and one on what exists, the one that leaves less."""
    return min((lasting, running), key=_left)


def _left(amount: Amount) -> float:
    return float("inf") if amount.limit == UNLIMITED else amount.limit - amount.used - amount.reserved
