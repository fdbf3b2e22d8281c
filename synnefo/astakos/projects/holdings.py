"""Which holdings follow from projects, their members and their limits: reads, and derives. The one place
where this is said; ``rules.sync`` writes it down, ``quota-verify`` compares.

A project's holding has its capacity while the project is NORMAL, a member's the member capacity while he is
accepted besides; else they have 0.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Prefetch

from synnefo.astakos.projects.models import Membership, Project, ProjectLimit
from synnefo.astakos.quotas.keys import Key


def derived(
    uuids: Collection[str], *, person: str | None = None, resources: Collection[str] | None = None
) -> dict[Key, int]:
    """The limits of all holdings of these projects; those that were never started have none.

    ``person``: only those of this user; ``resources``: only of these.
    """
    wanted = ProjectLimit.objects.select_related("resource")
    if resources is not None:
        wanted = wanted.filter(resource__name__in=resources)
    limits: dict[Key, int] = {}
    members = Membership.objects.filter(initialized=True).select_related("person")
    rows = Project.objects.filter(uuid__in=uuids, state__in=Project.INITIALIZED).prefetch_related(
        Prefetch("limits", wanted),
        Prefetch("memberships", members if person is None else members.filter(person__uuid=person)),
    )
    for project in rows:
        pool = f"project:{project.uuid}"
        for limit in project.limits.all():
            resource = limit.resource.name
            if person is None:
                limits[pool, "", resource] = limit.project_capacity if project.is_normal else 0
            for member in project.memberships.all():
                usable = project.is_normal and member.is_accepted
                limits[f"user:{member.person.uuid}", pool, resource] = limit.member_capacity if usable else 0
    return limits
