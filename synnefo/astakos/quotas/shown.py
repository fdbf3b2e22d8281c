"""Quota as Astakos' pages show it: shares and pools, lines of the ledger, warnings. No decisions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.projects.models import Project
from synnefo.astakos.quotas import reading
from synnefo.astakos.quotas.models import ProvisionLog, QuotaWarning
from synnefo.astakos.quotas.warning import Warned
from synnefo.astakos.shown import Use, amount_words, in_order, project_name, title_of, use_of
from synnefo.common.accounts import QuotaUse, accounts
from synnefo.common.caller import Caller
from synnefo.common.units import show_amount


@dataclasses.dataclass(frozen=True)
class Event:
    """A line of the ledger in words; ``who`` is empty where nobody's share was charged."""

    row: ProvisionLog
    title: str
    who: str
    change: str
    usage: str
    limit: str


@dataclasses.dataclass(frozen=True)
class WarningShown:
    """A warning in words; ``level`` is that of an alert, ``colour`` that of a dot."""

    title: str
    words: str
    level: str
    colour: str
    warned: Warned


def uses_of(caller: Caller, project: Project, *, member: bool) -> list[Use]:
    """What people are shown of a project's quota, with the caller's share if he is a member."""
    uuid = project.uuid
    share = reading.of_user(caller.user, projects=[uuid]).get(uuid, {}) if member else {}
    pool = reading.of_projects([uuid]).get(uuid, {})
    found = []
    for resource in in_order(Resource.objects.filter(ui_visible=True, name__in=pool)):
        held = pool[resource.name]
        alone = QuotaUse(0, 0, 0, held.limit, held.usage_max, 0)
        use = share.get(resource.name)
        found.append(use_of(resource, use or alone, with_share=use is not None))
    return found


def warned(caller: Caller, one: Warned) -> WarningShown:
    row, unit = one.row, one.resource.unit
    full = row.level >= QuotaWarning.Level.FULL
    whose = "the pool of" if one.is_pool and not one.project.is_base else "your share of"
    part = "" if one.project.is_base else f"Of {whose} {project_name(caller, one.project)}, "
    used = f"{show_amount(row.usage, unit)} of {show_amount(row.limit, unit)} in use."
    return WarningShown(
        title=f"{title_of(one.resource)}: {'all' if full else 'nearly'} used up",
        words=part + used if part else used,
        level="danger" if full else "warning",
        colour="red" if full else "orange",
        warned=one,
    )


def shown_events(rows: Iterable[ProvisionLog]) -> list[Event]:
    found = list(rows)
    resources = {row.name: row for row in Resource.objects.all()}
    names = accounts().names({row.holder.removeprefix("user:") for row in found})
    return [_shown_event(row, resources, names) for row in found]


def _shown_event(row: ProvisionLog, resources: Mapping[str, Resource], names: Mapping[str, str]) -> Event:
    resource = resources.get(row.resource)
    unit = resource.unit if resource else ""
    kind, _, uuid = row.holder.partition(":")
    sign = "+" if row.quantity > 0 else "-"
    return Event(
        row=row,
        title=title_of(resource) if resource else row.resource,
        who=names.get(uuid, uuid) if kind == "user" else "",
        change=f"{sign} {show_amount(abs(row.quantity), unit)}",
        usage=show_amount(row.usage_max, unit),
        limit=amount_words(row.limit, unit),
    )
