"""``user-list``"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import QuerySet

from synnefo.astakos.accounts.models import User
from synnefo.common.commands import ListCommand, attribute


def providers(user: User) -> list[str]:
    """By what he may sign in."""
    return [method.module for method in user.auth_methods.all() if method.active]


def last_logins(user: User) -> list[str]:
    """By what he did so when, the latest first."""
    used = [(method.last_login, method.module) for method in user.auth_methods.all() if method.last_login]
    return [f"{module}: {at:%Y-%m-%d %H:%M}" for at, module in sorted(used, reverse=True)]


class Command(ListCommand):
    help = "List accounts."
    columns = {
        "id": (attribute("pk"), "number"),
        "displayname": (attribute("email"), "e-mail, by which he signs in"),
        "realname": (attribute("realname"), "first and last name"),
        "uuid": (attribute("uuid"), "id in the APIs"),
        "active": (attribute("is_active"), "whether he may use the cloud"),
        "admin": (attribute("is_superuser"), "whether he may do everything"),
        "status": (attribute("status"), "how far the account is, in words"),
        "verified": (attribute("email_verified"), "whether the e-mail is his"),
        "moderated": (attribute("moderated"), "whether it was decided about him"),
        "rejected": (attribute("is_rejected"), "whether it was decided against him"),
        "providers": (providers, "by what he may sign in"),
        "groups": (lambda row: [group.name for group in row.groups.all()], "groups"),
        "default_project": (attribute("default_project"), "uuid of the project that he works in"),
        "joined": (attribute("date_joined"), "when the account was made"),
        "activation_sent": (
            attribute("activation_sent"),
            "when he was mailed the link to confirm his e-mail",
        ),
        "last_login": (attribute("last_login"), "when he signed in to the pages"),
        "last_login_details": (last_logins, "by what he signed in when"),
        "signed_terms": (attribute("has_signed_terms"), "whether he agreed to the terms of use in force"),
        "shares_email": (attribute("shares_email"), "whether another account has his e-mail, too"),
    }
    shown = ("id", "displayname", "realname", "uuid", "active", "admin")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        states = parser.add_mutually_exclusive_group()
        states.add_argument("--active", action="store_true", help="only those that may use the cloud")
        states.add_argument("--pending-verification", action="store_true", help="only with unproven e-mails")
        states.add_argument("--pending-moderation", action="store_true", help="only those to decide about")
        states.add_argument("--removed", action="store_true", help="what is left of removed accounts")
        parser.add_argument("--auth-providers", action="store_true", help="show by what they sign in, too")
        parser.add_argument("--display-mails", action="store_true", help="they are always shown")
        parser.add_argument(
            "--group", dest="groups", action="append", default=[], metavar="GROUP",
            help="only its members; may be repeated: members of any",
        )  # fmt: skip

    def rows(self, options: Mapping[str, Any]) -> QuerySet[User]:
        rows = User.objects.order_by("pk").prefetch_related("groups", "auth_methods")
        rows = rows.filter(removed_at__isnull=not options["removed"])
        if options["active"]:
            rows = rows.filter(is_active=True)
        if options["pending_verification"]:
            rows = rows.filter(email_verified=False)
        if options["pending_moderation"]:
            rows = rows.filter(email_verified=True, moderated=False)
        if options["groups"]:
            rows = rows.filter(groups__name__in=options["groups"]).distinct()
        return rows

    def names(self, options: Mapping[str, Any]) -> Sequence[str]:
        names = super().names(options)
        return (*names, "providers") if options["auth_providers"] and "providers" not in names else names
