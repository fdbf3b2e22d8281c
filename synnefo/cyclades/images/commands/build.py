"""``image-build``"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.images import rules
from synnefo.cyclades.images.build import BUILDERS, BuildError
from synnefo.cyclades.images.commands.owners import acting_for, user_option


class Command(Base):
    help = "Build a guest image of Debian packages and make it known as a public image."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("image", choices=sorted(BUILDERS))
        user_option(parser)
        parser.add_argument("--name", help="what it is called (default: as the kind)")

    def handle(self, *args: Any, **options: Any) -> None:
        caller = acting_for(options["user"], self.caller)
        builder = BUILDERS[options["image"]]
        data = Path(settings.SYNNEFO_DATA)
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=data, prefix="build-") as directory:
            out = Path(directory) / f"{builder.name}.qcow2"
            try:
                builder.build(out=out, workdir=Path(directory), log=self.say)
            except BuildError as error:
                raise CommandError(str(error)) from None
            image = rules.register_file(
                caller, out, name=options["name"] or builder.name, is_public=True,
                properties=dict(builder.properties), min_ram_mib=builder.min_ram_mib,
            )  # fmt: skip
        self.stdout.write(image.uuid)
