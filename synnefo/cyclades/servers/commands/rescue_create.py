"""``rescue-image-create``"""

from __future__ import annotations

from typing import Any

import httpx
from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import Command as Base
from synnefo.cyclades.servers import rescue_images
from synnefo.cyclades.servers.models import RescueImage

_TIMEOUT_S = 15
#: Options that say what an image is and what it is for, and the columns that keep it.
WORDS = {"os": "os", "os_family": "osfamily", "target_os": "target_os", "target_os_family": "target_osfamily"}


def describing_options(parser: CommandParser) -> None:
    parser.add_argument("--name", default="")
    parser.add_argument(
        "--location-type", choices=RescueImage.LocationType.values, default="",
        help="a file of the hosts, or an address (default: as the location looks)",
    )  # fmt: skip
    parser.add_argument("--os", default="", help="of the image, as in debian")
    parser.add_argument("--os-family", default="", help="of the image, as in linux")
    parser.add_argument("--target-os", default="", help="servers of this system get it before others")
    parser.add_argument("--target-os-family", default="", help="servers of this family get it before others")
    parser.add_argument("--default", action="store_true", help="what servers get for which there is no other")
    parser.add_argument("-n", "--dry-run", action="store_true", help="only say what would be done")


def check(location: str) -> None:
    """Whether an address answers. Raises CommandError."""
    if not location.startswith(("http://", "https://")):
        return
    try:
        answer = httpx.head(location, timeout=_TIMEOUT_S, follow_redirects=True)
    except httpx.HTTPError as error:
        raise CommandError(f"{location}: {error}") from None
    if answer.status_code != httpx.codes.OK:
        raise CommandError(f"{location} answers {answer.status_code}")


def words_of(options: dict[str, Any]) -> dict[str, str]:
    named = {column: options[option] for option, column in WORDS.items()}
    return {**named, "name": options["name"], "location_type": options["location_type"]}


class Command(Base):
    help = "Make a system known that broken servers can be booted from."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--location", required=True, help="a file of the hosts, or an http address")
        describing_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            self.say(f"would make a rescue image of {options['location']}")
            return
        check(options["location"])
        row = rescue_images.create(
            self.caller, location=options["location"], default=options["default"], **words_of(options)
        )
        self.stdout.write(f"{row.pk} {row.name}")
