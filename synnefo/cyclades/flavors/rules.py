"""What may be done with flavors: who sees them, who makes them, what is said of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.cyclades.flavors.models import Flavor, FlavorAccess, FlavorSpec
from synnefo.cyclades.volume_types import rules as volume_types
from synnefo.cyclades.volume_types.models import VolumeType

LIMITS = {"cpu": 256, "ram": 4 * 1024 * 1024, "disk": 1024 * 1024}
LONGEST_TEXT = 255


def flavors_for(caller: Caller) -> QuerySet[Flavor]:
    """The one door: public flavors, and those that projects of the caller's have; administrators see all."""
    rows = Flavor.objects.filter(deleted=False).select_related("volume_type")
    return rows if caller.is_admin else rows.filter(_open_to(caller))


def get(caller: Caller, ref: str) -> Flavor:
    """One flavor by its OpenStack id, or one that a server of the caller's still has. Raises ItemNotFound."""
    rows = _readable(caller).filter(Q(deleted=False) | Q(servers__userid=caller.user)).distinct()
    flavor = rows.filter(named(ref)).order_by("deleted").first()
    if flavor is None:
        raise ItemNotFound(f"Flavor {ref} could not be found.")
    return flavor


def find(caller: Caller, flavor_id: int) -> Flavor:
    """The same by its integer id, also one that is retired. Raises ItemNotFound."""
    flavor = _readable(caller).filter(pk=flavor_id).first()
    if flavor is None:
        raise ItemNotFound("Flavor not found.")
    return flavor


def named(ref: str) -> Q:
    """Those with this OpenStack id: the one that an administrator chose, otherwise the uuid."""
    return Q(ref=ref) | Q(uuid=ref, ref="") if ref else Q(pk__in=())


def create(
    caller: Caller, *, cpu: int, ram: int, disk: int, volume_type: str | int = "local", label: str = "",
    ref: str = "", description: str = "", public: bool = True, swap_mib: int = 0, ephemeral_gib: int = 0,
) -> Flavor:  # fmt: skip
    """A new size (RAM in MiB, disk in GiB).

    ``volume_type`` is a type's id, or a disk template. With a name of its own (``label``) there may be many
    of a size, one without a disk, and one with empty disks beside it, which go with the server
    (``ephemeral_gib``, ``swap_mib``); without, one that was deleted comes back. Raises BadRequest, Conflict.
    """
    _check_admin(caller)
    _check_sizes({"cpu": cpu, "ram": ram, "disk": disk}, least_disk=0 if label else 1)
    _check_sizes({"disk": ephemeral_gib, "ram": swap_mib}, least_disk=0, least_ram=0)
    with atomic():
        sizes: dict[str, Any] = {
            "cpu": cpu,
            "ram": ram,
            "disk": disk,
            "volume_type": _type(caller, volume_type),
        }
        if label:
            _check_names(label, ref)
            flavor = Flavor.objects.create(
                **sizes, label=label, ref=ref, description=description, public=public,
                swap_mib=swap_mib, ephemeral_gib=ephemeral_gib,
            )  # fmt: skip
        else:
            flavor, made = Flavor.objects.get_or_create(**sizes, label="")
            if not made and not flavor.deleted:
                raise Conflict(f"Flavor {flavor.name} exists already.")
            flavor.deleted, flavor.public = False, public
            flavor.save()
        record(caller, "flavor.create", "flavor", flavor.pk, name=flavor.name)
    return flavor


def modify(
    caller: Caller, flavor_id: int, *, public: bool | None = None, allow_create: bool | None = None,
    deleted: bool | None = None,
) -> Flavor:  # fmt: skip
    """Change who sees a flavor, whether servers are made with it, or retire it. Raises ItemNotFound."""
    _check_admin(caller)
    changes = {"public": public, "allow_create": allow_create, "deleted": deleted}
    wanted: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    with atomic():
        flavor = _row(flavor_id)
        if deleted is False and flavor.deleted and flavor.label:
            _check_names(flavor.label, flavor.ref)
        Flavor.objects.filter(pk=flavor_id).update(**wanted)
        record(caller, "flavor.modify", "flavor", flavor_id, **wanted)
    return _row(flavor_id)


def specs_of(flavor: Flavor) -> dict[str, str]:
    return {spec.key: spec.value for spec in sorted(flavor.specs.all(), key=lambda spec: spec.key)}


def set_specs(caller: Caller, flavor: Flavor, wanted: Mapping[str, str]) -> dict[str, str]:
    """Say something more of a flavor, or something else; returns all that is said. Raises BadRequest."""
    _check_admin(caller)
    for key, value in wanted.items():
        if not 1 <= len(key) <= LONGEST_TEXT or len(value) > LONGEST_TEXT:
            raise BadRequest(f"Keys have 1 to {LONGEST_TEXT} characters, values at most {LONGEST_TEXT}.")
    with atomic():
        for key, value in wanted.items():
            FlavorSpec.objects.update_or_create(flavor=flavor, key=key, defaults={"value": value})
        record(caller, "flavor.specs", "flavor", flavor.pk, set=sorted(wanted))
    return dict(flavor.specs.order_by("key").values_list("key", "value"))


def delete_specs(caller: Caller, flavor: Flavor, keys: Iterable[str]) -> None:
    """Raises ItemNotFound for a key that is not there; then nothing is taken away."""
    _check_admin(caller)
    with atomic():
        for key in keys:
            if not flavor.specs.filter(key=key).delete()[0]:
                raise ItemNotFound(f"Flavor {flavor.openstack_id} has no extra specs with key {key}.")
            record(caller, "flavor.specs", "flavor", flavor.pk, removed=key)


def grant(caller: Caller, flavor: Flavor, project: str) -> FlavorAccess:
    """Let a project use a flavor that is not public. Raises Conflict (public, or granted before)."""
    _check_admin(caller)
    if not project or len(project) > LONGEST_TEXT:
        raise BadRequest("A project's id is needed.")
    if flavor.public:
        raise Conflict(f"Flavor {flavor.openstack_id} is public: everybody may use it.")
    with atomic():
        access, made = FlavorAccess.objects.get_or_create(flavor=flavor, project=project)
        if not made:
            raise Conflict(
                f"Flavor access already exists for flavor {flavor.openstack_id} and project {project}."
            )
        record(caller, "flavor.grant", "flavor", flavor.pk, project=project)
    return access


def revoke(caller: Caller, flavor: Flavor, project: str) -> None:
    """Raises ItemNotFound if the project had no grant."""
    _check_admin(caller)
    with atomic():
        if not flavor.access.filter(project=project).delete()[0]:
            raise ItemNotFound(f"Flavor access not found for {flavor.openstack_id} / {project} combination.")
        record(caller, "flavor.revoke", "flavor", flavor.pk, project=project)


def projects_of(caller: Caller, flavor: Flavor) -> list[str]:
    """The projects with a grant; to others than administrators only their own."""
    granted = sorted(access.project for access in flavor.access.all())
    return granted if caller.is_admin else [project for project in granted if project in _projects(caller)]


def _open_to(caller: Caller) -> Q:
    granted = FlavorAccess.objects.filter(project__in=_projects(caller))
    return Q(public=True) | Q(pk__in=granted.values("flavor"))


def _projects(caller: Caller) -> frozenset[str]:
    return frozenset({caller.project}) if caller.scope is Scope.PROJECT else caller.projects


def _readable(caller: Caller) -> QuerySet[Flavor]:
    rows = Flavor.objects.select_related("volume_type").prefetch_related("access")
    if caller.is_admin:
        return rows
    own = Flavor.objects.filter(servers__userid=caller.user).values("pk")
    return rows.filter(_open_to(caller) | Q(pk__in=own))


def _row(flavor_id: int) -> Flavor:
    found = Flavor.objects.select_related("volume_type").filter(pk=flavor_id).first()
    if found is None:
        raise ItemNotFound(f"Flavor {flavor_id} could not be found.")
    return found


def _type(caller: Caller, wanted: str | int) -> VolumeType:
    """The volume type with the id, or the first one of the template. Raises BadRequest."""
    if isinstance(wanted, str) and not wanted.isdecimal():
        return volume_types.of_template(caller, wanted)
    found = volume_types.types_for(caller).filter(pk=int(wanted)).first()
    if found is None:
        raise BadRequest(f"There is no volume type {wanted}.")
    return found


def _check_admin(caller: Caller) -> None:
    if not caller.is_admin:
        raise Forbidden("Only administrators make and change flavors.")


def _check_sizes(sizes: Mapping[str, int], *, least_disk: int, least_ram: int = 1) -> None:
    for name, value in sizes.items():
        least = {"disk": least_disk, "ram": least_ram}.get(name, 1)
        if not least <= value <= LIMITS[name]:
            raise BadRequest(f"{name} must be between {least} and {LIMITS[name]}")


def _check_names(label: str, ref: str) -> None:
    """Raises BadRequest for a name that is none, Conflict for a name or id that another one has."""
    if not label.isprintable() or not label.strip() or len(label) > LONGEST_TEXT:
        raise BadRequest(f"A flavor's name has 1 to {LONGEST_TEXT} printable characters.")
    live = Flavor.objects.filter(deleted=False)
    if live.filter(label=label).exists():
        raise Conflict(f"Flavor with name {label} already exists.")
    if ref and live.filter(Q(ref=ref) | Q(uuid=ref)).exists():
        raise Conflict(f"Flavor with ID {ref} already exists.")
