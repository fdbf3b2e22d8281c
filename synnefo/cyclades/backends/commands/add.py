"""``backend-add``"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.common.commands import flag_option, positive
from synnefo.cyclades.backends import registry, rules
from synnefo.cyclades.backends.base import BackendError
from synnefo.cyclades.backends.models import Backend

HYPERVISORS = ("kvm", "xen-pvm", "xen-hvm")
_PORT = 5080


class Command(Base):
    help = (
        "Make an engine known: this machine, or a Ganeti cluster. It must answer first, unless --no-check. A"
        " cluster that is named by --clustername comes drained: see what backend-list says of it, then"
        " backend-modify --drained no."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="what to call it (default: the cluster's name)")
        parser.add_argument("--kind", choices=Backend.Kind.values, default=Backend.Kind.GANETI)
        parser.add_argument("--clustername", metavar="HOST", help="a cluster's address, in place of --url")
        parser.add_argument(
            "--port", type=positive, default=_PORT, help=f"of its RAPI, with --clustername (default: {_PORT})"
        )
        parser.add_argument("--url", help="of a cluster's RAPI, as in https://master.example.org:5080")
        parser.add_argument("--user", help="of RAPI, with the right to write")
        parser.add_argument("--pass", dest="password", help="of that user")
        parser.add_argument("--hypervisor", choices=HYPERVISORS, help="that runs a cluster's instances")
        flag_option(
            parser, "--public", "whether projects without an engine of their own use it (default: yes)"
        )
        parser.add_argument(
            "--option", action="append", default=[], metavar="KEY=VALUE",
            help="another option of the engine (see the documentation); the value is JSON or text",
        )  # fmt: skip
        parser.add_argument("--no-check", action="store_true", help="do not ask whether it answers")
        parser.add_argument(
            "--no-init", action="store_true",
            help="do not read what it has: the dispatcher will, or backend-update-status",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        cluster = options["clustername"]
        name = options["name"] or cluster
        if not name:
            raise CommandError("an engine needs a name, or --clustername")
        known = given(options)
        if not options["no_check"]:
            check(Backend(name=name, kind=options["kind"], options=known))
        row = rules.add(
            self.caller, name, options["kind"], known,
            public=options["public"] is not False, drained=cluster is not None,
        )  # fmt: skip
        if not options["no_check"] and not options["no_init"]:
            registry.look(row)
        self.stdout.write(f"{row.pk} {row.name}")


def given(options: dict[str, Any]) -> dict[str, Any]:
    """An engine's own options out of a command's. Raises CommandError."""
    cluster, port = options["clustername"], options["port"] or _PORT
    named = {
        "url": options["url"] or (f"https://{cluster}:{port}" if cluster else None),
        "username": options["user"],
        "password": options["password"],
        "hypervisor": options["hypervisor"],
    }
    known = {name: value for name, value in named.items() if value is not None}
    known.update(_option(text) for text in options["option"])
    return known


def check(row: Backend) -> None:
    """Whether an engine of these options answers. Raises CommandError."""
    try:
        engine = registry.build(row)
        engine.ensure()
        engine.close()
    except (BackendError, TypeError, ValueError) as error:
        raise CommandError(f"{row.name}: {error}") from None


def _option(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise CommandError(f"{text!r}: write KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value
