"""A project's quota as the token's user meets it, in the words of Nova and Neutron."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from django.conf import settings

from synnefo.common.accounts import QuotaUse, accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden
from synnefo.common.units import INFINITE, MIB
from synnefo.cyclades.networks.models import SecurityGroup, SecurityRule
from synnefo.cyclades.openstack import kit
from synnefo.cyclades.servers.models import ServerGroup

UNLIMITED = -1
LONGEST_PATH = 255
_RESOURCES = (
    "cyclades.vm", "cyclades.cpu", "cyclades.total_cpu", "cyclades.ram", "cyclades.total_ram",
    "cyclades.floating_ip", "cyclades.network.private",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Amount:
    """``limit`` is -1 for none; what is reserved is not counted as used."""

    limit: int
    used: int = 0
    reserved: int = 0


def amounts_of(caller: Caller, project: str) -> dict[str, Amount]:
    """Amounts by Nova's names, RAM in MiB, as the caller meets them; to administrators those of any project.

    Raises Forbidden for a project that is not the caller's.
    """
    uuid = kit.wanted_id(project)
    if uuid in caller.projects:
        uses = accounts().quotas(caller.user, uuid)
    elif caller.is_admin:
        uses = _pools(uuid)
    else:
        raise Forbidden("Only members of a project see its quota.")
    groups = SecurityGroup.objects.filter(project=uuid)
    rules = SecurityRule.objects.filter(group__project=uuid)
    return {
        "instances": _amount(uses, "cyclades.vm"),
        "cores": _tighter(_amount(uses, "cyclades.cpu"), _amount(uses, "cyclades.total_cpu")),
        "ram": _tighter(_amount(uses, "cyclades.ram", MIB), _amount(uses, "cyclades.total_ram", MIB)),
        "floating_ips": _amount(uses, "cyclades.floating_ip"),
        "networks": _amount(uses, "cyclades.network.private"),
        "key_pairs": Amount(settings.CYCLADES_MAX_KEYPAIRS),
        "metadata_items": Amount(settings.CYCLADES_VM_MAX_METADATA),
        "security_groups": Amount(settings.CYCLADES_MAX_SECURITY_GROUPS, groups.count()),
        "security_group_rules": Amount(settings.CYCLADES_MAX_SECURITY_RULES, rules.count()),
        "server_groups": Amount(UNLIMITED, ServerGroup.objects.filter(project=uuid).count()),
        "server_group_members": Amount(UNLIMITED),
        "injected_files": Amount(settings.CYCLADES_MAX_PERSONALITY),
        "injected_file_content_bytes": Amount(settings.CYCLADES_MAX_PERSONALITY_SIZE),
        "injected_file_path_bytes": Amount(LONGEST_PATH),
    }


def _pools(project: str) -> dict[str, QuotaUse]:
    """What all members of a project share."""
    found = {}
    for resource in _RESOURCES:
        for held in accounts().held(resource):
            if held.holder == f"project:{project}":
                found[resource] = QuotaUse(*(held.limit, held.usage, held.pending) * 2)
    return found


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
