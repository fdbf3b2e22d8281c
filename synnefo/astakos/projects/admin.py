"""Projects, applications and memberships on the administrators' dashboard, each act by its rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from synnefo.admin.site import site
from synnefo.admin.tables import Act, Part, StateFilter, Table
from synnefo.admin.words import events, mono, shown
from synnefo.astakos.projects import applications, life, memberships
from synnefo.astakos.projects.applications_shown import ApplicationShown
from synnefo.astakos.projects.models import Membership, Policy, Project, ProjectApplication, ProjectLimit
from synnefo.astakos.projects.shown import (
    JOINING,
    LEAVING,
    count_words,
    state_of_application,
    state_of_membership,
    state_of_project,
)
from synnefo.astakos.quotas import reading
from synnefo.astakos.shown import amount_words, title_of
from synnefo.common.accounts import accounts
from synnefo.common.templatetags.console import ago, ahead

_STATE, _ASKED = Membership.State, ProjectApplication.State
_PROJECTS = {
    "active": Q(state=Project.State.NORMAL),
    "not approved": Q(state=Project.State.UNINITIALIZED),
    "suspended": Q(state=Project.State.SUSPENDED),
    "terminated": Q(state=Project.State.TERMINATED),
}
_APPLICATIONS = {
    "waiting": Q(state=_ASKED.PENDING),
    "approved": Q(state=_ASKED.APPROVED),
    "denied": Q(state__in=(_ASKED.DENIED, _ASKED.DISMISSED)),
}
_MEMBERSHIPS = {
    "in": Q(state__in=Membership.ACCEPTED_TYPE),
    "asking": Q(state__in=(_STATE.REQUESTED, _STATE.LEAVE_REQUESTED)),
    "suspended": Q(state=_STATE.SUSPENDED),
}


class ProjectState(StateFilter):
    states = _PROJECTS


class ApplicationState(StateFilter):
    states = _APPLICATIONS


class MembershipState(StateFilter):
    states = _MEMBERSHIPS


@admin.register(Project, site=site)
class Projects(Table):
    icon = "folder"
    states = _PROJECTS
    list_display = ("shown_name", "shown_state", "owned_by", "people", "ends")
    list_display_links = ("shown_name",)
    list_filter = (ProjectState, "is_base")
    search_fields = ("realname", "owner__email", "=uuid")
    search_help_text = "Name, owner or uuid"
    ordering = ("-created",)
    acts = (
        Act(
            "suspend", "Suspend", "block",
            "Nobody gets anything of it until it is resumed; what is used stays. The owner is told by mail.",
            "is suspended", lambda caller, row, reason: life.suspend(caller, row.uuid, reason=reason),
            lambda row: not life.refusal(row, "suspend"), asks_reason=True, is_danger=True,
        ),
        Act(
            "unsuspend", "Resume", "check", "Its members have their shares again.",
            "runs again", lambda caller, row, reason: life.unsuspend(caller, row.uuid, reason=reason),
            lambda row: not life.refusal(row, "unsuspend"),
        ),
        Act(
            "terminate", "Terminate", "close",
            "It ends: nobody gets anything of it, its name is free for others, what is used stays.",
            "is terminated", lambda caller, row, reason: life.terminate(caller, row.uuid, reason=reason),
            lambda row: not life.refusal(row, "terminate"), asks_reason=True, is_danger=True,
        ),
        Act(
            "reinstate", "Reinstate", "undo", "It runs again, if its name is still free.",
            "runs again", lambda caller, row, reason: life.reinstate(caller, row.uuid, reason=reason),
            lambda row: not life.refusal(row, "reinstate"),
        ),
    )  # fmt: skip

    def complete(self, rows: Iterable[Any]) -> None:
        """System projects have the name of their user."""
        found = list(rows)
        names = accounts().names(row.uuid for row in found if row.is_base)
        for row in found:
            row.title = f"Own project of {names.get(row.uuid, row.uuid)}" if row.is_base else row.realname

    def name_of(self, row: Any) -> str:
        return str(row.title)

    @admin.display(description="Name", ordering="realname")
    def shown_name(self, row: Any) -> str:
        return str(row.title)

    @admin.display(description="State", ordering="state")
    def shown_state(self, row: Project) -> SafeString:
        return shown(state_of_project(row))

    @admin.display(description="Owner", ordering="owner__email")
    def owned_by(self, row: Project) -> str:
        return row.owner.email if row.owner else "nobody"

    @admin.display(description="Members", ordering="people")
    def people(self, row: Any) -> int:
        return int(row.people)

    @admin.display(description="Ends", ordering="end_date")
    def ends(self, row: Project) -> str:
        return "never" if row.is_base else ahead(row.end_date)

    def facts(self, row: Project) -> Mapping[str, object]:
        return {
            "State": shown(state_of_project(row)),
            "Owner": self.owned_by(row),
            "What it is": row.description or "none",
            "Private": "yes" if row.private else "no",
            "Joining": JOINING[Policy(row.member_join_policy)],
            "Leaving": LEAVING[Policy(row.member_leave_policy)],
            "Members": f"{self.people(row)} of {count_words(row.max_members)}",
            "Created": ago(row.created),
            "Ends": self.ends(row),
            "Uuid": mono(row.uuid),
        }

    def parts(self, row: Project) -> Sequence[Part]:
        return (_limits(row), _members(row), events("project", row.uuid))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        accepted = Q(memberships__state__in=Membership.ACCEPTED_TYPE)
        rows = Project.objects.annotate(people=Count("memberships", filter=accepted, distinct=True))
        return rows.select_related("owner", "last_application")


@admin.register(ProjectApplication, site=site)
class Applications(Table):
    icon = "description"
    states = _APPLICATIONS
    list_display = ("shown_project", "shown_state", "by", "asked")
    list_display_links = ("shown_project",)
    list_filter = (ApplicationState,)
    search_fields = ("project__realname", "name", "applicant__email")
    search_help_text = "Project or applicant"
    ordering = ("-pk",)
    acts = (
        Act(
            "approve", "Approve", "check",
            "The project becomes what was asked for; a new one runs from now on.",
            "is approved", lambda caller, row, reason: applications.approve(caller, row.pk, reason=reason),
            lambda row: row.is_pending,
        ),
        Act(
            "deny", "Deny", "block",
            "Everything stays as it is. The applicant is told by mail, with the reason.",
            "is denied", lambda caller, row, reason: applications.deny(caller, row.pk, reason=reason),
            lambda row: row.is_pending, asks_reason=True, is_danger=True,
        ),
    )  # fmt: skip

    def name_of(self, row: ProjectApplication) -> str:
        return f"{row.project.realname} (no. {row.pk})"

    @admin.display(description="Project", ordering="project__realname")
    def shown_project(self, row: ProjectApplication) -> str:
        return self.name_of(row)

    @admin.display(description="State", ordering="state")
    def shown_state(self, row: ProjectApplication) -> SafeString:
        return shown(state_of_application(row))

    @admin.display(description="Applicant", ordering="applicant__email")
    def by(self, row: ProjectApplication) -> str:
        return row.applicant.email

    @admin.display(description="When", ordering="issued")
    def asked(self, row: ProjectApplication) -> str:
        return ago(row.issued)

    def facts(self, row: ProjectApplication) -> Mapping[str, object]:
        facts: dict[str, object] = {
            "State": self.shown_state(row),
            "Project": row.project.realname,
            "Applicant": self.by(row),
            "When": self.asked(row),
            "Comments": row.comments or "none",
        }
        if row.responded:
            facts |= {"Answered": ago(row.responded), "Answer": row.response or "none"}
        return facts

    def parts(self, row: ProjectApplication) -> Sequence[Part]:
        lines = ApplicationShown(row, row.project.realname, own=False).differences()
        told = [(line.title, line.was, line.becomes) for line in lines]
        return (
            Part("What is asked for", ("What", "Now", "Wanted"), told, "Nothing."),
            events("application", row.pk),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = ProjectApplication.objects.select_related("project", "applicant", "owner")
        return rows.prefetch_related("grants__resource")


@admin.register(Membership, site=site)
class Memberships(Table):
    icon = "badge"
    states = _MEMBERSHIPS
    list_display = ("shown_person", "shown_project", "shown_state")
    list_display_links = ("shown_person",)
    list_filter = (MembershipState,)
    search_fields = ("person__email", "project__realname")
    search_help_text = "E-mail or project"
    ordering = ("-pk",)
    acts = (
        Act(
            "accept", "Accept", "check", "They are let in, and told by mail.", "is a member now",
            lambda caller, row, reason: memberships.accept(caller, row.pk, reason=reason),
            lambda row: not memberships.refusal(row, "accept"),
        ),
        Act(
            "reject", "Reject", "block", "They are not let in, and told by mail.", "is not let in",
            lambda caller, row, reason: memberships.reject(caller, row.pk, reason=reason),
            lambda row: not memberships.refusal(row, "reject"), asks_reason=True, is_danger=True,
        ),
        Act(
            "remove", "Remove", "person_off",
            "They get nothing of the project any more; what they have in it stays, and goes on counting.",
            "is no member any more",
            lambda caller, row, reason: memberships.remove(caller, row.pk, reason=reason),
            lambda row: not memberships.refusal(row, "remove"), asks_reason=True, is_danger=True,
        ),
        Act(
            "suspend", "Suspend", "block", "They get nothing of the project until this is undone.",
            "is suspended",
            lambda caller, row, reason: memberships.suspend(caller, row.pk, reason=reason),
            lambda row: not row.project.is_base and not memberships.refusal(row, "suspend"),
            asks_reason=True, is_danger=True,
        ),
        Act(
            "unsuspend", "Resume", "check", "They have their share again.", "has his share again",
            lambda caller, row, reason: memberships.unsuspend(caller, row.pk, reason=reason),
            lambda row: not memberships.refusal(row, "unsuspend"),
        ),
    )  # fmt: skip

    def name_of(self, row: Membership) -> str:
        return f"{row.person.email} in {row.project.realname}"

    @admin.display(description="Person", ordering="person__email")
    def shown_person(self, row: Membership) -> str:
        return row.person.email

    @admin.display(description="Project", ordering="project__realname")
    def shown_project(self, row: Membership) -> str:
        return row.project.realname

    @admin.display(description="State", ordering="state")
    def shown_state(self, row: Membership) -> SafeString:
        return shown(state_of_membership(row))

    def facts(self, row: Membership) -> Mapping[str, object]:
        return {
            "Person": row.person.email,
            "Project": row.project.realname,
            "State": self.shown_state(row),
            "Over quota": row.overquota_state,
            "Number": row.pk,
        }

    def parts(self, row: Membership) -> Sequence[Part]:
        told = [(ago(one.at), _STATE(one.to_state).label, one.reason) for one in row.log.order_by("-pk")[:20]]
        return (
            Part("What happened", ("When", "State", "Reason"), told, "Nothing yet."),
            events("membership", row.pk),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Membership.objects.filter(project__is_base=False).select_related("person", "project__owner")


def _limits(row: Project) -> Part:
    pool = reading.of_projects([row.uuid]).get(row.uuid, {})
    rows = ProjectLimit.objects.filter(project=row).select_related("resource").order_by("resource__name")
    told = [
        (
            title_of(limit.resource),
            amount_words(limit.member_capacity, limit.resource.unit),
            amount_words(limit.project_capacity, limit.resource.unit),
            amount_words(pool[limit.resource.name].usage_max, limit.resource.unit)
            if limit.resource.name in pool
            else "",
        )
        for limit in rows
    ]
    return Part("Limits", ("Resource", "Each member", "In all", "In use"), told, "It has none.")


def _members(row: Project) -> Part:
    rows = Membership.objects.filter(project=row, state__in=Membership.ASSOCIATED).select_related("person")
    told = [
        (one.person.email, state_of_membership(one).word) for one in rows.order_by("person__username")[:100]
    ]
    return Part("Members", ("Person", "State"), told, "Nobody is in it.")
