"""``user-show``: everything of an account but its secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.accounts import rules
from synnefo.astakos.accounts.commands.user_list import providers
from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects.models import Membership
from synnefo.astakos.quotas import reading
from synnefo.astakos.quotas.commands.showing import amounts
from synnefo.astakos.quotas.reading import reachable
from synnefo.common.commands import ShowCommand, Table, unit_style_option


class Command(ShowCommand):
    help = "Show an account, with --quota and --projects more of it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("user", help="uuid, number or e-mail")
        parser.add_argument("--quota", action="store_true", help="what he may use, and uses")
        parser.add_argument("--projects", action="store_true", help="what he owns and is a member of")
        unit_style_option(parser)

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        user = rules.find(options["user"])
        described = facts(user)
        if options["quota"]:
            described["quota"] = quota(user, options["unit_style"])
        if options["projects"]:
            described["owned projects"] = owned(user)
            described["memberships"] = memberships(user)
        return described


def facts(user: User) -> dict[str, object]:
    return {
        "id": user.pk,
        "uuid": user.uuid,
        "e-mail": user.email,
        "first name": user.first_name,
        "last name": user.last_name,
        "status": user.status,
        "active": user.is_active,
        "admin": user.is_superuser,
        "verified": user.verified_at,
        "moderated": user.moderated_at,
        "accepted policy": user.accepted_policy,
        "rejected reason": user.rejected_reason,
        "deactivated": user.deactivated_at,
        "deactivated reason": user.deactivated_reason,
        "providers": providers(user),
        "groups": list(user.groups.order_by("name").values_list("name", flat=True)),
        "permissions": permissions(user),
        "default project": user.default_project,
        "affiliation": user.affiliation,
        "accepted e-mail": user.accepted_email,
        "activation sent": user.activation_sent,
        "signed terms": user.date_signed_terms,
        "has signed terms": user.has_signed_terms,
        "shares e-mail": user.shares_email,
        "profile visited": user.profile_visited,
        "level": user.level,
        "invitations": user.invitations,
        "joined": user.date_joined,
        "updated": user.updated,
        "last login": user.last_login,
    }


def permissions(user: User) -> list[str]:
    """The ones that he was given himself."""
    rows = user.user_permissions.values_list("content_type__app_label", "codename")
    return sorted(f"{app}.{codename}" for app, codename in rows)


def quota(user: User, style: str) -> Table:
    show = amounts(style)
    uses = reading.of_user(user.uuid)
    return Table(
        ("source", "resource", "limit", "usage", "effective_limit"),
        [
            (source, resource, show(resource, use.limit), show(resource, use.usage),
             show(resource, reachable(use)))
            for source, by_resource in sorted(uses.items())
            for resource, use in sorted(by_resource.items())
        ],
    )  # fmt: skip


def owned(user: User) -> Table:
    rows = user.owned_projects.order_by("realname", "pk")
    return Table(("uuid", "name", "status"), [(row.uuid, row.realname, row.status) for row in rows])


def memberships(user: User) -> Table:
    rows = user.memberships.select_related("project").order_by("project__realname", "pk")
    return Table(
        ("project", "name", "project_status", "membership"),
        [
            (row.project.uuid, row.project.realname, row.project.status, Membership.State(row.state).label)
            for row in rows
        ],
    )
