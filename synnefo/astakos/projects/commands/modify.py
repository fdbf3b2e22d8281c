"""``project-modify``"""

from __future__ import annotations

import argparse
import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.projects import rules
from synnefo.astakos.projects.models import Policy, Project
from synnefo.common.commands import Command as Base
from synnefo.common.commands import amount, flag_option
from synnefo.common.transactions import atomic

_FIELDS = {"name": "realname", "join_policy": "member_join_policy", "leave_policy": "member_leave_policy"}
_OPTIONS = (
    "name", "owner", "homepage", "description", "end_date", "join_policy", "leave_policy", "max_members",
    "private",
)  # fmt: skip


def moment(text: str) -> datetime.datetime:
    """A date or a time in ISO's form, of UTC unless it says otherwise."""
    try:
        day = parse_date(text)
        when = datetime.datetime.combine(day, datetime.time()) if day else parse_datetime(text)
    except ValueError:
        when = None
    if when is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no date, as 2030-01-31 or 2030-01-31T12:00")
    return when if when.tzinfo else when.replace(tzinfo=datetime.UTC)


def policy(text: str) -> int:
    try:
        return Policy[text.upper()].value
    except KeyError:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(Policy.labels)}") from None


class Command(Base):
    help = "Change a project, or the limits of all system projects, with effect on quota at once."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("project", nargs="?", help="uuid")
        which.add_argument("--all-system-projects", action="store_true", help="those of all users")
        parser.add_argument(
            "--exclude", default="", metavar="UUIDS", help="leave these out of all, comma-separated"
        )
        parser.add_argument("--name")
        parser.add_argument("--owner", help="uuid, number or e-mail")
        parser.add_argument("--homepage", metavar="URL")
        parser.add_argument("--description", metavar="TEXT")
        parser.add_argument("--end-date", type=moment, metavar="DATE", help="in ISO's form, of UTC")
        parser.add_argument("--join-policy", type=policy, metavar="POLICY", help="auto, moderated or closed")
        parser.add_argument("--leave-policy", type=policy, metavar="POLICY", help="auto, moderated or closed")
        parser.add_argument("--max-members", type=amount, metavar="NUMBER", help="inf: as many as come")
        flag_option(parser, "--private", "whether only members see it")
        parser.add_argument(
            "--limit", dest="limits", nargs=3, action="append", default=[],
            metavar=("RESOURCE", "MEMBER_CAPACITY", "PROJECT_CAPACITY"),
            help="the most that one member, and all together, may use; may be repeated",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        changes = self._changes(options)
        limits = dict(self._limit(*words) for words in options["limits"])
        if not changes and not limits:
            raise CommandError("nothing to change; see --help")
        excluded = {uuid.strip() for uuid in options["exclude"].split(",") if uuid.strip()}
        if excluded and not options["all_system_projects"]:
            raise CommandError("--exclude goes with --all-system-projects only")
        if not options["all_system_projects"]:
            self._modify(rules.get(options["project"]), changes, limits)
            return
        number = rules.change_system_projects(self.caller, changes, limits, exclude=excluded)
        self.say(f"changed {number} system projects")

    def _changes(self, options: dict[str, Any]) -> dict[str, Any]:
        changes = {_FIELDS.get(name, name): options[name] for name in _OPTIONS if options[name] is not None}
        if "owner" in changes:
            changes["owner"] = accounts.find(changes["owner"])
        return changes

    def _limit(self, resource: str, member: str, project: str) -> tuple[str, tuple[int, int]]:
        try:
            return resource, (amount(member), amount(project))
        except argparse.ArgumentTypeError as error:
            raise CommandError(f"--limit {resource}: {error}") from None

    def _modify(self, project: Project, changes: dict[str, Any], limits: dict[str, tuple[int, int]]) -> None:
        with atomic():
            if changes:
                rules.modify(self.caller, project, changes)
            if limits:
                rules.set_limits(self.caller, project, limits)
