"""Two accounts of one person become one, as after an import of accounts whose e-mails differ in case only.

What an account uses in other services is theirs to move: the source must not use anything, and what it still
uses is said. Its tokens and credentials act in its name and end with it.
"""

from __future__ import annotations

from django.contrib.auth.models import Group

from synnefo.astakos.accounts import removal
from synnefo.astakos.accounts.models import User
from synnefo.astakos.methods.models import LOCAL, AuthMethod
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.history import move_membership, move_project
from synnefo.astakos.projects.models import Membership, Project
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Conflict
from synnefo.common.transactions import atomic

_REASON = "merged into another account"


def merge(caller: Caller, source: User, target: User) -> User:
    """Give what ``source`` has to ``target`` and remove it: owned projects, memberships, groups, ways to sign
    in (its password excepted, where the other one has one), rights of an administrator.

    Raises BadRequest (one and the same), Conflict (not accepted, or the source uses something).
    """
    if source.pk == target.pk:
        raise BadRequest("An account cannot be merged into itself.")
    with atomic():
        rows = {row.pk: row for row in User.objects.select_for_update().filter(pk__in=(source.pk, target.pk))}
        old, new = rows[source.pk], rows[target.pk]
        if not new.is_accepted:
            raise Conflict(f"The account {new.uuid} was not accepted: {new.status}.")
        uses = removal.outcome(old).uses
        if uses:
            told = ", ".join(f"{use.amount} of {use.resource} in {use.project}" for use in uses)
            raise Conflict(f"{old.uuid} still uses {told}. That cannot be moved: delete it, or transfer it.")
        _move_projects(caller, old, new)
        _move_ways_in(old, new)
        new.groups.add(*Group.objects.filter(user=old))
        new.is_superuser |= old.is_superuser
        new.is_staff |= old.is_superuser
        new.save()
        audit.record(caller, "user.merge", "user", new.uuid, source=old.uuid)
        removal.forget(caller, old)
        new.refresh_from_db()
    return new


def _move_projects(caller: Caller, old: User, new: User) -> None:
    Project.objects.filter(owner=old).update(owner=new)
    touched = {}
    for one in Membership.objects.filter(person=old).select_related("project"):
        project = touched[one.project_id] = one.project
        state = one.state
        if one.state in Membership.ASSOCIATED:
            move_membership(caller, one, Membership.State.REMOVED, reason=_REASON)
        if project.uuid == old.uuid:
            move_project(caller, project, Project.State.TERMINATED, reason=_REASON)
        elif state in Membership.ASSOCIATED:
            _join(caller, project, new, state)
    projects.sync(touched.values())


def _join(caller: Caller, project: Project, person: User, state: int) -> None:
    own, _ = Membership.objects.get_or_create(project=project, person=person, defaults={"state": state})
    if own.state not in Membership.ACCEPTED_TYPE:
        move_membership(caller, own, Membership.State(state), reason=_REASON)


def _move_ways_in(old: User, new: User) -> None:
    """Every identity; the password only where the other has none."""
    AuthMethod.objects.filter(user=old).exclude(module=LOCAL).update(user=new)
    if not new.has_usable_password() and old.has_usable_password():
        new.password = old.password
