"""Users on the administrators' dashboard: found, looked at, suspended and resumed by the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from synnefo.admin.site import site
from synnefo.admin.tables import Act, Part, StateFilter, Table
from synnefo.admin.words import events, mono, state
from synnefo.astakos.accounts import removal, rules, signup
from synnefo.astakos.accounts.models import User
from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.projects.models import Membership
from synnefo.astakos.quotas import reading
from synnefo.common.templatetags.console import ago
from synnefo.common.units import show_amount

_ACCEPTED = Q(email_verified=True, moderated=True, is_rejected=False)
_STATES = {
    "active": Q(is_active=True),
    "suspended": _ACCEPTED & Q(is_active=False),
    "to be moderated": Q(email_verified=True, moderated=False),
    "not verified": Q(email_verified=False, removed_at=None),
    "rejected": Q(is_rejected=True),
    "removed": Q(removed_at__isnull=False),
}


class UserState(StateFilter):
    states = _STATES


def word_of(row: User) -> tuple[str, str]:
    """The state in a word, and its colour."""
    if row.removed_at:
        return "Removed", "grey"
    if row.is_active:
        return "Active", "green"
    if row.is_rejected:
        return "Rejected", "grey"
    if row.is_accepted:
        return "Suspended", "red"
    return ("To be moderated", "yellow") if row.email_verified else ("Not verified", "grey")


@admin.register(User, site=site)
class Users(Table):
    icon = "group"
    states = _STATES
    list_display = ("shown_email", "shown_name", "shown_state", "role", "joined", "signed_in")
    list_display_links = ("shown_email",)
    list_filter = (UserState, "is_superuser")
    search_fields = ("first_name", "last_name", "email", "=uuid")
    search_help_text = "Name, e-mail or uuid"
    ordering = ("-date_joined",)
    acts = (
        Act(
            "accept", "Accept", "check",
            "They can sign in from now on, have a project of their own with its quota, and are told by mail.",
            "is accepted", lambda caller, row, reason: rules.accept(caller, row),
            lambda row: row.email_verified and (row.is_rejected or not row.moderated),
        ),
        Act(
            "reject", "Reject", "block",
            "They cannot sign in, and are told by mail, with the reason that you give.",
            "is rejected", lambda caller, row, reason: rules.reject(caller, row, reason=reason),
            lambda row: row.email_verified and not row.moderated, asks_reason=True, is_danger=True,
        ),
        Act(
            "send", "Send the mail again", "mail",
            "The link by which the address is confirmed comes once more.",
            "gets a mail", lambda caller, row, reason: signup.send_verification(caller, row),
            lambda row: not row.email_verified and not row.removed_at,
        ),
        Act(
            "verify", "Confirm the address", "mark_email_read",
            "You vouch for the address in place of the mail's link.",
            "has a confirmed address", lambda caller, row, reason: rules.confirm_email(caller, row),
            lambda row: not row.email_verified and not row.removed_at,
        ),
        Act(
            "suspend", "Suspend", "block",
            "No password, session or token of theirs is accepted from then on, and their projects and"
            " memberships are suspended. Servers go on running, and nothing is deleted.",
            "is suspended", lambda caller, row, reason: rules.deactivate(caller, row, reason=reason),
            lambda row: row.is_active, asks_reason=True, is_danger=True,
        ),
        Act(
            "resume", "Resume", "check",
            "They can sign in again, and have their projects and memberships back.",
            "can use the cloud again", lambda caller, row, reason: rules.activate(caller, row),
            lambda row: row.is_accepted and not row.is_active,
        ),
        Act(
            "delete", "Delete", "delete",
            "The account was never accepted and has nothing. It goes, and the address can sign up anew.",
            "is deleted", lambda caller, row, reason: rules.delete(caller, row),
            lambda row: not row.is_accepted and not row.removed_at, is_danger=True,
        ),
        Act(
            "remove", "Remove", "person_off",
            "All that is kept of them goes for good, but for the uuid. What they still use or own has to be"
            " deleted or handed over first; if there is any, nothing happens and it is named.",
            "is removed", lambda caller, row, reason: removal.remove(caller, row),
            lambda row: row.is_accepted, is_danger=True,
        ),
    )  # fmt: skip

    def name_of(self, row: User) -> str:
        return row.email or row.uuid

    @admin.display(description="E-mail", ordering="email")
    def shown_email(self, row: User) -> str:
        return row.email or "none"

    @admin.display(description="Name", ordering="last_name")
    def shown_name(self, row: User) -> str:
        return row.realname

    @admin.display(description="State", ordering="is_active")
    def shown_state(self, row: User) -> SafeString:
        return state(*word_of(row))

    @admin.display(description="Administrator", ordering="is_superuser")
    def role(self, row: User) -> str:
        return "yes" if row.is_superuser else "no"

    @admin.display(description="Joined", ordering="date_joined")
    def joined(self, row: User) -> str:
        return ago(row.date_joined)

    @admin.display(description="Last signed in", ordering="last_login")
    def signed_in(self, row: User) -> str:
        return ago(row.last_login) or "never"

    def facts(self, row: User) -> Mapping[str, object]:
        facts: dict[str, object] = {
            "State": state(*word_of(row)),
            "E-mail": row.email,
            "Name": row.realname or "none",
            "Uuid": mono(row.uuid),
            "Number": row.pk,
            "Administrator": self.role(row),
            "Joined": self.joined(row),
            "Last signed in": self.signed_in(row),
        }
        if row.affiliation:
            facts["Affiliation"] = row.affiliation
        if row.moderated_at:
            facts["Decided"] = ago(row.moderated_at)
        if row.is_rejected:
            facts["Reason"] = row.rejected_reason or "none"
        if row.accepted_policy:
            facts["Accepted by"] = row.accepted_policy
        if row.activation_sent and not row.email_verified:
            facts["Mail sent"] = ago(row.activation_sent)
        if row.terms_due:
            facts["Terms of use"] = "not agreed to"
        if row.shares_email:
            facts["Signing in"] = "by uuid alone: another account has this address"
        if row.deactivated_at and not row.is_active:
            facts |= {"Suspended": ago(row.deactivated_at), "Reason": row.deactivated_reason or "none"}
        return facts

    def parts(self, row: User) -> Sequence[Part]:
        return (_projects(row), _quota(row), events("user", row.uuid))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return User.objects.all()


def _projects(row: User) -> Part:
    memberships = (
        Membership.objects.filter(person=row).select_related("project").order_by("project__realname")
    )
    told = [
        (
            row.email if one.project.uuid == row.uuid else one.project.realname,
            one.get_state_display(),
            one.project.get_state_display(),
            mono(one.project.uuid),
        )
        for one in memberships
    ]
    return Part(
        "Projects", ("Project", "Membership", "Project's state", "Uuid"), told, "He is in no project."
    )


def _quota(row: User) -> Part:
    units = dict(Resource.objects.values_list("name", "unit"))
    names = dict(Membership.objects.filter(person=row).values_list("project__uuid", "project__realname"))
    told = [
        (
            row.email if project == row.uuid else names.get(project, project),
            resource,
            show_amount(use.usage, units.get(resource, "")),
            show_amount(use.limit, units.get(resource, "")),
            show_amount(use.project_usage, units.get(resource, "")),
            show_amount(use.project_limit, units.get(resource, "")),
        )
        for project, resources in sorted(reading.of_user(row.uuid).items())
        for resource, use in sorted(resources.items())
        if use.usage or use.limit
    ]
    heads = ("Project", "Resource", "Used", "Limit", "Used by the project", "Limit of the project")
    return Part("Quota", heads, told, "He has no quota.")
