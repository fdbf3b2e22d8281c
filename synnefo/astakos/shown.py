"""How Astakos' pages write resources, amounts, use and projects. Words and colours, no decisions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.projects.models import Project
from synnefo.astakos.quotas import reading
from synnefo.common.accounts import QuotaUse, accounts
from synnefo.common.caller import Caller
from synnefo.common.quota_shown import NAMES, RESOURCES, Bar
from synnefo.common.units import INFINITE, parse_amount, show_amount

UNLIMITED = "Unlimited"
OWN_PROJECT = "Your own project"
_ORDER = {name: place for place, (name, _, _) in enumerate(RESOURCES)}


def title_of(resource: Resource) -> str:
    return NAMES.get(resource.name) or resource.description or resource.name


def in_order(resources: Iterable[Resource]) -> list[Resource]:
    """As people look for them: what bars show first, then the others by name."""
    return sorted(resources, key=place_of)


def place_of(resource: Resource) -> tuple[int, str]:
    """By which resources are sorted so."""
    return _ORDER.get(resource.name, len(_ORDER)), resource.name


def shown_resources() -> list[Resource]:
    """What people are shown."""
    return in_order(Resource.objects.filter(ui_visible=True))


def amount_words(amount: int | None, unit: str) -> str:
    if amount is None:
        return ""
    return UNLIMITED if amount >= INFINITE else show_amount(amount, unit)


def typed_amount(text: str, unit: str) -> int:
    """What somebody typed: ``4``, ``20 GB``, ``unlimited``. Raises ValueError in words for him."""
    words = text.strip()
    if words.lower() == UNLIMITED.lower():
        return INFINITE
    if unit and words.replace(".", "", 1).isdigit() and words.strip("0."):
        raise ValueError(f"Say the unit: {words} GB?")
    try:
        return parse_amount(words)
    except ValueError as error:
        example = "20 GB" if unit else "4"
        raise ValueError(
            f"“{words[:40]}” is no amount. Write for example {example}, or {UNLIMITED}."
        ) from error


def project_names(caller: Caller, projects: Iterable[Project]) -> dict[str, str]:
    """Project uuid to the name that the caller knows it by; a system project is its user's own."""
    rows = list(projects)
    users = accounts().names(row.uuid for row in rows if row.is_base and row.uuid != caller.user)
    return {
        row.uuid: row.realname
        if not row.is_base
        else OWN_PROJECT
        if row.uuid == caller.user
        else f"Own project of {users.get(row.uuid, row.uuid)}"
        for row in rows
    }


def project_name(caller: Caller, project: Project) -> str:
    return project_names(caller, [project])[project.uuid]


@dataclasses.dataclass(frozen=True)
class Use:
    """A resource of a project: one's share of it (None for whoever has none) and the pool.

    ``binds``: which of them ends first, ``share`` or ``pool``; ``left`` is None where none does.
    """

    resource: Resource
    share: Bar | None
    pool: Bar
    binds: str
    left: int | None

    @property
    def title(self) -> str:
        return self.pool.title

    @property
    def left_words(self) -> str:
        return "no limit" if self.left is None else f"{show_amount(self.left, self.resource.unit)} left"


def use_of(resource: Resource, use: QuotaUse, *, with_share: bool = True) -> Use:
    """``with_share``: as a member sees it; otherwise the pool alone."""
    if not with_share:
        use = dataclasses.replace(use, limit=INFINITE, usage=use.project_usage)
    reach = reading.reachable(use)
    return Use(
        resource=resource,
        share=_bar(resource, use.usage, use.limit) if with_share else None,
        pool=_bar(resource, use.project_usage, use.project_limit),
        binds=reading.binding(use),
        left=None if reach >= INFINITE else max(0, reach - use.usage),
    )


def _bar(resource: Resource, usage: int, limit: int) -> Bar:
    finite = None if limit >= INFINITE else limit
    return Bar(resource.name, title_of(resource), resource.unit, usage, finite)
