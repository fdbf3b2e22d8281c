"""Whether there is room for an import: nothing but what set-up makes with ``SYNNEFO_SEED=none``.

That is the catalog, which imported rows are merged with, and the first administrator, who keeps his
account, password and tokens under other numbers: his are those of the first imported user.
"""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db.models import Model, Q

from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog.models import Component, Resource, Service
from synnefo.astakos.methods.models import AuthPolicy
from synnefo.astakos.projects.models import Membership, Project
from synnefo.astakos.quotas.models import Commission, Holding
from synnefo.common.legacy import numbers
from synnefo.common.legacy.source import Source

SET_UP = "set-up"
_EXAMPLES = 10
_ROOM_FOR_MORE = 1000

#: What must not be there, and by which of its fields it is named.
_NOUNS: tuple[tuple[str, type[Model], str], ...] = (
    ("user", User, "username"),
    ("group", Group, "name"),
    ("policy", AuthPolicy, "name"),
    ("project", Project, "realname"),
    ("commission", Commission, "serial"),
)


#: What set-up makes, in an order in which whatever is referred to is moved last, and the old tables.
_OF_SET_UP: tuple[tuple[type[Model], str], ...] = (
    (Membership, "im_projectmembership"),
    (Project, "im_project"),
    (User, "auth_user"),
    (Service, "im_service"),
    (Component, "im_component"),
    (Resource, "im_resource"),
)


def collisions(source: Source) -> list[str]:
    """What is in the way, a line for each."""
    seeded = _administrator()
    found = []
    for noun, model, field in _NOUNS:
        rows = model._default_manager.order_by("pk")
        if seeded is not None and model in (User, Project):
            rows = rows.exclude(uuid=seeded.uuid)
        for name in rows.values_list(field, flat=True)[:_EXAMPLES]:
            found.append(f"{noun} {name}: is here already")
        if (more := rows.count() - _EXAMPLES) > 0:
            found.append(f"{noun}: {more} more are here already")
    if seeded is not None:
        found += _same_person(seeded, source)
    return found + _used() + _services_of_others(source)


def make(source: Source) -> None:
    """Give what set-up made other numbers: old rows come under theirs. In the caller's transaction."""
    for model, table in _OF_SET_UP:
        first = _free(source, table)
        for place, row in enumerate(model._default_manager.order_by("pk")):
            numbers.renumber(row, first + place)


def _free(source: Source, table: str) -> int:
    """Above all old numbers, with room for those that the old system may give out until it is stopped."""
    [row] = source.all(f"SELECT coalesce(max(id), 0) AS last FROM {table}")  # noqa: S608  constants of ours
    return max(int(row["last"]) + 1, source.next_number(table, "id")) + _ROOM_FOR_MORE


def _administrator() -> User | None:
    """Whom set-up made, while he is alone."""
    users = list(User.objects.order_by("pk")[:2])
    return users[0] if len(users) == 1 and users[0].accepted_policy == SET_UP else None


def _same_person(seeded: User, source: Source) -> list[str]:
    rows = source.all(
        "SELECT username FROM auth_user WHERE lower(username) = %s OR lower(email) = %s",
        seeded.username, seeded.username,
    )  # fmt: skip
    return [f"user {seeded.username}: is here already, and is to come" for _ in rows[:1]]


def _used() -> list[str]:
    used = Holding.objects.filter(Q(folded_max__gt=0) | Q(deltas__isnull=False)).distinct().order_by("pk")
    return [f"usage of {row}: is here already" for row in used[:_EXAMPLES]]


def _services_of_others(source: Source) -> list[str]:
    """A service is known by its name, which belongs to one component."""
    ours = dict(Service.objects.values_list("name", "component__name"))
    rows = source.all(
        "SELECT s.name, c.name AS component FROM im_service s JOIN im_component c ON c.id = s.component_id"
    )
    return [
        f"service {row['name']}: is of {ours[row['name']]} here, and of {row['component']} there"
        for row in rows
        if ours.get(row["name"], row["component"]) != row["component"]
    ]
