"""A project's quota of volumes as the token's user meets it, in Cinder's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from synnefo.common.accounts import accounts
from synnefo.common.caller import Caller
from synnefo.common.faults import Forbidden
from synnefo.common.units import GIB, INFINITE
from synnefo.cyclades.images.models import Image
from synnefo.cyclades.openstack import kit, quotas
from synnefo.cyclades.volume_types import rules as volume_types
from synnefo.cyclades.volumes import rules
from synnefo.cyclades.volumes.models import Volume

router = Router()

#: What this cloud does not have.
_ABSENT = ("backups", "backup_gigabytes", "groups")
_LIMITED_BY_PROJECTS = "Quotas are those of projects: change the project."


class Usage(kit.Listing):
    usage: bool = False


def amounts_of(caller: Caller, project: str) -> dict[str, quotas.Amount]:
    """Amounts by Cinder's names. Raises Forbidden for a project that is not the caller's."""
    uuid = kit.wanted_id(project)
    if uuid not in caller.projects:
        raise Forbidden("Only members of a project see its quota.")
    live = Volume.objects.filter(project=uuid, deleted=False)
    totals = live.aggregate(count=Count("pk"))
    kept = Image.objects.filter(project=uuid, is_snapshot=True, deleted=False).count()
    found = {
        "volumes": quotas.Amount(quotas.UNLIMITED, totals["count"]),
        "snapshots": quotas.Amount(quotas.UNLIMITED, kept),
        "gigabytes": _disk(caller, uuid),
        "per_volume_gigabytes": quotas.Amount(settings.CYCLADES_VOLUME_MAX_SIZE),
        **dict.fromkeys(_ABSENT, quotas.Amount(0)),
    }
    taken = _by_type(uuid)
    for kind in volume_types.types_for(caller).order_by("pk"):
        count, size_gib = taken.get(kind.pk, (0, 0))
        most = rules.most_of_type(kind)
        found[f"volumes_{kind.name}"] = quotas.Amount(quotas.UNLIMITED, count)
        found[f"gigabytes_{kind.name}"] = quotas.Amount(quotas.UNLIMITED if most is None else most, size_gib)
        found[f"snapshots_{kind.name}"] = quotas.Amount(quotas.UNLIMITED)
    return found


@router.get("/limits")
def show_limits(request: HttpRequest) -> HttpResponse:
    caller = kit.caller_of(request)
    found = amounts_of(caller, caller.project)
    absolute = {
        "maxTotalVolumes": found["volumes"].limit,
        "maxTotalSnapshots": found["snapshots"].limit,
        "maxTotalVolumeGigabytes": found["gigabytes"].limit,
        "maxTotalBackups": 0,
        "maxTotalBackupGigabytes": 0,
        "totalVolumesUsed": found["volumes"].used,
        "totalSnapshotsUsed": found["snapshots"].used,
        "totalGigabytesUsed": found["gigabytes"].used + found["gigabytes"].reserved,
        "totalBackupsUsed": 0,
        "totalBackupGigabytesUsed": 0,
    }
    return kit.answer({"limits": {"rate": [], "absolute": absolute}})


@router.get("/os-quota-sets/{target_id}")
def show_quota(request: HttpRequest, target_id: str, how: Query[Usage]) -> HttpResponse:
    found = amounts_of(kit.caller_of(request), target_id)
    shown: dict[str, Any] = _used(found) if how.usage else _limits(found)
    return kit.answer({"quota_set": {"id": target_id, **shown}})


@router.get("/os-quota-sets/{target_id}/defaults")
def show_default_quota(request: HttpRequest, target_id: str) -> HttpResponse:
    """What a project of the caller's has stands for the defaults, which projects' resources have."""
    found = amounts_of(kit.caller_of(request), target_id)
    return kit.answer({"quota_set": {"id": target_id, **_limits(found)}})


@router.put("/os-quota-sets/{target_id}")
def change_quota(request: HttpRequest, target_id: str) -> HttpResponse:
    raise Forbidden(_LIMITED_BY_PROJECTS)


@router.delete("/os-quota-sets/{target_id}")
def forget_quota(request: HttpRequest, target_id: str) -> HttpResponse:
    raise Forbidden(_LIMITED_BY_PROJECTS)


@router.get("/os-quota-class-sets/{class_name}")
def show_quota_class(request: HttpRequest, class_name: str) -> HttpResponse:
    """One class, ``default``: that of the caller's project."""
    caller = kit.caller_of(request)
    if not caller.is_admin:
        raise Forbidden("Only administrators see quota classes.")
    found = amounts_of(caller, caller.project)
    return kit.answer({"quota_class_set": {"id": class_name, **_limits(found)}})


def _disk(caller: Caller, project: str) -> quotas.Amount:
    use = accounts().quotas(caller.user, project).get("cyclades.disk")
    if use is None:
        return quotas.Amount(0)
    most = use.effective_limit
    limit = quotas.UNLIMITED if most >= INFINITE // 2 else max(most, 0) // GIB
    return quotas.Amount(limit, (use.usage - use.pending) // GIB, use.pending // GIB)


def _by_type(project: str) -> dict[int, tuple[int, int]]:
    rows = Volume.objects.filter(project=project, deleted=False).values("volume_type")
    counted = rows.annotate(count=Count("pk"), sum=Sum("size_gib")).order_by("volume_type")
    return {row["volume_type"]: (row["count"], row["sum"]) for row in counted}


def _limits(found: Mapping[str, quotas.Amount]) -> dict[str, int]:
    return {name: amount.limit for name, amount in found.items()}


def _used(found: Mapping[str, quotas.Amount]) -> dict[str, dict[str, int]]:
    return {
        name: {"limit": amount.limit, "in_use": amount.used, "reserved": amount.reserved, "allocated": 0}
        for name, amount in found.items()
    }
