"""``reconcile-servers``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import FormattedCommand, flag_option, print_table
from synnefo.common.faults import Fault
from synnefo.cyclades.backends import rules as backends
from synnefo.cyclades.backends.base import BackendError
from synnefo.cyclades.backends.models import Backend
from synnefo.cyclades.upkeep import servers
from synnefo.cyclades.upkeep.servers import Finding

#: What may be mended, and how.
KINDS = {
    "stale": "delete servers that their engine does not have; what they took of quota is free",
    "orphans": "remove from engines what is no server's",
    "unsynced": "write down the state that engines show; end buildings that nobody goes on with",
    "unsynced-nics": "cards that wait for an end that nobody brings are there",
    "unsynced-disks": "disks of servers that wait so are in use",
    "unsynced-tags": "tags that wait so count",
    "unsynced-snapshots": "snapshots that nobody makes have failed",
    "pending-tasks": "forget tasks that nobody carries out",
    "unsynced-flavors": "servers have the flavor that engines show, charged by reconcile-resources-cyclades",
    "unsynced-rescue": "servers are rescued, or not, as their engine shows",
}


class Command(FormattedCommand):
    help = (
        "Compare servers with what their engines have, and mend that with the --fix options. The dispatcher"
        " does much of it by itself, every few seconds, but never deletes anything. Engines that are offline"
        " are not asked."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--backend-id", metavar="ID|NAME", help="only this engine")
        flag_option(parser, "--parallel", "taken for older scripts' sake: engines are asked one by one")
        parser.add_argument("--fix-all", action="store_true", help="all that follows")
        for kind, text in KINDS.items():
            parser.add_argument(f"--fix-{kind}", action="store_true", help=text)

    def handle(self, *args: Any, **options: Any) -> None:
        found, silent = self._look(options["backend_id"])
        rows = [[one.kind, one.backend, one.what] for one in found]
        if rows:
            print_table(("kind", "backend", "what"), rows, options["output_format"], self.stdout)
        else:
            self.say("Everything in sync.")
        wanted = {kind for kind in KINDS if options["fix_all"] or options[f"fix_{kind.replace('-', '_')}"]}
        chosen = [one for one in found if one.kind in wanted]
        if chosen:
            self.say(f"mended {sum(self._mend(one) for one in chosen)} of {len(found)}")
        if silent:
            raise CommandError(f"no answer from {', '.join(silent)}")

    def _look(self, backend: str | None) -> tuple[list[Finding], list[str]]:
        """What was found, and which engines do not answer."""
        rows = Backend.objects.filter(offline=False).order_by("pk")
        found, silent = [] if backend else servers.snapshots(), []
        for row in rows if backend is None else [backends.find(backend)]:
            try:
                found += servers.look(row)
            except BackendError as error:
                self.say(f"{row.name}: {error}")
                silent.append(row.name)
        return found, silent

    def _mend(self, one: Finding) -> bool:
        try:
            one.mend(self.caller)
        except Fault as fault:
            self.say(f"{one.what}: left as it is: {fault.message}")
            return False
        return True
