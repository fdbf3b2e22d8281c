"""``fix-deactivated-users``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Q

from synnefo.astakos.accounts import rules
from synnefo.astakos.accounts.models import User
from synnefo.astakos.projects.models import Membership, Project
from synnefo.common.commands import Command as Base


class Command(Base):
    help = "Find inactive accounts whose projects or memberships go on, as very old versions left them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", nargs="?", help="uuid, number or e-mail")
        parser.add_argument("--all-users", action="store_true", help="look at every inactive account")
        parser.add_argument("--fix", action="store_true", help="suspend what goes on")
        parser.add_argument("--noemail", action="store_true", help="tell nobody by mail; it never does")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["user"]) == options["all_users"]:
            raise CommandError("name a user, or say --all-users")
        rows = User.objects.filter(pk=rules.find(options["user"]).pk) if options["user"] else User.objects
        found = 0
        for user in rows.filter(is_active=False, removed_at=None).order_by("pk"):
            told = _going_on(user)
            if told:
                found += 1
                self.stdout.write(f"{user.uuid} {user.email}: {', '.join(told)}")
                if options["fix"]:
                    rules.suspend_again(self.caller, user)
        self.say(f"{found} account{'' if found == 1 else 's'} {'fixed' if options['fix'] else 'found'}.")


def _going_on(user: User) -> list[str]:
    owned = Project.objects.filter(Q(uuid=user.uuid) | Q(owner=user), state=Project.State.NORMAL)
    members = Membership.objects.filter(person=user, state__in=Membership.ACTUALLY_ACCEPTED)
    return [
        *(f"project {uuid}" for uuid in owned.order_by("pk").values_list("uuid", flat=True)),
        *(f"member of {uuid}" for uuid in members.order_by("pk").values_list("project__uuid", flat=True)),
    ]
