"""``usage-export``"""

from __future__ import annotations

import datetime
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import CommandParser

from synnefo.astakos.accounts import rules as accounts
from synnefo.astakos.quotas import ledger, usage
from synnefo.common.commands import Command as Base
from synnefo.common.faults import BadRequest


def moment(text: str) -> datetime.datetime:
    try:
        return ledger.moment(text)
    except BadRequest as fault:
        raise ArgumentTypeError(fault.message) from None


class Command(Base):
    help = "Print what a user, a project or all users took and gave back of resources, and when."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", help="his shares: uuid, number or e-mail")
        parser.add_argument("--project", metavar="UUID", help="its pool; with --user, his share of it")
        parser.add_argument(
            "--members", action="store_true", help="of a project the shares of its users in place of the pool"
        )
        parser.add_argument(
            "--from",
            dest="since",
            type=moment,
            metavar="DATE",
            help="first day or moment, in ISO form",
        )
        parser.add_argument(
            "--to", dest="until", type=moment, metavar="DATE", help="day or moment that is outside"
        )
        parser.add_argument("--format", choices=ledger.FORMATS, default="csv", help="default: csv")

    def handle(self, *args: Any, **options: Any) -> None:
        user = accounts.find(options["user"]).uuid if options["user"] else None
        project, members = options["project"], options["members"]
        if user is None and project is None and not members:
            rows = ledger.of_all()
        else:
            rows = usage.events(self.caller, user=user, project=project, members=members)
        events = ledger.read(rows, options["since"], options["until"])
        for piece in ledger.written(events, options["format"]):
            self.stdout.write(piece, ending="")
