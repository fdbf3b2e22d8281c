"""Entries of the directory, made when something is first said in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from django.contrib.auth.models import Group

from synnefo.astakos.accounts.models import User
from synnefo.astakos.directory.models import Domain, Entry, GroupEntry, ProjectEntry, UserEntry
from synnefo.astakos.projects.models import Project
from synnefo.common.faults import BadRequest

E = TypeVar("E", bound=Entry)
Listed = User | Group | Project

_FIELDS = {UserEntry: "user", GroupEntry: "group", ProjectEntry: "project"}
_MOST_EXTRA_BYTES = 16 * 1024


def of(row: Listed) -> Any:
    """The entry of somebody or something, which may have been read along; None if there is none."""
    return getattr(row, "entry", None)


def domain_of(row: Listed) -> Domain | None:
    """None is the domain ``default``."""
    entry = of(row)
    return entry.domain if entry is not None else None


def entry_of(row: Listed, kind: type[E]) -> E:
    """The entry as it is stored, or a new one that the caller saves."""
    field = _FIELDS[kind]
    found = kind.objects.filter(**{field: row}).first()  # type: ignore[attr-defined]
    if found is not None:
        return found  # type: ignore[no-any-return]
    return kind(**{field: row})


def set_attributes(entry: Entry, options: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
    """Change some; what is null is removed. Raises BadRequest for more than one should keep here."""
    entry.options = _merged(entry.options, options)
    entry.extra = _merged(entry.extra, extra)
    if len(json.dumps([entry.options, entry.extra])) > _MOST_EXTRA_BYTES:
        raise BadRequest("Further attributes have 16 KiB at most.")


def _merged(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**old, **changes}.items() if value is not None}
