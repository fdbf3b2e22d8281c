"""Moving what belongs to a user to another project of his, with its charge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings

from synnefo.common.accounts import provisions_for
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.cyclades.owned import Owned
from synnefo.engine.charging import commissioned, decide


@contextmanager
def moving(
    caller: Caller, thing: Owned, project: str, cost: Mapping[str, int], *, shared: bool, what: str
) -> Iterator[None]:
    """The transaction that moves it; its cost leaves one project and comes to the other.

    Raises Forbidden (not the owner; sharing is off), BadRequest (not a project of his), OverLimit.
    """
    if thing.userid != caller.user and not caller.is_admin:
        raise Forbidden(f"Only the owner of a {what} can reassign it.")
    if shared and not settings.CYCLADES_SHARED_RESOURCES_ENABLED:
        raise Forbidden("Sharing resources to projects is not enabled.")
    if not caller.is_admin and project not in caller.projects:
        raise BadRequest(f"User {caller.user} not in project {project}")
    freed = {name: -amount for name, amount in cost.items()}
    provisions = []
    if project != thing.project:
        provisions = [
            *provisions_for(thing.userid, thing.project, freed),
            *provisions_for(thing.userid, project, cost),
        ]
    with commissioned(provisions, name=f"api: {what} reassign") as serial:
        yield
        decide(serial, accept=True)
