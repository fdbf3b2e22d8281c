"""Who may read which part of the ledger."""

from __future__ import annotations

from django.db.models import QuerySet

from synnefo.astakos.projects.models import Membership, Project
from synnefo.astakos.quotas import ledger
from synnefo.astakos.quotas.models import ProvisionLog
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden, ItemNotFound


def events(
    caller: Caller, *, user: str | None = None, project: str | None = None, members: bool = False
) -> QuerySet[ProvisionLog]:
    """Part of the ledger, for ``ledger.read``: a user's shares (one's own if nothing is said), his share of a
    project, or a project's pool; ``members``: in place of the pool the shares of all who have some.

    One reads one's own shares; who owns a project, or has it as his system project, all of it; administrators
    everything. Raises ItemNotFound, Forbidden, BadRequest.
    """
    if members and (project is None or user is not None):
        raise BadRequest("Members' shares are those of a project.")
    if project is None:
        _check_user(caller, user)
        return ledger.of_user(caller.user if user is None else user)
    if user is None or user != caller.user:
        _check_owned(caller, project)
    if user is not None:
        return ledger.of_user(user, project)
    return ledger.of_members(project) if members else ledger.of_pool(project)


def _check_user(caller: Caller, user: str | None) -> None:
    if user not in (None, caller.user) and not caller.is_admin:
        raise ItemNotFound(f"No user with UUID {user!r}.")


def _check_owned(caller: Caller, uuid: str) -> None:
    if caller.is_admin or uuid == caller.user:
        return
    project = Project.objects.filter(uuid=uuid, state__in=Project.INITIALIZED).select_related("owner").first()
    if project is not None and project.owner is not None and project.owner.uuid == caller.user:
        return
    members = Membership.objects.filter(
        project=project, person__uuid=caller.user, state__in=Membership.ACTUALLY_ACCEPTED
    )
    if project is not None and members.exists():
        raise Forbidden("Of a project that is not yours you may read your own share: name yourself as user.")
    raise ItemNotFound(f"No project with UUID {uuid!r}.")
