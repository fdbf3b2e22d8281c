"""What hangs on a path and not on its versions (shares, a public link): set with an object, or beside it.

A wish is what a change does ``also``: in the very transaction that makes the version, so that nothing is ever
there without what was asked for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from django.db import IntegrityError

from synnefo.common.faults import Conflict, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.pithos.namespace.changes import Also, current
from synnefo.pithos.namespace.models import Container, Version

_ATTEMPTS = 20


def together(*wishes: Also | None) -> Also:
    """All of them, in this order."""

    def also(made: Sequence[Version | None]) -> None:
        for wish in wishes:
            if wish is not None:
                wish(made)

    return also


def beside(container: Container, name: str, also: Also) -> Version:
    """Fulfil a wish for what is there, without a new version of it. Raises ItemNotFound, Conflict."""
    for _ in range(_ATTEMPTS):
        seen = current(container, name)
        if seen is None or seen.is_over:
            raise ItemNotFound("Object does not exist")
        # Somebody else has set the same at the same moment, or what must be unique is there.
        with contextlib.suppress(IntegrityError), atomic():
            # Whoever deletes it meanwhile waits for this row, and then finds what was set.
            rows = Version.objects.select_for_update().filter(pk=seen.pk, state=Version.State.CURRENT)
            if list(rows):
                also([seen])
                return seen
    raise Conflict("The object is being changed by others all the time; try again.")


def path_of(made: Sequence[Version | None]) -> tuple[int, str]:
    """The row of the path that a change was asked for, and the object's uuid. Raises ItemNotFound."""
    if made[0] is None:
        raise ItemNotFound("Object does not exist")
    return made[0].object_id, made[0].uuid
