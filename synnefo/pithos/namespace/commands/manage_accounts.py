"""``pithos-manage-accounts``: 0.21's command of its own; each of its words is a command here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.accounts import accounts as seam
from synnefo.common.commands import FORMATS, print_table
from synnefo.common.commands import Command as Base
from synnefo.common.faults import Fault
from synnefo.pithos.namespace import containers, groups, operating
from synnefo.pithos.namespace.history import RESOURCE
from synnefo.pithos.namespace.models import Account, Container, Object


class Command(Base):
    help = "List, delete and merge accounts of the object store, export their quota, limit their containers."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        listing = verbs.add_parser("list", help="print the uuids of accounts")
        listing.add_argument("--duplicate", action="store_true", help="only names that differ in case alone")
        listing.add_argument("--no-headers", action="store_true", help="leave the head line out")
        listing.add_argument("--output-format", choices=FORMATS, default="pretty", help="how to print")
        deleting = verbs.add_parser("delete", help="delete all of an account, for good")
        deleting.add_argument("account", help="uuid")
        merging = verbs.add_parser("merge", help="give all of an account to another one")
        merging.add_argument("source", help="uuid of the one that goes")
        merging.add_argument("target", help="uuid of the one that stays")
        exporting = verbs.add_parser("export-quota", help="write what each account may store to a file")
        exporting.add_argument("--location", required=True, metavar="FILE", help="where to")
        limiting = verbs.add_parser("set-container-quota", help="limit containers of a name")
        limiting.add_argument("container", help="their name")
        limiting.add_argument("quota", metavar="BYTES", help="most that each may hold; 0: no limit")
        limiting.add_argument("--account", metavar="UUID", help="only that of this account")
        limiting.add_argument("--report", action="store_true", help="print those that could not be limited")
        for verb in (deleting, merging, limiting):
            verb.add_argument("--dry", action="store_true", help="say what would be done, and do nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = options["verb"].replace("-", "_")
        getattr(self, f"_{verb}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        rows = operating.duplicates() if options["duplicate"] else Account.objects.order_by("name")
        names = [[name] for name in rows.values_list("name", flat=True)]
        head = not options["no_headers"]
        print_table(("account",), names, options["output_format"], self.stdout, head=head)

    def _delete(self, options: dict[str, Any]) -> None:
        account = operating.find(options["account"])
        self._tell(account)
        if self._is_wanted(f"Delete account {account.name} for good?", options):
            operating.delete(self.caller, account)
            self.say(f"deleted {account.name}")

    def _merge(self, options: dict[str, Any]) -> None:
        source, target = operating.find(options["source"]), operating.find(options["target"])
        self._tell(source)
        if self._is_wanted(f"Merge account {source.name} into {target.name}?", options):
            left = operating.merge(self.caller, source, target)
            for path in left:
                self.say(f"left where it is, for {target.name} has one, too: {path}")
            self.say(f"merged {source.name} into {target.name}")

    def _export_quota(self, options: dict[str, Any]) -> None:
        known = {f"user:{name}" for name in Account.objects.values_list("name", flat=True)}
        lines = [
            f"{one.holder.removeprefix('user:')} {RESOURCE} {one.limit}\n"
            for one in seam().held(RESOURCE)
            if one.holder in known and one.source == one.holder.replace("user:", "project:")
        ]
        Path(options["location"]).write_text("".join(lines), encoding="ascii")
        self.say(f"wrote {len(lines)} lines to {options['location']}")

    def _set_container_quota(self, options: dict[str, Any]) -> None:
        quota = options["quota"]
        if not (quota.isascii() and quota.isdigit()):
            raise CommandError(f"{quota!r} is no number of bytes")
        rows = Container.objects.filter(name=options["container"]).select_related("account")
        if options["account"]:
            rows = rows.filter(account=operating.find(options["account"]))
        done = 0
        for container in rows.order_by("account__name"):
            if options["dry"]:
                self.stdout.write(
                    f"{container.account.name}/{container.name}: {container.quota_bytes} -> {quota}"
                )
                continue
            owner = operating.as_owner(self.caller, container.account)
            try:
                containers.update(
                    owner,
                    container.account.name,
                    container.name,
                    attributes={},
                    policy={"quota": quota},
                    merge=True,
                )
                done += 1
            except Fault as fault:
                if options["report"]:
                    self.stdout.write(f"{container.account.name}/{container.name}: {fault.message}")
        self.say("nothing was changed" if options["dry"] else f"limited {done} of {rows.count()} containers")

    def _tell(self, account: Account) -> None:
        """What an account has."""
        paths = Object.objects.filter(container__account=account).order_by("container__name", "name")
        for container, name in paths.values_list("container__name", "name").iterator():
            self.stdout.write(f"{account.name}/{container}/{name}")
        for name, members in groups.of(account).items():
            self.stdout.write(f"group {name}: {', '.join(members)}")

    def _is_wanted(self, question: str, options: dict[str, Any]) -> bool:
        """False for a dry run. Raises CommandError for any answer but ``yes``."""
        if options["dry"]:
            self.say("nothing was changed")
            return False
        self.stderr.write(f"{question} Type yes to go on: ", ending="")
        self.stderr.flush()
        if sys.stdin.readline().strip() != "yes":
            raise CommandError("nothing was changed")
        return True
