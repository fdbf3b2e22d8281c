"""``project-list``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count, Q, QuerySet

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.projects.history import deactivated
from synnefo.astakos.projects.models import Membership, Project, ProjectApplication
from synnefo.common.commands import Filter, ListCommand, attribute

GONE = (Project.State.TERMINATED, Project.State.DELETED)


def pending_application(project: Project) -> int | None:
    last = project.last_application
    return last.pk if last is not None and last.is_pending else None


class Command(ListCommand):
    help = "List projects; the system projects, one for each user, only if asked."
    columns = {
        "id": (attribute("uuid"), "uuid"),
        "name": (attribute("realname"), "name"),
        "owner": (attribute("owner.email"), "e-mail of the owner"),
        "owner_uuid": (attribute("owner.uuid"), "uuid of the owner"),
        "status": (attribute("status"), "state, in words"),
        "system": (attribute("is_base"), "whether it is a user's system project"),
        "private": (attribute("private"), "whether only members see it"),
        "members": (attribute("members"), "how many may work in it"),
        "description": (attribute("description"), "description"),
        "homepage": (attribute("homepage"), "homepage"),
        "creation_date": (attribute("created"), "when it was made"),
        "end_date": (attribute("end_date"), "when it ends"),
        "deactivation_date": (attribute("deactivated"), "when it was last suspended or terminated"),
        "pending_app": (pending_application, "number of the application that waits for a decision"),
    }
    shown = ("id", "name", "owner", "status", "pending_app")
    filters = {
        "id": Filter("uuid", str, "uuid"),
        "name": Filter("realname", str, "name"),
        "owner": Filter("owner", lambda text: accounts.find(text).pk, "uuid, number or e-mail of the owner"),
    }

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--new", action="store_true", help="only those that wait to be approved")
        parser.add_argument(
            "--modified", action="store_true", help="only those of which a change waits to be approved"
        )
        parser.add_argument("--pending", action="store_true", help="both of these")
        parser.add_argument("--system-projects", action="store_true", help="list system projects, too")
        parser.add_argument(
            "-d", "--deleted", action="store_true", help="list terminated and deleted ones, too"
        )

    def rows(self, options: Mapping[str, Any]) -> QuerySet[Project]:
        members = Count("memberships", filter=Q(memberships__state__in=Membership.ACTUALLY_ACCEPTED))
        rows = Project.objects.select_related("owner", "last_application")
        rows = rows.annotate(members=members, deactivated=deactivated())
        if options["new"] or options["modified"] or options["pending"]:
            rows = rows.filter(last_application__state=ProjectApplication.State.PENDING)
        new, modified = options["new"] or options["pending"], options["modified"] or options["pending"]
        if new != modified:
            is_new = Q(state=Project.State.UNINITIALIZED)
            rows = rows.filter(is_new if new else ~is_new)
        if not options["system_projects"]:
            rows = rows.filter(is_base=False)
        if not options["deleted"]:
            rows = rows.exclude(state__in=GONE)
        return rows.order_by("pk")
