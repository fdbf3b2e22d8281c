"""Projects and applications over HTTP, for users and administrators of projects (spec: astakos 1.5.4)."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
)

from synnefo.astakos.plain import user_caller
from synnefo.astakos.projects import access, applications, life
from synnefo.astakos.projects.history import deactivated
from synnefo.astakos.projects.models import Policy, Project, ProjectApplication
from synnefo.astakos.projects.wishes import Wish
from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest
from synnefo.common.http.plain import answer, empty, json_object, parsed
from synnefo.common.units import INFINITE

#: States by the names that the API has for them.
STATES = {Project(state=state).state_name: state for state in Project.State}

_DECISIONS: dict[str, Callable[..., ProjectApplication]] = {
    "approve": applications.approve,
    "deny": applications.deny,
    "dismiss": applications.dismiss,
    "cancel": applications.cancel,
}
_CHANGES: dict[str, Callable[..., Project]] = {
    "suspend": life.suspend,
    "unsuspend": life.unsuspend,
    "terminate": life.terminate,
    "reinstate": life.reinstate,
}


def _policy(text: object) -> object:
    if text not in Policy.labels:
        raise ValueError(f"none of {', '.join(Policy.labels)}")
    return Policy[str(text).upper()]


def _moment(text: object) -> object:
    """A time of UTC unless it says otherwise."""
    try:
        moment = datetime.datetime.fromisoformat(str(text))
        aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
        return aware.astimezone(datetime.UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("not a date in ISO's form") from error


def _number(value: object) -> object:
    if value == "inf":
        return INFINITE
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _given(value: object) -> object:
    if value is None:
        raise ValueError("cannot be null")
    return value


Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Moment = Annotated[datetime.datetime, BeforeValidator(_moment)]
PolicyName = Annotated[Policy, BeforeValidator(_policy)]
Number = Annotated[StrictInt, BeforeValidator(_number)]


class Capacities(BaseModel):
    member_capacity: StrictInt
    project_capacity: StrictInt


class Wanted(BaseModel):
    """The body of POST and PUT projects; all of it may be left out, and null says nothing, but for names."""

    name: Annotated[Text | None, AfterValidator(_given)] = None
    owner: Text | None = None
    homepage: Text | None = None
    description: Text | None = None
    start_date: Moment | None = None
    end_date: Moment | None = None
    join_policy: PolicyName | None = None
    leave_policy: PolicyName | None = None
    max_members: Number | None = None
    private: StrictBool | None = None
    comments: Text | None = None
    resources: Annotated[dict[Text, Capacities], Field(max_length=1000)] = {}

    def wish(self) -> Wish:
        return Wish(
            name=self.name,
            owner=self.owner,
            homepage=self.homepage,
            description=self.description,
            start_date=self.start_date,
            end_date=self.end_date,
            member_join_policy=self.join_policy,
            member_leave_policy=self.leave_policy,
            max_members=self.max_members,
            private=self.private,
            comments=self.comments,
            resources={
                name: (one.member_capacity, one.project_capacity) for name, one in self.resources.items()
            },
        )


class Action(BaseModel):
    """What is done, why, and to which application. 0.21's client library says ``reasons``."""

    reason: Text | None = None
    reasons: Text | None = None
    app_id: Number | None = None
    reactivate: StrictBool = False

    @property
    def why(self) -> str:
        return self.reason or self.reasons or ""


def index(request: HttpRequest) -> HttpResponse:
    """GET projects: ``mode`` member, related, active or default; ``state``, ``owner``, ``name``."""
    caller = user_caller(request)
    rows = _of_mode(caller, request.GET.get("mode", "default"))
    state = request.GET.get("state")
    if state is not None:
        if state not in STATES:
            raise BadRequest(f"Unrecognized state '{state}'.")
        rows = rows.filter(state=STATES[state])
    if "owner" in request.GET:
        rows = rows.filter(owner__uuid=_clean(request.GET["owner"]))
    if "name" in request.GET:
        rows = rows.filter(realname=_clean(request.GET["name"]))
    return answer([_shown(caller, project) for project in _whole(rows).order_by("pk")])


def create(request: HttpRequest) -> HttpResponse:
    """POST projects: an application for a new one."""
    caller = user_caller(request)
    row = applications.submit(caller, parsed(Wanted, json_object(request)).wish())
    return answer({"application": row.pk, "id": row.project.uuid}, 201)


def show(request: HttpRequest, uuid: str) -> HttpResponse:
    """GET projects/<uuid>"""
    caller = user_caller(request)
    project = access.project_of(caller, _clean(uuid))
    return answer(_shown(caller, _whole(Project.objects.select_related("owner")).get(pk=project.pk)))


def modify(request: HttpRequest, uuid: str) -> HttpResponse:
    """PUT projects/<uuid>: an application for it to be changed."""
    caller = user_caller(request)
    row = applications.submit_change(caller, _clean(uuid), parsed(Wanted, json_object(request)).wish())
    return answer({"application": row.pk, "id": row.project.uuid}, 201)


def act(request: HttpRequest, uuid: str) -> HttpResponse:
    """POST projects/<uuid>/action: one of the changes of state, or of what becomes of its application."""
    caller = user_caller(request)
    name, value = single_action(json_object(request), {*_DECISIONS, *_CHANGES})
    if not isinstance(value, dict):
        raise BadRequest(f"{name}: an object with a reason is wanted")
    action = parsed(Action, value)
    project = access.project_of(caller, _clean(uuid))
    if name in _CHANGES:
        _CHANGES[name](caller, project.uuid, reason=action.why)
        return empty()
    if action.app_id is None:
        raise BadRequest("app_id: which application is meant")
    more = {"reactivate": action.reactivate} if name == "approve" else {}
    _DECISIONS[name](caller, action.app_id, project=project.uuid, reason=action.why, **more)
    return empty()


def single_action(body: dict[str, Any], known: set[str]) -> tuple[str, Any]:
    """The one action in a body that is known, with what it says. Raises BadRequest."""
    wanted = known & set(body)
    if not wanted:
        raise BadRequest("No recognized action")
    if len(wanted) > 1:
        raise BadRequest(f"More than one action: {', '.join(sorted(wanted))}")
    name = wanted.pop()
    return name, body[name]


def _of_mode(caller: Caller, mode: str) -> QuerySet[Project]:
    """Administrators of projects see all of them, unless they ask for those where they are members.

    Who names no mode gets what is related to him: clients list it as his projects.
    """
    modes = {
        "default": access.related_to,
        "related": access.related_to,
        "active": access.public,
        "member": access.joined_by,
    }
    if mode not in modes:
        raise BadRequest(f"Unrecognized mode '{mode}'.")
    door = access.projects_for if access.is_project_admin(caller) and mode != "member" else modes[mode]
    return door(caller)


def _whole(rows: QuerySet[Project]) -> QuerySet[Project]:
    """With all that is shown of projects, in a number of queries that does not grow with theirs."""
    return (
        rows.select_related("last_application__applicant", "last_application__owner")
        .prefetch_related("limits__resource", "last_application__grants__resource")
        .annotate(deactivated=deactivated())
    )


def _shown(caller: Caller, project: Project) -> dict[str, Any]:
    shown = {
        "id": project.uuid,
        "state": project.state_name,
        "creation_date": project.created.isoformat(),
        "name": project.realname,
        "owner": project.owner.uuid if project.owner else None,
        "homepage": project.homepage,
        "description": project.description,
        "end_date": project.end_date.isoformat(),
        "join_policy": _policy_name(project.member_join_policy),
        "leave_policy": _policy_name(project.member_leave_policy),
        "max_members": project.max_members,
        "private": project.private,
        "system_project": project.is_base,
        "resources": _resources(project.limits.all()),
    }
    if access.manages(caller, project):
        if project.last_application is not None:
            shown["last_application"] = _application(project.last_application)
        if project.deactivated is not None:  # type: ignore[attr-defined]  # annotated by _whole
            shown["deactivation_date"] = project.deactivated.isoformat()  # type: ignore[attr-defined]
    return shown


def _application(row: ProjectApplication) -> dict[str, Any]:
    return {
        "id": row.pk,
        "state": row.State(row.state).name.lower(),
        "name": row.name,
        "owner": row.owner.uuid if row.owner else None,
        "applicant": row.applicant.uuid,
        "homepage": row.homepage,
        "description": row.description,
        "start_date": row.start_date.isoformat() if row.start_date else None,
        "end_date": row.end_date.isoformat() if row.end_date else None,
        "comments": row.comments,
        "join_policy": _policy_name(row.member_join_policy),
        "leave_policy": _policy_name(row.member_leave_policy),
        "max_members": row.max_members,
        "private": row.private,
        "resources": _resources(row.grants.all()),
    }


def _resources(limits: Any) -> dict[str, dict[str, int]]:
    return {
        limit.resource.name: {
            "project_capacity": limit.project_capacity,
            "member_capacity": limit.member_capacity,
        }
        for limit in limits
        if limit.resource.api_visible
    }


def _policy_name(policy: int | None) -> str | None:
    return Policy(policy).label if policy is not None else None


def _clean(text: str) -> str:
    """Without what no name has and PostgreSQL does not take."""
    return text.replace("\x00", "")
