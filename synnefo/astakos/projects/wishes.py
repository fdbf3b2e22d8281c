"""What somebody asks a project to be: the values of an application, checked before anything is done."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Mapping

from django.utils import timezone

from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.projects.models import Policy, ProjectApplication
from synnefo.common.faults import BadRequest
from synnefo.common.fields import check_fields
from synnefo.common.units import INFINITE

_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,6}", re.ASCII | re.IGNORECASE)
_TEXTS = ("homepage", "description", "comments")


@dataclasses.dataclass(frozen=True)
class Wish:
    """Fields of a project; None: as it is, and of a new one as is usual.

    ``owner`` is a user's uuid; ``resources`` are limits: name to (member capacity, project capacity).
    ``comments`` are for those who decide; ``start_date`` is a hint to them.
    """

    name: str | None = None
    owner: str | None = None
    homepage: str | None = None
    description: str | None = None
    start_date: datetime.datetime | None = None
    end_date: datetime.datetime | None = None
    member_join_policy: Policy | None = None
    member_leave_policy: Policy | None = None
    max_members: int | None = None
    private: bool | None = None
    comments: str | None = None
    resources: Mapping[str, tuple[int, int]] = dataclasses.field(default_factory=dict)

    def for_a_new_project(self) -> Wish:
        """The same, with what is usual where nothing is said. Raises BadRequest without name or end."""
        if self.name is None:
            raise BadRequest("Missing project name")
        if self.end_date is None:
            raise BadRequest("Missing end date")
        usual = Wish(
            homepage="",
            description="",
            member_join_policy=Policy.MODERATED,
            member_leave_policy=Policy.AUTO,
            max_members=INFINITE,
            private=False,
            comments="",
        )
        missing = {
            field.name: getattr(usual, field.name)
            for field in dataclasses.fields(self)
            if field.name != "resources" and getattr(self, field.name) is None
        }
        return dataclasses.replace(self, **missing)

    def values(self) -> dict[str, object]:
        """The fields of an application that are said, but for the owner and the limits."""
        names = (field.name for field in dataclasses.fields(self) if field.name not in ("owner", "resources"))
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def check(wish: Wish) -> dict[str, Resource]:
    """Raises BadRequest naming what cannot be; returns the resources of which the wish speaks, by name."""
    if wish.end_date is not None and wish.end_date <= timezone.now():
        raise BadRequest("Cannot set past end date")
    if wish.max_members is not None and not 0 <= wish.max_members <= INFINITE:
        raise BadRequest("max_members out of range")
    for name in _TEXTS:
        if len(getattr(wish, name) or "") > 4096:
            raise BadRequest(f"{name}: at most 4096 characters")
    known = _check_resources(wish.resources)
    if wish.name is not None and not _NAME.fullmatch(wish.name):
        raise BadRequest("Project name should be in domain format")
    check_fields(ProjectApplication(**wish.values()), wish.values())
    return known


def _check_resources(wanted: Mapping[str, tuple[int, int]]) -> dict[str, Resource]:
    known = {row.name: row for row in Resource.objects.filter(name__in=wanted, api_visible=True)}
    for name, (member, project) in wanted.items():
        if name not in known or not (0 <= member <= INFINITE and 0 <= project <= INFINITE):
            raise BadRequest("Malformed resource policies")
        if member > project:
            raise BadRequest(f"Project quota limit is less than member limit for resource {name!r}")
    return known
