"""Projects are suspended, terminated, and run again; they end when their time is over.

Terminating frees the name, and whoever worked in the project by default does so in his own project again.
"""

from __future__ import annotations

import datetime

import structlog
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects import access, notices, overquota
from synnefo.astakos.projects import rules as projects
from synnefo.astakos.projects.history import ended, leave_as_default, locked, move_project
from synnefo.astakos.projects.models import Project
from synnefo.audit import rules as audit
from synnefo.common.caller import Caller, system_caller
from synnefo.common.faults import Conflict, Fault
from synnefo.common.transactions import atomic

log = structlog.get_logger("synnefo.projects")

State = Project.State

ACTIONS = ("suspend", "unsuspend", "terminate", "reinstate")
_FROM = {
    "suspend": (State.NORMAL,),
    "unsuspend": (State.SUSPENDED,),
    "terminate": Project.ALIVE,
    "reinstate": (State.TERMINATED,),
}
_TO = {
    "suspend": State.SUSPENDED,
    "unsuspend": State.NORMAL,
    "terminate": State.TERMINATED,
    "reinstate": State.NORMAL,
}
EXPIRED = "The end date of the project has passed."


def allowed_actions(caller: Caller, project: Project) -> list[str]:
    """What an administrator could do to the state of a project right now; nothing for others."""
    if not access.is_project_admin(caller):
        return []
    return [action for action in ACTIONS if not refusal(project, action)]


def refusal(project: Project, action: str) -> str:
    """Why that cannot be done to a project, whoever asks; empty if it can."""
    if action == "terminate" and project.is_base:
        return f"Cannot terminate: {project.uuid} is a system project."
    if project.state in _FROM[action]:
        return EXPIRED if action == "reinstate" and project.has_ended else ""
    if action == "unsuspend":
        return f"Project {project.uuid} is not suspended."
    if action == "reinstate":
        return f"Project {project.uuid} is not terminated."
    return f"Project {project.uuid} is {project.state_name}."


def suspend(caller: Caller, uuid: str, *, reason: str = "") -> Project:
    """Nobody gets anything of it until ``unsuspend``; what is used stays. Raises as ``_change``."""
    return _change(caller, uuid, "suspend", reason)


def unsuspend(caller: Caller, uuid: str, *, reason: str = "") -> Project:
    return _change(caller, uuid, "unsuspend", reason)


def terminate(caller: Caller, uuid: str, *, reason: str = "") -> Project:
    """It ends; ``reinstate`` brings it back while its name is free. Raises as ``_change``."""
    return _change(caller, uuid, "terminate", reason)


def reinstate(caller: Caller, uuid: str, *, reason: str = "") -> Project:
    return _change(caller, uuid, "reinstate", reason)


def expired() -> QuerySet[Project]:
    """Projects that run past their end."""
    return Project.objects.filter(ended()).select_related("owner").order_by("end_date", "pk")


def terminate_expired(caller: Caller, *, reason: str = EXPIRED) -> list[Project]:
    """Terminate them, each for itself; those of which this is not possible are logged and left."""
    done = []
    for project in expired():
        try:
            done.append(terminate(caller, project.uuid, reason=reason))
        except Fault as fault:  # somebody changed it meanwhile, or the cloud's own policy refuses
            log.warning("project cannot be terminated", project=project.uuid, error=fault.message)
    return done


def watch_ends() -> None:
    """Periodic work: remind owners, and terminate where the cloud wants that done by itself."""
    remind()
    if settings.ASTAKOS_TERMINATE_EXPIRED_PROJECTS:
        terminate_expired(system_caller("projects"))


def remind() -> int:
    """Tell owners of projects that end soon, once for each of ``ASTAKOS_PROJECT_REMINDER_DAYS``."""
    now, told = timezone.now(), 0
    for days in sorted(settings.ASTAKOS_PROJECT_REMINDER_DAYS):
        due = Project.objects.filter(
            Q(reminded_days=None) | Q(reminded_days__gt=days),
            state__in=Project.ALIVE,
            is_base=False,
            end_date__gt=now,
            end_date__lte=now + datetime.timedelta(days=days),
        )
        for project in due.select_related("owner"):
            with atomic():
                mine = due.filter(pk=project.pk).update(reminded_days=days)
                if mine:
                    notices.project_ending(project)
                    told += 1
    return told


def _change(caller: Caller, uuid: str, action: str, reason: str) -> Project:
    """Raises ItemNotFound; Forbidden for who is no administrator; Conflict for a state that does not fit."""
    found = access.project_of(caller, uuid)
    access.require_admin(caller)
    with atomic():
        users = User.objects.select_for_update().filter(default_project=uuid).order_by("pk")
        leaving = list(users) if action == "terminate" else []
        project = locked(found)
        if why := refusal(project, action):
            raise Conflict(why)
        move_project(caller, project, _TO[action], reason=reason)
        leave_as_default(project, leaving)
        overquota.check_projects([project], action.upper())
        projects.sync([project])
        audit.record(caller, f"project.{action}", "project", uuid, project=uuid, reason=reason)
        notices.project_changed(project, action, reason)
    return project
