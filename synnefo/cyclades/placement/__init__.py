"""Placement: which engine a new server goes to.

Filters say which engines may take it, the weigher which is best (spec: cyclades 3.6). Reads rows only:
capacities are written by the reconciler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from django.conf import settings

from synnefo.common.faults import ServiceUnavailable
from synnefo.cyclades.backends.models import Backend, ProjectBackend
from synnefo.cyclades.flavors.models import Flavor

Filter = Callable[[Sequence[Backend], Flavor], Sequence[Backend]]

MOST_VCPUS_PER_CPU = 3
AVERAGE_VCPUS = 4


def choose(flavor: Flavor, only: Backend | None = None, *, user: str = "", project: str = "") -> Backend:
    """The engine for a user's server of this size, in a project.

    ``only`` is the one that has volumes which it shall get. A user in ``BACKEND_PER_USER`` has one of his
    own, even if it is drained. Raises ServiceUnavailable if there is none.
    """
    if only is None and (own := _of_user(user)) is not None:
        return own
    rows = Backend.objects.filter(offline=False, drained=False).order_by("id")
    candidates: Sequence[Backend] = list(rows if only is None else rows.filter(pk=only.pk))
    candidates = open_to(candidates, project)
    for accepts in FILTERS:
        candidates = accepts(candidates, flavor)
    if not candidates:
        raise ServiceUnavailable("No available backends.")
    return min(candidates, key=weight)


def open_to(candidates: Sequence[Backend], project: str) -> Sequence[Backend]:
    """A project with engines of its own has these; others have the public ones."""
    own = set(ProjectBackend.objects.filter(project=project).values_list("backend_id", flat=True))
    return [row for row in candidates if (row.pk in own if own else row.public)]


def _of_user(user: str) -> Backend | None:
    """By number or name, as the setting has it. Raises ServiceUnavailable if there is no such engine."""
    wanted = settings.BACKEND_PER_USER.get(user)
    if wanted is None:
        return None
    named = (
        Backend.objects.filter(pk=wanted) if isinstance(wanted, int) else Backend.objects.filter(name=wanted)
    )
    found = named.first()
    if found is None:
        raise ServiceUnavailable("No available backends.")
    return found


def right_storage(candidates: Sequence[Backend], flavor: Flavor) -> Sequence[Backend]:
    """Engines that have the flavor's kind of disks."""
    wanted = flavor.volume_type.template
    return [row for row in candidates if wanted in (row.options.get("volume_types") or [row.kind])]


def with_room(candidates: Sequence[Backend], flavor: Flavor) -> Sequence[Backend]:
    """Engines with enough of everything; all of them if none has, since the numbers are estimates."""
    roomy = [
        row
        for row in candidates
        if row.disk_free_gib > flavor.disk and row.ram_free_mib > flavor.ram and _cpu_load(row) < 1
    ]
    return roomy or candidates


def weight(row: Backend) -> float:
    """0 is empty, 1 is full: half processors, half the mean of RAM and disk in use."""
    memory = 1 - row.ram_free_mib / row.ram_total_mib if row.ram_total_mib else 1.0
    disk = 1 - row.disk_free_gib / row.disk_total_gib if row.disk_total_gib else 1.0
    return 0.5 * _cpu_load(row) + 0.25 * (memory + disk)


def _cpu_load(row: Backend) -> float:
    if not row.vcpus:
        return 1.0
    return (row.instances + 1) * AVERAGE_VCPUS / (row.vcpus * MOST_VCPUS_PER_CPU)


FILTERS: Iterable[Filter] = (right_storage, with_room)
