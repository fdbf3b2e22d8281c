"""What may be done with volume types: who sees them, who makes them, what is said of them.

All may use a public type, members of projects with access the others. Administrators alone change any.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.conf import settings
from django.db.models import Q, QuerySet

from synnefo.audit.rules import record
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.ids import parse_uuid
from synnefo.common.transactions import atomic
from synnefo.cyclades.volume_types.models import VolumeType, VolumeTypeAccess, VolumeTypeSpec

LONGEST_TEXT = 255
_LONGEST_TEMPLATE = 32


def types_for(caller: Caller, *, deleted: bool | None = False) -> QuerySet[VolumeType]:
    """The one door: types that the caller may use. ``deleted`` None: also those that are retired."""
    rows = VolumeType.objects.all() if deleted is None else VolumeType.objects.filter(deleted=deleted)
    if caller.is_admin:
        return rows
    mine = VolumeTypeAccess.objects.filter(project__in={caller.project, *caller.projects})
    return rows.filter(Q(public=True) | Q(pk__in=mine.values("volume_type")))


def get(caller: Caller, uuid: str) -> VolumeType:
    found = types_for(caller).filter(uuid=uuid).first()
    if found is None:
        raise ItemNotFound(f"Volume type {uuid} could not be found.")
    return found


def find(caller: Caller, type_id: int) -> VolumeType:
    """One type by its integer id, also one that is retired. Raises ItemNotFound."""
    found = types_for(caller, deleted=None).filter(pk=type_id).first()
    if found is None:
        raise ItemNotFound(f"Volume type {type_id} not found")
    return found


def named(caller: Caller, ref: str) -> VolumeType:
    """A type by its uuid or its name. Raises ItemNotFound."""
    found = types_for(caller).filter(Q(uuid=parse_uuid(ref) or ref) | Q(name=ref)).order_by("pk").first()
    if found is None:
        raise ItemNotFound(f"Volume type {ref} could not be found.")
    return found


def default(caller: Caller) -> VolumeType:
    """What a volume is of that names no type: the one that is set, or the first that lives by itself.

    Raises ItemNotFound if there is none.
    """
    wanted = settings.CYCLADES_DEFAULT_VOLUME_TYPE
    if wanted:
        return named(caller, wanted)
    found = next((row for row in types_for(caller).order_by("pk") if row.detachable), None)
    if found is None:
        raise ItemNotFound("There is no volume type for volumes without a server.")
    return found


def of_template(caller: Caller, disk_template: str) -> VolumeType:
    """The (first) type of the template; made if there is none. Raises BadRequest, Forbidden."""
    _check_admin(caller)
    _check_template(disk_template)
    found = VolumeType.objects.filter(disk_template=disk_template, deleted=False).order_by("pk").first()
    return found or VolumeType.objects.create(name=disk_template, disk_template=disk_template)


def create(
    caller: Caller, *, name: str, disk_template: str, description: str = "", public: bool = True,
    specs: Mapping[str, str] | None = None,
) -> VolumeType:  # fmt: skip
    """A new type. Raises Forbidden, BadRequest, Conflict (the name is taken)."""
    _check_admin(caller)
    _check_template(disk_template)
    with atomic():
        _check_name(name)
        _check_description(description)
        made = VolumeType.objects.create(
            name=name, disk_template=disk_template, description=description, public=public
        )
        _put_specs(made, specs or {})
        record(caller, "volume_type.create", "volume_type", made.pk, name=name, template=disk_template)
    return made


def modify(
    caller: Caller, found: VolumeType, *, name: str | None = None, description: str | None = None,
    public: bool | None = None,
) -> VolumeType:  # fmt: skip
    """Say something else of it. Raises Forbidden, BadRequest, Conflict."""
    _check_admin(caller)
    with atomic():
        row = _locked(found)
        if name is not None and name != row.name:
            _check_name(name)
            row.name = name
        if description is not None:
            _check_description(description)
            row.description = description
        row.public = row.public if public is None else public
        row.save()
        record(caller, "volume_type.modify", "volume_type", row.pk, name=row.name)
    return row


def retire(caller: Caller, found: VolumeType, *, deleted: bool = True) -> VolumeType:
    """Nothing new is made of it from now on, and so of its flavors; ``deleted`` False takes that back."""
    _check_admin(caller)
    with atomic():
        row = _locked(found)
        row.deleted = deleted
        row.save(update_fields=("deleted", "updated"))
        row.flavors.update(deleted=deleted)
        record(caller, "volume_type.retire", "volume_type", row.pk, deleted=deleted)
    return row


def remove(caller: Caller, found: VolumeType) -> None:
    """``retire``, unless a volume is of it. Raises Forbidden, BadRequest (it is in use)."""
    _check_admin(caller)
    if found.volumes.filter(deleted=False).exists():
        raise BadRequest("Target volume type is still in use.")
    retire(caller, found)


def set_specs(caller: Caller, found: VolumeType, wanted: Mapping[str, str]) -> dict[str, str]:
    """Add specs, or give them other values; returns these. Raises Forbidden, BadRequest."""
    _check_admin(caller)
    with atomic():
        row = _locked(found)
        _put_specs(row, wanted)
        record(caller, "volume_type.specs", "volume_type", row.pk, keys=sorted(wanted))
    return dict(wanted)


def drop_specs(caller: Caller, found: VolumeType, keys: Iterable[str]) -> None:
    """Raises Forbidden, ItemNotFound (it has no such spec)."""
    _check_admin(caller)
    with atomic():
        row = _locked(found)
        for key in keys:
            gone, _ = VolumeTypeSpec.objects.filter(volume_type=row, key=key).delete()
            if not gone:
                raise ItemNotFound(f"Volume type {row.name} has no extra spec {key}.")
        record(caller, "volume_type.specs", "volume_type", row.pk)


def grant(caller: Caller, found: VolumeType, project: str) -> None:
    """Let a project's members use a type that is not public. Raises Forbidden, Conflict."""
    _check_admin(caller)
    with atomic():
        row = _locked(found)
        if row.public:
            raise Conflict("Type access modification is not applicable to a public volume type.")
        _, made = VolumeTypeAccess.objects.get_or_create(volume_type=row, project=project)
        if not made:
            raise Conflict(f"Volume type {row.name} is open to project {project} already.")
        record(caller, "volume_type.grant", "volume_type", row.pk, member=project)


def revoke(caller: Caller, found: VolumeType, project: str) -> None:
    """Raises Forbidden, Conflict (it is public), ItemNotFound."""
    _check_admin(caller)
    with atomic():
        row = _locked(found)
        if row.public:
            raise Conflict("Type access modification is not applicable to a public volume type.")
        gone, _ = VolumeTypeAccess.objects.filter(volume_type=row, project=project).delete()
        if not gone:
            raise ItemNotFound(f"Volume type {row.name} is not open to project {project}.")
        record(caller, "volume_type.revoke", "volume_type", row.pk, member=project)


def _locked(found: VolumeType) -> VolumeType:
    return VolumeType.objects.select_for_update().get(pk=found.pk)


def _put_specs(row: VolumeType, wanted: Mapping[str, str]) -> None:
    for key, value in wanted.items():
        if not 1 <= len(key) <= LONGEST_TEXT or len(value) > LONGEST_TEXT:
            raise BadRequest(f"A spec has a key of 1 to {LONGEST_TEXT} characters, a value of as many.")
        VolumeTypeSpec.objects.update_or_create(volume_type=row, key=key, defaults={"value": value})


def _check_admin(caller: Caller) -> None:
    if not caller.is_admin:
        raise Forbidden("Only administrators make and change volume types.")


def _check_template(disk_template: str) -> None:
    if not disk_template.isprintable() or not 1 <= len(disk_template) <= _LONGEST_TEMPLATE:
        raise BadRequest(f"A disk template is a word of 1 to {_LONGEST_TEMPLATE} characters.")


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > LONGEST_TEXT or not name.isprintable():
        raise BadRequest(f"A volume type's name has 1 to {LONGEST_TEXT} printable characters.")
    if VolumeType.objects.filter(name=name, deleted=False).exists():
        raise Conflict(f"Volume type {name} already exists.")


def _check_description(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise BadRequest(f"A description has at most {LONGEST_TEXT} characters.")
