"""The form of an application: what a project is to be, or how one is to change."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.utils import timezone

from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.fields import AmountField
from synnefo.astakos.projects.models import Policy, Project, ProjectLimit
from synnefo.astakos.projects.shown import JOINING, LEAVING, count_words
from synnefo.astakos.projects.wishes import Wish
from synnefo.astakos.shown import UNLIMITED, amount_words, title_of
from synnefo.common.units import INFINITE

#: How long a new project is proposed to run.
_USUAL = datetime.timedelta(days=365)
_DAY = "%Y-%m-%d"
#: Fields whose values go into the wish, with how people call them, in the order of a summary.
TITLES = {
    "name": "Name",
    "description": "What it is",
    "homepage": "Home page",
    "start_date": "Starts",
    "end_date": "Ends",
    "member_join_policy": "Joining",
    "member_leave_policy": "Leaving",
    "max_members": "Members at most",
    "private": "Private",
}


@dataclasses.dataclass(frozen=True)
class Difference:
    """A line of a summary; ``was`` is empty for a new project."""

    title: str
    was: str
    becomes: str


@dataclasses.dataclass(frozen=True)
class Row:
    """The fields of a resource: for each member, and in all."""

    resource: Resource
    member: forms.BoundField
    total: forms.BoundField

    @property
    def title(self) -> str:
        return title_of(self.resource)


class MembersField(forms.CharField):
    """How many members there may be: a number, or ``Unlimited``."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text.lower() in (UNLIMITED.lower(), "inf"):
            return INFINITE
        if not (text.isascii() and text.isdigit() and 0 < int(text) <= INFINITE):
            raise forms.ValidationError(f"Write a number of members, or {UNLIMITED}.")
        return int(text)


class ProjectForm(forms.Form):
    """For a new project; or for changes of one, whose values are there already and mean no change."""

    name = forms.CharField(max_length=80, error_messages={"required": "Give the project a name."})
    description = forms.CharField(max_length=4096, required=False)
    homepage = forms.URLField(max_length=255, required=False, assume_scheme="https")
    start_date = forms.DateField(required=False, input_formats=[_DAY])
    end_date = forms.DateField(
        input_formats=[_DAY], error_messages={"required": "Say when the project ends."}
    )
    member_join_policy = forms.TypedChoiceField(coerce=int)
    member_leave_policy = forms.TypedChoiceField(coerce=int, choices=list(LEAVING.items()))
    max_members = MembersField(
        max_length=20, error_messages={"required": "Say how many members it may have."}
    )
    private = forms.BooleanField(required=False)
    comments = forms.CharField(max_length=4096, required=False)

    def __init__(
        self,
        resources: Sequence[Resource],
        data: Mapping[str, Any] | None = None,
        *,
        project: Project | None = None,
        limits: Mapping[str, ProjectLimit] | None = None,
    ) -> None:
        self.project, self.limits, self.resources = project, limits or {}, resources
        super().__init__(data, initial=_initial(project))
        joining = cast("forms.TypedChoiceField", self.fields["member_join_policy"])
        joining.choices = [
            (value, words) for value, words in JOINING.items() if project or value != Policy.CLOSED
        ]
        if project is not None:
            del self.fields["start_date"]
        for resource in resources:
            was = self.limits.get(resource.name)
            self._add_amount("member", resource, was.member_capacity if was else None)
            self._add_amount("total", resource, was.project_capacity if was else None)

    def rows(self) -> list[Row]:
        return [Row(one, self[f"member-{one.name}"], self[f"total-{one.name}"]) for one in self.resources]

    def clean(self) -> dict[str, Any]:
        for resource in self.resources:
            self._check_pair(resource)
        ends = self.cleaned_data.get("end_date")
        if ends is not None and ends <= timezone.now().date() and not self._is_same("end_date"):
            self.add_error("end_date", "The end must be in the future.")
        if self.project is not None and not self.errors and not self.differences():
            raise forms.ValidationError("Nothing is to change.")
        return self.cleaned_data

    def changed(self) -> dict[str, Any]:
        """What was typed of a project; of changes, only what changes."""
        return {
            name: self.cleaned_data[name]
            for name in TITLES
            if name in self.cleaned_data and not self._is_same(name)
        }

    def changed_limits(self) -> dict[str, tuple[int, int]]:
        """The same of limits: resource name to (member capacity, project capacity)."""
        found = {}
        for resource in self.resources:
            member, total = (self.cleaned_data.get(f"{part}-{resource.name}") for part in ("member", "total"))
            if member is None or total is None:
                continue
            was = self.limits.get(resource.name)
            if was is None or (member, total) != (was.member_capacity, was.project_capacity):
                found[resource.name] = (member, total)
        return found

    def wish(self) -> Wish:
        """What is asked for."""
        said = {name: _value(name, value) for name, value in self.changed().items() if value is not None}
        return Wish(comments=self.cleaned_data["comments"], resources=self.changed_limits(), **said)

    def differences(self) -> list[Difference]:
        """The lines of a summary."""
        project = self.project
        found = [
            Difference(*field_words(name, _now(project, name) if project else None, value))
            for name, value in self.changed().items()
            if project or value not in (None, "")
        ]
        limits = self.changed_limits()
        return found + [
            line
            for resource in self.resources
            if resource.name in limits
            for line in self._limit_lines(resource, *limits[resource.name])
        ]

    def _add_amount(self, part: str, resource: Resource, was: int | None) -> None:
        initial = amount_words(was, resource.unit)
        self.fields[f"{part}-{resource.name}"] = AmountField(resource, was, required=False, initial=initial)

    def _check_pair(self, resource: Resource) -> None:
        names = (f"member-{resource.name}", f"total-{resource.name}")
        if any(name in self.errors for name in names):
            return
        member, total = (self.cleaned_data.get(name) for name in names)
        if (member is None) != (total is None):
            empty = names[0] if member is None else names[1]
            self.add_error(empty, f"{title_of(resource)}: say it for each member and in all.")
        elif member is not None and total is not None and member > total:
            self.add_error(names[0], f"{title_of(resource)}: a member cannot have more than all together.")

    def _limit_lines(self, resource: Resource, member: int, total: int) -> list[Difference]:
        was = self.limits.get(resource.name)
        before = (was.member_capacity, was.project_capacity) if was else (None, None)
        lines = zip(("each member", "in all"), before, (member, total), strict=True)
        return [
            Difference(
                f"{title_of(resource)}, {part}",
                amount_words(old, resource.unit),
                amount_words(new, resource.unit),
            )
            for part, old, new in lines
            if old != new
        ]

    def _is_same(self, name: str) -> bool:
        """Whether a field says of a project what is so."""
        if self.project is None:
            return False
        return bool(_day(self.cleaned_data.get(name)) == _day(_now(self.project, name)))


def field_words(name: str, was: Any, becomes: Any) -> tuple[str, str, str]:
    """A field of a project in words: its title, what it was (empty for None), what it becomes."""
    return (
        TITLES.get(name, name.capitalize()),
        "" if was is None else _words(name, was),
        _words(name, becomes),
    )


def _initial(project: Project | None) -> dict[str, Any]:
    if project is None:
        return {
            "end_date": (timezone.now() + _USUAL).strftime(_DAY),
            "member_join_policy": Policy.MODERATED.value,
            "member_leave_policy": Policy.AUTO.value,
            "max_members": UNLIMITED,
        }
    found = {name: _now(project, name) for name in TITLES if name != "start_date"}
    return {
        **found,
        "end_date": project.end_date.strftime(_DAY),
        "max_members": count_words(project.max_members),
    }


def _now(project: Project, name: str) -> Any:
    return getattr(project, "realname" if name == "name" else name)


def _day(value: Any) -> Any:
    """Moments are compared as days."""
    return value.date() if isinstance(value, datetime.datetime) else value


def _value(name: str, value: Any) -> Any:
    """What a wish says for what was typed: a day begins at midnight."""
    if isinstance(value, datetime.date):
        return datetime.datetime.combine(value, datetime.time(), datetime.UTC)
    return Policy(value) if name.endswith("_policy") else value


def _words(name: str, value: Any) -> str:
    if name == "max_members":
        return count_words(value)
    if name == "member_join_policy":
        return JOINING[Policy(value)]
    if name == "member_leave_policy":
        return LEAVING[Policy(value)]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime.date):
        return value.strftime(_DAY)
    return str(value or "none")
