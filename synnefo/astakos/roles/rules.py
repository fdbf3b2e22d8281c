"""Roles that administrators make up, and which of them implies which.

``member``, ``reader`` and ``admin`` are there in every cloud and stay as they are. A role of one domain shows
in no token; it only implies others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from synnefo.astakos.directory.models import Domain
from synnefo.astakos.roles.effective import FIXED
from synnefo.astakos.roles.models import Assignment, Implication, Role
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound
from synnefo.common.fields import check_fields
from synnefo.common.transactions import atomic

_DESCRIPTIONS = {
    "admin": "Administers the whole cloud",
    "member": "Works in a project",
    "reader": "Looks at what a project has",
}


def roles(domain: Domain | None = None) -> list[Role]:
    """Those that are good everywhere, or those of one domain."""
    made = list(made_up().filter(domain=domain).order_by("pk"))
    return made if domain is not None else [*(_fixed(name) for name in FIXED), *made]


def made_up() -> QuerySet[Role]:
    return Role.objects.select_related("domain")


def get(uuid: str) -> Role:
    """Raises ItemNotFound."""
    row = _fixed(uuid) if uuid in FIXED else made_up().filter(uuid=uuid).first()
    if row is None:
        raise ItemNotFound(f"Could not find role: {uuid}.")
    return row


def by_id(uuids: set[str]) -> dict[str, Role]:
    """Many at once; what is not there is left out."""
    found = {row.uuid: row for row in made_up().filter(uuid__in=uuids - FIXED.keys())}
    return found | {name: _fixed(name) for name in uuids & FIXED.keys()}


def names(uuids: Collection[str]) -> dict[str, str]:
    """The same, names alone; without a query where there are only fixed ones."""
    found = {name: name for name in FIXED if name in uuids}
    if made := set(uuids) - FIXED.keys():
        found |= dict(Role.objects.filter(uuid__in=made).values_list("uuid", "name"))
    return found


def create(
    caller: Caller, name: str, *, domain: Domain | None, description: str, options: Mapping[str, Any]
) -> Role:
    """Raises BadRequest, Conflict."""
    row = Role(name=name, domain=domain, description=description, options=dict(options))
    with atomic():
        _check(row)
        row.save()
        audit.record(caller, "role.create", "role", row.uuid, name=name)
    return row


def modify(caller: Caller, row: Role, changes: Mapping[str, Any]) -> Role:
    """Change ``name``, ``description`` or ``options``. Raises BadRequest, Conflict, Forbidden."""
    _require_made_up(row)
    with atomic():
        row = Role.objects.select_for_update().get(pk=row.pk)
        for field in changes.keys() & {"name", "description", "options"}:
            setattr(row, field, changes[field])
        _check(row)
        row.save()
        audit.record(caller, "role.modify", "role", row.uuid, changed=sorted(changes))
    return row


def delete(caller: Caller, row: Role) -> None:
    """Remove it with all its assignments and implications. Raises Forbidden for a fixed one."""
    _require_made_up(row)
    with atomic():
        Assignment.objects.filter(role=row.uuid).delete()
        Implication.objects.filter(Q(prior=row.uuid) | Q(implied=row.uuid)).delete()
        audit.record(caller, "role.delete", "role", row.uuid, name=row.name)
        row.delete()


def implications(prior: Role | None = None) -> dict[str, list[str]]:
    """Ids of roles, each with those that it implies directly."""
    found = {name: list(implied) for name, implied in FIXED.items() if implied}
    for role, implied in Implication.objects.order_by("pk").values_list("prior", "implied"):
        found.setdefault(role, []).append(implied)
    return found if prior is None else {prior.uuid: found.get(prior.uuid, [])}


def require_implication(prior: Role, implied: Role) -> None:
    """Raises ItemNotFound."""
    if implied.uuid not in implications(prior)[prior.uuid]:
        raise ItemNotFound(f"{prior.uuid} does not imply {implied.uuid}.")


def imply(caller: Caller, prior: Role, implied: Role) -> None:
    """Raises Forbidden: for fixed roles, for ``admin``, and from everywhere into one domain."""
    _require_made_up(prior)
    if implied.uuid == "admin":
        raise Forbidden("No role implies admin.")
    if prior.domain is None and implied.domain is not None:
        raise Forbidden("A role of all domains cannot imply one of a single domain.")
    with atomic():
        Implication.objects.get_or_create(prior=prior.uuid, implied=implied.uuid)
        audit.record(caller, "role.imply", "role", prior.uuid, implied=implied.uuid)


def imply_no_more(caller: Caller, prior: Role, implied: Role) -> None:
    """Raises ItemNotFound, Forbidden."""
    require_implication(prior, implied)
    _require_made_up(prior)
    with atomic():
        Implication.objects.filter(prior=prior.uuid, implied=implied.uuid).delete()
        audit.record(caller, "role.imply-no-more", "role", prior.uuid, implied=implied.uuid)


def _fixed(name: str) -> Role:
    return Role(uuid=name, name=name, description=_DESCRIPTIONS[name], options={"immutable": True})


def _require_made_up(row: Role) -> None:
    if row.uuid in FIXED:
        raise Forbidden(f"The role {row.name} is part of the cloud and stays as it is.")


def _check(row: Role) -> None:
    check_fields(row, ("name",))
    if not row.name.strip():
        raise BadRequest("A role has a name.")
    same = Role.objects.filter(name=row.name, domain=row.domain).exclude(pk=row.pk).exists()
    if same or (row.domain is None and row.name in FIXED):
        raise Conflict(f"There is a role {row.name!r} already.")
