"""Warnings that a share or a pool is nearly, or wholly, used up: raised once, cleared when usage has fallen.

``check`` runs periodically over all holdings, with a few queries however many there are; charging knows
nothing of it. It looks at usage that was folded, which is seconds old. A warning is cleared only well below
where it was raised, so usage that sways around a level warns once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from django.db.models import BigIntegerField, ExpressionWrapper, F, Q, QuerySet
from django.utils import timezone

from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.mails import rules as mails
from synnefo.astakos.projects.models import Project
from synnefo.astakos.quotas.keys import Key, any_of, key_of
from synnefo.astakos.quotas.models import Holding, QuotaWarning
from synnefo.astakos.shown import amount_words, title_of
from synnefo.common.caller import Caller
from synnefo.common.faults import ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.common.units import INFINITE

Level = QuotaWarning.Level
#: A warning is cleared so many points of a hundred below its level.
_SLACK = 5
_BATCH = 100
#: So many are raised at a time; the next check goes on.
_MOST = 1000
#: Four fifths of a limit, without a product that could be too large for the database.
_NEAR = ExpressionWrapper(F("limit") - F("limit") / 5, output_field=BigIntegerField())


@dataclasses.dataclass(frozen=True)
class Warned:
    """A warning as it concerns somebody: of his share of a project, or of the pool."""

    row: QuotaWarning
    project: Project
    resource: Resource

    @property
    def is_pool(self) -> bool:
        return not self.row.source


def check() -> int:
    """Raise and clear warnings; returns how many were raised."""
    known = {(key_of(row), row.level): row for row in QuotaWarning.objects.filter(cleared=None)}
    near = {key_of(row): row for row in _near_their_limits()}
    with atomic():
        _clear(known.values(), near)
        wanted = [
            (row, level)
            for key, row in near.items()
            for level in Level
            if level.is_reached(row.limit, row.folded_max)
            and (key, level) not in known
            and not _is_same_share(key, near)
        ]
        raised = _raise(wanted[:_MOST])
        _tell(raised)
    return len(raised)


def of_caller(caller: Caller) -> list[Warned]:
    """What concerns him and was not dismissed, the worst of each share and of each pool."""
    return _worst(list(_concerning(caller).filter(cleared=None, dismissed=False)))


def dismiss(caller: Caller, number: int) -> None:
    """Not to be shown again, with the lower ones of the same share or pool. Raises ItemNotFound."""
    row = _concerning(caller).filter(pk=number).first()
    if row is None:
        raise ItemNotFound(f"No warning with number {number}.")
    same = QuotaWarning.objects.filter(any_of([key_of(row)]), cleared=None, level__lte=row.level)
    same.update(dismissed=True)


def _near_their_limits() -> QuerySet[Holding]:
    shown = Resource.objects.filter(ui_visible=True).values("name")
    return Holding.rows.filter(
        limit__gt=0, limit__lt=INFINITE, folded_max__gte=_NEAR, resource__in=shown
    ).order_by("pk")


def _is_same_share(key: Key, near: Mapping[Key, Holding]) -> bool:
    """Whether this is the pool of a system project, of which its user is warned as of his share."""
    holder, source, resource = key
    return not source and (f"user:{holder.partition(':')[2]}", holder, resource) in near


def _clear(known: Iterable[QuotaWarning], near: Mapping[Key, Holding]) -> None:
    """Those in ``near`` are above 80 percent: of them only warnings that all is used up may be over."""
    rows = list(known)
    held = dict(near)
    missing = sorted({key_of(row) for row in rows} - held.keys())
    for start in range(0, len(missing), _BATCH):
        found = Holding.rows.filter(any_of(missing[start : start + _BATCH]))
        held |= {key_of(row): row for row in found}
    over = [row.pk for row in rows if _is_over(row, held.get(key_of(row)))]
    now = timezone.now()
    for start in range(0, len(over), _BATCH):
        QuotaWarning.objects.filter(pk__in=over[start : start + _BATCH]).update(cleared=now)


def _is_over(row: QuotaWarning, holding: Holding | None) -> bool:
    if holding is None or not 0 < holding.limit < INFINITE:
        return True
    return holding.folded_max * 100 < holding.limit * (row.level - _SLACK)


def _raise(wanted: Sequence[tuple[Holding, Level]]) -> list[QuotaWarning]:
    now = timezone.now()
    return QuotaWarning.objects.bulk_create(
        (
            QuotaWarning(
                holder=row.holder, source=row.source, resource=row.resource, level=level,
                limit=row.limit, usage=row.folded_max, raised=now,
            )
            for row, level in wanted
        ),
        batch_size=_BATCH,
    )  # fmt: skip


def _tell(raised: Sequence[QuotaWarning]) -> None:
    """One mail a person, of the worst that was raised of each share and pool."""
    concerned: dict[str, list[Warned]] = {}
    found = _worst(raised)
    owners = dict(
        Project.objects.filter(owner__is_active=True)
        .filter(uuid__in=[one.project.uuid for one in found])
        .values_list("uuid", "owner__uuid")
    )
    for one in found:
        kind, _, uuid = one.row.holder.partition(":")
        whose = uuid if kind == "user" or one.project.is_base else owners.get(uuid)
        if whose:
            concerned.setdefault(whose, []).append(one)
    for user in User.objects.filter(uuid__in=concerned, is_active=True):
        mails.post("quota_warning", [user.email], _context(user, concerned[user.uuid]))


def _context(user: User, found: Sequence[Warned]) -> dict[str, object]:
    return {
        "user": user,
        "is_full": any(one.row.level == Level.FULL for one in found),
        "lines": [
            {
                "title": title_of(one.resource),
                "usage": amount_words(one.row.usage, one.resource.unit),
                "limit": amount_words(one.row.limit, one.resource.unit),
                "whose": _whose(one),
            }
            for one in found
        ],
        "url": mails.public_url("/ui/requests/create/"),
    }


def _whose(one: Warned) -> str:
    if one.project.is_base:
        return "of your own project"
    return f"by all of {one.project.realname}" if one.is_pool else f"your share of {one.project.realname}"


def _concerning(caller: Caller) -> QuerySet[QuotaWarning]:
    """His shares, the pool of his system project, and those of projects that he owns."""
    owned = Project.objects.filter(owner__uuid=caller.user).values_list("uuid", flat=True)
    pools = [f"project:{uuid}" for uuid in (caller.user, *owned)]
    return QuotaWarning.objects.filter(Q(holder=f"user:{caller.user}") | Q(holder__in=pools))


def _worst(rows: Sequence[QuotaWarning]) -> list[Warned]:
    """One of each holding, youngest first, with the project and the resource."""
    worst: dict[Key, QuotaWarning] = {}
    for row in sorted(rows, key=lambda row: -row.level):
        worst.setdefault(key_of(row), row)
    projects = {
        row.uuid: row for row in Project.objects.filter(uuid__in=[_project(row) for row in worst.values()])
    }
    resources = {row.name: row for row in Resource.objects.all()}
    found = [
        Warned(row, projects[_project(row)], resources[row.resource])
        for row in worst.values()
        if _project(row) in projects and row.resource in resources
    ]
    return sorted(found, key=lambda one: one.row.raised, reverse=True)


def _project(row: QuotaWarning) -> str:
    return (row.source or row.holder).partition(":")[2]
