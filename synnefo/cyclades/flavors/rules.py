"""What may be done with flavors."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.flavors.models import Flavor
from synnefo.cyclades.volume_types import rules as volume_types

LIMITS = {"cpu": 256, "ram": 4 * 1024 * 1024, "disk": 1024 * 1024}


def flavors_for(caller: Caller) -> QuerySet[Flavor]:
    """The flavors that the caller may see; administrators see private ones too."""
    rows = Flavor.objects.filter(deleted=False).select_related("volume_type")
    return rows if caller.is_admin else rows.filter(public=True)


def get(caller: Caller, uuid: str) -> Flavor:
    """One flavor by uuid, also one that a server of the caller's still has. Raises ItemNotFound."""
    flavor = _readable(caller).filter(uuid=uuid).first()
    if flavor is None:
        raise ItemNotFound(f"Flavor {uuid} could not be found.")
    return flavor


def find(caller: Caller, flavor_id: int) -> Flavor:
    """The same by its integer id, also one that is retired. Raises ItemNotFound."""
    flavor = _readable(caller).filter(pk=flavor_id).first()
    if flavor is None:
        raise ItemNotFound("Flavor not found.")
    return flavor


def create(caller: Caller, *, cpu: int, ram: int, disk: int, volume_type: str = "local") -> Flavor:
    """A new size (RAM in MiB, disk in GiB); one that was deleted comes back. Raises BadRequest, Conflict."""
    if not caller.is_admin:
        raise Forbidden("Only administrators make flavors.")
    sizes: dict[str, Any] = {"cpu": cpu, "ram": ram, "disk": disk}
    for name, value in sizes.items():
        if not 1 <= value <= LIMITS[name]:
            raise BadRequest(f"{name} must be between 1 and {LIMITS[name]}")
    with atomic():
        kind = volume_types.of_template(caller, volume_type)
        flavor, made = Flavor.objects.get_or_create(**sizes, volume_type=kind, label="")
        if not made and not flavor.deleted:
            raise Conflict(f"Flavor {flavor.name} exists already.")
        flavor.deleted = False
        flavor.save()
        record(caller, "flavor.create", "flavor", flavor.pk, name=flavor.name)
    return flavor


def modify(
    caller: Caller, flavor_id: int, *, public: bool | None = None, allow_create: bool | None = None,
    deleted: bool | None = None,
) -> Flavor:  # fmt: skip
    """Change who sees a flavor, whether servers are made with it, or retire it. Raises ItemNotFound."""
    if not caller.is_admin:
        raise Forbidden("Only administrators change flavors.")
    changes = {"public": public, "allow_create": allow_create, "deleted": deleted}
    wanted: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    with atomic():
        if not Flavor.objects.filter(pk=flavor_id).update(**wanted):
            raise ItemNotFound(f"Flavor {flavor_id} could not be found.")
        record(caller, "flavor.modify", "flavor", flavor_id, **wanted)
    return Flavor.objects.select_related("volume_type").get(pk=flavor_id)


def _readable(caller: Caller) -> QuerySet[Flavor]:
    rows = Flavor.objects.select_related("volume_type")
    if caller.is_admin:
        return rows
    return rows.filter(Q(public=True) | Q(servers__userid=caller.user)).distinct()
