"""Who may read which part of the ledger."""

from __future__ import annotations

from django.db.models import QuerySet

from synnefo.astakos.projects.access import is_project_admin, manages, project_of
from synnefo.astakos.quotas import ledger
from synnefo.astakos.quotas.models import ProvisionLog
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound


def events(
    caller: Caller, *, user: str | None = None, project: str | None = None, members: bool = False
) -> QuerySet[ProvisionLog]:
    """Part of the ledger, for ``ledger.read``: a user's shares (one's own if nothing is said), his share of a
    project, or a project's pool; ``members``: in place of the pool the shares of all who have some.

    One reads one's own shares; who owns a project, or has it as his system project, all of it; administrators
    everything; who is confined to a project what is of that. Raises ItemNotFound, Forbidden, BadRequest.
    """
    if members and (project is None or user is not None):
        raise BadRequest("Members' shares are those of a project.")
    if caller.scope is Scope.PROJECT and project is None:
        project, user = caller.project, user or caller.user
    if project is None:
        _check_user(caller, user)
        return ledger.of_user(caller.user if user is None else user)
    found = project_of(caller, project)
    if user != caller.user and project != caller.user and not manages(caller, found):
        raise Forbidden("Of a project that is not yours you may read your own share: name yourself as user.")
    if user is not None:
        return ledger.of_user(user, project)
    return ledger.of_members(project) if members else ledger.of_pool(project)


def _check_user(caller: Caller, user: str | None) -> None:
    if user not in (None, caller.user) and not is_project_admin(caller):
        raise ItemNotFound(f"No user with UUID {user!r}.")
