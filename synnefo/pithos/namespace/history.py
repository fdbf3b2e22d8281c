"""What old versions cost, and forgetting them. By default (``PITHOS_BACKEND_FREE_VERSIONING``) it is nothing.

Where it is not, what is replaced or deleted stays charged as long as its container keeps it, and is given
back when it is forgotten.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from django.conf import settings
from django.db.models import QuerySet, Sum

from synnefo.common import locks
from synnefo.common.accounts import provisions_for
from synnefo.common.faults import Conflict, ItemNotFound
from synnefo.engine.charging import charged
from synnefo.pithos.namespace.models import Container, Object, Version
from synnefo.pithos.namespace.numbers import has_number

RESOURCE = "pithos.diskspace"
_ATTEMPTS = 20
_BATCH = 500


class OvertakenError(Exception):
    """Something is not as it was when its price was asked for."""


def kept_bytes(container: Container, old: Version | None) -> int:
    """What stays charged of a version that is replaced or deleted."""
    if old is None or settings.PITHOS_BACKEND_FREE_VERSIONING:
        return 0
    kept = container.versioning == Container.Versioning.AUTO or has_number(container, old.pk)
    return old.size_bytes if kept else 0


def charged_bytes(container: Container) -> int:
    """All that is charged for a container: what is there now, and history where that is not free."""
    return container.size_bytes + cost_of(Version.objects.filter(object__container=container))


def cost_of(rows: QuerySet[Version]) -> int:
    """What the old ones among these versions are charged with."""
    if settings.PITHOS_BACKEND_FREE_VERSIONING:
        return 0
    old = rows.filter(state=Version.State.HISTORY)
    return int(old.aggregate(total=Sum("size_bytes"))["total"] or 0)


def forget(
    container: Container, paths: QuerySet[Object], also: Callable[[Container], None],
    until: datetime.datetime | None = None,
) -> None:  # fmt: skip
    """Remove the old versions of some paths of a container (up to a time), and give back what they cost.

    Paths of which nothing is left go, too. ``also`` is done in the same transaction, the container locked.
    Raises ItemNotFound, Conflict.
    """
    rows = Version.objects.filter(object__in=paths).exclude(state=Version.State.CURRENT)
    if until is not None:
        rows = rows.filter(modified__lte=until)
    for _ in range(_ATTEMPTS):
        amount, project = cost_of(rows), container.project
        given_back = provisions_for(container.account.payer, project, {RESOURCE: -amount})
        try:
            with charged(given_back, name=f"{container.account.name}/{container.name}"[:255], force=True):
                container = lock(container.pk)
                if (cost_of(rows), container.project) != (amount, project):
                    raise OvertakenError
                rows.delete()  # one statement: nothing refers to versions
                _forget_empty(paths)
                return also(container)
        except OvertakenError:
            continue
    raise Conflict("The container is being written to; try again.")


def _forget_empty(paths: QuerySet[Object]) -> None:
    """Remove those of which nothing is left, with what hangs on them; some at a time, for they are read."""
    empty = paths.filter(versions=None).order_by("pk").values_list("pk", flat=True)
    while batch := list(empty[:_BATCH]):
        Object.objects.filter(pk__in=batch).delete()


def lock(key: int) -> Container:
    """The container, of which nobody changes objects until the transaction ends. Raises ItemNotFound."""
    locks.take(locks.Kind.CONTAINER, [key])
    found = Container.objects.select_for_update(of=("self",)).select_related("account").filter(pk=key).first()
    if found is None:
        raise ItemNotFound("Container does not exist")
    return found
