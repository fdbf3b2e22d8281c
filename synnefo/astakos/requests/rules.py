"""Who may ask for more quota, who answers, and what follows for limits.

A member asks for more for each member of a project (its owner or an administrator answers), an owner for a
larger pool, everybody for his own system project (administrators answer). The owner gives what is his: up to
the pool. Amounts are limits, not additions. Everything that changes a request is in its log, in the audit
and in a mail. Who is confined to a project asks, sees and answers what is about that one alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db import IntegrityError
from django.db.models import Q, QuerySet
from django.utils import timezone

from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.access import is_project_admin, owns, project_of
from synnefo.astakos.projects.models import Membership, Project, ProjectLimit
from synnefo.astakos.requests import mails
from synnefo.astakos.requests.models import QuotaRequest, RequestedAmount, RequestLog
from synnefo.astakos.requests.targets import Line, Target, lines, targets_of_user
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller, Scope
from synnefo.common.faults import BadRequest, Conflict, Forbidden, ItemNotFound, WrongState
from synnefo.common.transactions import atomic
from synnefo.common.units import INFINITE

Kind, State = QuotaRequest.Kind, QuotaRequest.State

_LONGEST = 4096


def targets_of(caller: Caller) -> list[Target]:
    """What the caller may ask for: his own system project, his shares, the pools of what he owns."""
    found = targets_of_user(caller.user)
    return [one for one in found if caller.scope is not Scope.PROJECT or one.project.uuid == caller.project]


def preview(caller: Caller, project: str, kind: str) -> list[Line]:
    """What the caller would ask to raise: limits with their use, by resource.

    Raises ItemNotFound, Forbidden, BadRequest as ``ask`` does.
    """
    return lines(_target(caller, project, kind))


def ask(caller: Caller, project: str, kind: str, wanted: Mapping[str, int], reason: str) -> QuotaRequest:
    """Ask that limits (resource to amount) be raised.

    Raises ItemNotFound for a project that he does not see, Forbidden for what is not his to ask, BadRequest
    for amounts that are no more than there is, Conflict if he waits for an answer already.
    """
    target = _target(caller, project, kind)
    known = {line.resource.name: line for line in lines(target)}
    words = _words(reason)
    if not wanted or not words:
        raise BadRequest("Say of what you need more, and why.")
    for name, amount in wanted.items():
        if name not in known:
            raise BadRequest(f"No resource is called {name!r}.")
        if not known[name].limit < amount <= INFINITE:
            raise BadRequest(f"{name}: the limit is {known[name].limit} now, {amount} is no more than that.")
    row = QuotaRequest(asker=target.user, project=target.project, kind=kind, reason=words)
    with atomic():
        _save_single(row)
        RequestedAmount.objects.bulk_create(
            RequestedAmount(
                request=row, resource=line.resource, limit=line.limit, usage=line.usage, wanted=wanted[name]
            )
            for name, line in known.items()
            if name in wanted
        )
        mails.asked(row)
        _note(caller, row, "ask", reason=row.reason, wanted=dict(wanted))
    return row


def seen_by(caller: Caller) -> QuerySet[QuotaRequest]:
    """His own requests and those that he may answer, youngest first."""
    rows = QuotaRequest.objects.select_related("asker", "project__owner", "reviewer").prefetch_related(
        "amounts__resource"
    )
    if caller.scope is Scope.PROJECT:
        rows = rows.filter(project__uuid=caller.project)
    if not is_project_admin(caller):
        rows = rows.filter(Q(asker__uuid=caller.user) | _answered_by(caller))
    return rows.order_by("-pk")


def own(caller: Caller) -> QuerySet[QuotaRequest]:
    """What he asked for."""
    return seen_by(caller).filter(asker__uuid=caller.user)


def answerable(caller: Caller) -> QuerySet[QuotaRequest]:
    """Those whose answer is or was his to give."""
    rows = seen_by(caller)
    return rows if is_project_admin(caller) else rows.filter(_answered_by(caller))


def queue(caller: Caller) -> QuerySet[QuotaRequest]:
    """What waits for an answer that he may give, oldest first."""
    return answerable(caller).filter(state=State.PENDING).order_by("pk")


def get(caller: Caller, uuid: str) -> QuotaRequest:
    """Raises ItemNotFound."""
    row = seen_by(caller).filter(uuid=uuid).first()
    if row is None:
        raise ItemNotFound(f"No request with UUID {uuid!r}.")
    return row


def may_answer(caller: Caller, row: QuotaRequest) -> bool:
    """Administrators answer all, the owner of a project what its members ask for themselves."""
    return is_project_admin(caller) or (row.kind == Kind.SHARE and owns(caller, row.project))


def approve(
    caller: Caller, uuid: str, granted: Mapping[str, int] | None = None, answer: str = ""
) -> QuotaRequest:
    """Raise the limits to what is granted (resource to amount), or to what was asked for.

    A resource that is left out of ``granted`` stays as it is. Raises ItemNotFound, Forbidden, WrongState,
    BadRequest for an amount that was not asked for or is no more than there is, Conflict where the project
    does not allow it.
    """
    with atomic():
        reviewer = _reviewer(caller)  # locked before the project, as everybody locks users
        row = _pending(caller, uuid)
        project = Project.objects.select_for_update().get(pk=row.project_id)
        amounts = {amount.resource.name: amount for amount in row.amounts.all()}
        chosen = {name: amount.wanted for name, amount in amounts.items()} if granted is None else granted
        if not chosen or chosen.keys() - amounts.keys():
            raise BadRequest("Grant some of what was asked for, and nothing else.")
        _check_running(row, project)
        projects.set_limits(caller, project, _limits(row, project, chosen))
        for name, amount in chosen.items():
            amounts[name].granted = amount
        RequestedAmount.objects.bulk_update([amounts[name] for name in chosen], ("granted",))
        _decide(reviewer, row, State.APPROVED, answer)
        mails.answered(row)
        _note(caller, row, "approve", reason=row.answer, granted=dict(chosen))
    return row


def deny(caller: Caller, uuid: str, answer: str) -> QuotaRequest:
    """Say no, and why. Raises ItemNotFound, Forbidden, WrongState, BadRequest."""
    if not answer.strip():
        raise BadRequest("Say why not.")
    with atomic():
        row = _pending(caller, uuid)
        _decide(_reviewer(caller), row, State.DENIED, answer)
        mails.answered(row)
        _note(caller, row, "deny", reason=row.answer)
    return row


def cancel(caller: Caller, uuid: str) -> QuotaRequest:
    """The asker (or an administrator) takes it back. Raises ItemNotFound, Forbidden, WrongState."""
    with atomic():
        row = _locked(caller, uuid)
        if not (is_project_admin(caller) or row.asker.uuid == caller.user):
            raise Forbidden("Only who asked can take it back.")
        _check_pending(row)
        row.state, row.decided = State.CANCELLED, timezone.now()
        row.save(update_fields=("state", "decided"))
        _note(caller, row, "cancel")
    return row


def dismiss(caller: Caller, uuid: str) -> None:
    """The asker has read the answer. Raises ItemNotFound, WrongState."""
    row = own(caller).filter(uuid=uuid).first()
    if row is None:
        raise ItemNotFound(f"No request with UUID {uuid!r}.")
    if row.state == State.PENDING:
        raise WrongState("This request was not answered yet.")
    QuotaRequest.objects.filter(pk=row.pk).update(dismissed=True)


def _target(caller: Caller, project: str, kind: str) -> Target:
    if kind not in Kind.values:
        raise BadRequest(f"One asks for more as {' or '.join(Kind.values)}, not as {kind!r}.")
    targets = [target for target in targets_of(caller) if target.project.uuid == project]
    for target in targets:
        if target.kind == kind:
            return target
    if targets:
        raise Forbidden(f"Of this project you may ask for more of the {Kind(targets[0].kind).label} only.")
    project_of(caller, project)  # or there is none that he sees
    raise Forbidden("Only members and the owner of a project may ask for more of it.")


def _answered_by(caller: Caller) -> Q:
    return Q(kind=Kind.SHARE, project__owner__uuid=caller.user)


def _words(text: str) -> str:
    """Raises BadRequest."""
    words = text.strip()
    if len(words) > _LONGEST or "\x00" in words:
        raise BadRequest(f"Write plain text of at most {_LONGEST} characters.")
    return words


def _save_single(row: QuotaRequest) -> None:
    try:
        with atomic():
            row.save()
    except IntegrityError as error:
        raise Conflict("You wait for an answer to such a request already. Take it back first.") from error


def _locked(caller: Caller, uuid: str) -> QuotaRequest:
    row = get(caller, uuid)
    row.state = QuotaRequest.objects.select_for_update().get(pk=row.pk).state
    return row


def _pending(caller: Caller, uuid: str) -> QuotaRequest:
    row = _locked(caller, uuid)
    if not may_answer(caller, row):
        raise Forbidden("This is not yours to answer.")
    _check_pending(row)
    return row


def _check_pending(row: QuotaRequest) -> None:
    if row.state != State.PENDING:
        raise WrongState(f"This request was {State(row.state).label} already.")


def _check_running(row: QuotaRequest, project: Project) -> None:
    if project.state not in Project.ALIVE:
        raise Conflict(f"The project {project.realname} does not run any more.")
    member = Membership.objects.filter(
        project=project, person=row.asker_id, state__in=Membership.ACTUALLY_ACCEPTED
    )
    if row.kind == Kind.SHARE and not member.exists():
        raise Conflict(f"{row.asker.email} is no member of {project.realname} any more.")


def _limits(row: QuotaRequest, project: Project, chosen: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Resource to member and project capacity. Raises BadRequest, Conflict."""
    limits = {}
    for limit in ProjectLimit.objects.filter(project=project, resource__name__in=chosen).select_related(
        "resource"
    ):
        name, member, pool = limit.resource.name, limit.member_capacity, limit.project_capacity
        amount = chosen[name]
        if not (member if row.kind == Kind.SHARE else pool) < amount <= INFINITE:
            raise BadRequest(f"{name}: {amount} is no more than the limit that there is.")
        if row.kind == Kind.SHARE and amount > pool:
            raise Conflict(f"{name}: the project has {pool} in all; its pool must be raised first.")
        share = max(member, amount) if row.kind == Kind.SHARE or project.is_base else member
        limits[name] = (share, pool if row.kind == Kind.SHARE else amount)
    if limits.keys() != chosen.keys():
        raise Conflict("The project has no limits of these resources.")
    return limits


def _reviewer(caller: Caller) -> User | None:
    """Whoever answers, locked; None for a command."""
    return User.objects.select_for_update(no_key=True).filter(uuid=caller.user).first()


def _decide(reviewer: User | None, row: QuotaRequest, to: QuotaRequest.State, answer: str) -> None:
    row.state, row.decided, row.answer, row.reviewer = to, timezone.now(), _words(answer), reviewer
    row.save(update_fields=("state", "decided", "answer", "reviewer"))


def _note(
    caller: Caller, row: QuotaRequest, action: str, *, reason: str = "", **details: Mapping[str, int]
) -> None:
    before = None if action == "ask" else State.PENDING
    RequestLog.objects.create(
        request=row, from_state=before, to_state=row.state, actor=caller.user, reason=reason
    )
    audit.record(
        caller, f"request.{action}", "request", row.uuid, project=row.project.uuid, of=row.kind, **details
    )
