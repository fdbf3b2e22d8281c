"""``backend-modify``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import flag_option, positive
from synnefo.cyclades.backends import rules
from synnefo.cyclades.backends.commands.add import HYPERVISORS, check, given
from synnefo.cyclades.backends.models import Backend


class Command(Base):
    help = (
        "Change an engine: drain it (it takes no new servers), take it offline (it is not talked to), say"
        " where a cluster is and who asks it. With new words for that it must answer first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("backend", metavar="ID|NAME")
        parser.add_argument(
            "--clustername", metavar="HOST", help="a cluster's address, and its name from then on"
        )
        parser.add_argument("--port", type=positive, help="of its RAPI")
        parser.add_argument("--url", help="of its RAPI, in place of both")
        parser.add_argument("--username", dest="user", help="of RAPI, with the right to write")
        parser.add_argument("--password", help="of that user")
        parser.add_argument("--hypervisor", choices=HYPERVISORS)
        parser.add_argument(
            "--option", action="append", default=[], metavar="KEY=VALUE",
            help="another option of the engine; the value is JSON or text",
        )  # fmt: skip
        flag_option(parser, "--drained", "whether it takes no new servers")
        flag_option(parser, "--offline", "whether it is not talked to")
        flag_option(parser, "--public", "whether projects without an engine of their own use it")

    def handle(self, *args: Any, **options: Any) -> None:
        row = rules.find(options["backend"])
        if options["port"] and not options["clustername"]:
            options["clustername"] = row.name
        known = given(options)
        if known:
            check(Backend(name=row.name, kind=row.kind, options={**row.options, **known}))
        rules.modify(
            self.caller, str(row.pk), options=known, name=options["clustername"], drained=options["drained"],
            offline=options["offline"], public=options["public"],
        )  # fmt: skip
