"""Groups as identity v3 has them: Django's, with a description and a domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Group

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.accounts.models import User
from synnefo.astakos.directory import entries
from synnefo.astakos.directory.models import Domain, GroupEntry
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import Conflict, ItemNotFound
from synnefo.common.fields import check_fields
from synnefo.common.transactions import atomic


def create(
    caller: Caller, name: str, *, domain: Domain | None, description: str = "", extra: Mapping[str, Any]
) -> Group:
    """Raises BadRequest, Conflict."""
    with atomic():
        row = accounts.create_group(caller, name)
        entry = GroupEntry(group=row, domain=domain, description=description)
        entries.set_attributes(entry, {}, extra)
        entry.save()
    return row


def modify(caller: Caller, row: Group, changes: Mapping[str, Any]) -> Group:
    """Change ``name``, ``description`` or ``extra``. Raises BadRequest, Conflict."""
    with atomic():
        row = Group.objects.select_for_update().get(pk=row.pk)
        row.name = changes.get("name", row.name)
        check_fields(row, ("name",))
        if Group.objects.filter(name=row.name).exclude(pk=row.pk).exists():
            raise Conflict(f"There is a group {row.name!r} already.")
        row.save()
        entry = entries.entry_of(row, GroupEntry)
        entry.description = changes.get("description", entry.description)
        entries.set_attributes(entry, {}, changes.get("extra", {}))
        entry.save()
        audit.record(caller, "group.modify", "group", row.pk, changed=sorted(changes))
    return Group.objects.get(pk=row.pk)


def delete(caller: Caller, row: Group) -> None:
    """Remove it; its members lose what it gave them at once."""
    with atomic():
        audit.record(caller, "group.delete", "group", row.pk, name=row.name)
        row.delete()


def add(caller: Caller, row: Group, user: User) -> None:
    accounts.add_group(caller, user, row.name)


def remove(caller: Caller, row: Group, user: User) -> None:
    """Raises ItemNotFound if he is not in it."""
    require_member(row, user)
    accounts.remove_group(caller, user, row.name)


def require_member(row: Group, user: User) -> None:
    """Raises ItemNotFound."""
    if not row.user_set.filter(pk=user.pk).exists():
        raise ItemNotFound(f"Could not find user {user.uuid} in group {row.pk}.")
