"""The mails about projects, and who gets them. Each is written in the transaction of what it tells of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from synnefo.astakos.mails import rules as mails
from synnefo.astakos.projects.models import Membership, Policy, Project, ProjectApplication
from synnefo.common.units import INFINITE, show_amount

_UNSAID = "[no change]"


def application_submitted(row: ProjectApplication) -> None:
    """To those who decide, with all that is asked for."""
    new = row.project.state == Project.State.UNINITIALIZED
    setting = "PROJECT_CREATION_RECIPIENTS" if new else "PROJECT_MODIFICATION_RECIPIENTS"
    _post("project_application", mails.addresses(setting), row.project, **_details(row), new=new)


def application_approved(row: ProjectApplication) -> None:
    """To the applicant, and with the details to those who watch projects."""
    _post("project_approved", [row.applicant.email], row.project, application=row)
    watchers = mails.addresses("PROJECT_NOTIFICATIONS_RECIPIENTS")
    _post("project_approved_details", watchers, row.project, **_details(row))


def application_denied(row: ProjectApplication) -> None:
    _post("project_denied", [row.applicant.email], row.project, application=row)


def project_changed(project: Project, action: str, reason: str) -> None:
    """To the owner: suspend, unsuspend, terminate or reinstate was done. System projects have no owner."""
    _post("project_changed", _owner(project), project, what=_DONE[action], reason=reason)


def project_ending(project: Project) -> None:
    """To the owner, before the end."""
    _post("project_ending", _owner(project), project)


def membership_asked(row: Membership) -> None:
    """To the owner: somebody wants to join or, if he is in, to leave."""
    leaves = row.state == Membership.State.LEAVE_REQUESTED
    _post("membership_asked", _owner(row.project), row.project, person=row.person, leaves=leaves)


def membership_changed(row: Membership, what: str, reason: str = "") -> None:
    """To the member: accepted, enrolled, rejected, removed, suspended, unsuspended."""
    _post("membership_changed", [row.person.email], row.project, what=what, reason=reason)


_DONE = {
    "suspend": "suspended",
    "unsuspend": "resumed",
    "terminate": "terminated",
    "reinstate": "reinstated",
}


def _owner(project: Project) -> list[str]:
    return [project.owner.email] if project.owner is not None else []


def _post(template: str, recipients: Iterable[str], project: Project, **more: object) -> None:
    url = mails.public_url(f"/ui/projects/{project.uuid}/")
    mails.post(template, recipients, {"project": project, "url": url, **more})


def _details(row: ProjectApplication) -> dict[str, object]:
    """All that an application asks for, as rows of words; what it leaves as it is, is said so."""
    return {
        "application": row,
        "fields": [
            ("Name", _said(row.name)),
            ("Owner", _said(row.owner.email if row.owner else None)),
            ("Homepage", _said(row.homepage)),
            ("Description", _said(row.description)),
            ("Start date", _said(row.start_date and row.start_date.date())),
            ("End date", _said(row.end_date and row.end_date.date())),
            ("Join policy", _said(row.member_join_policy and Policy(row.member_join_policy).label)),
            ("Leave policy", _said(row.member_leave_policy and Policy(row.member_leave_policy).label)),
            ("Max members", _said(_number(row.max_members))),
            ("Private", _said(None if row.private is None else "yes" if row.private else "no")),
            ("Comments", _said(row.comments)),
        ],
        "grants": _grants(row),
    }


def _grants(row: ProjectApplication) -> Sequence[tuple[str, str, str]]:
    return [
        (
            grant.resource.name,
            show_amount(grant.member_capacity, grant.resource.unit),
            show_amount(grant.project_capacity, grant.resource.unit),
        )
        for grant in row.grants.select_related("resource").order_by("resource__name")
    ]


def _number(amount: int | None) -> str | None:
    if amount is None:
        return None
    return "unlimited" if amount >= INFINITE else str(amount)


def _said(value: object) -> object:
    return _UNSAID if value is None else value
