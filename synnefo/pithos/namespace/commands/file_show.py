"""``file-show``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from synnefo.common.commands import ShowCommand, Table
from synnefo.common.faults import ItemNotFound
from synnefo.pithos.namespace import access, objects, operating, publishing
from synnefo.pithos.namespace.models import PITHOS, Version
from synnefo.pithos.namespace.names import Path


class Command(ShowCommand):
    help = "Show an object: what it is, its metadata, with whom it is shared, its blocks."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("object", nargs="+", help="ACCOUNT CONTAINER OBJECT, or its uuid")
        parser.add_argument("--obj-version", type=int, metavar="VERSION", help="an old version of it")
        parser.add_argument("--domain", default=PITHOS, help="whose metadata to show (default: pithos)")
        parser.add_argument("--hashmap", action="store_true", help="also the hashes of its blocks")

    def describe(self, options: Mapping[str, Any]) -> Mapping[str, object]:
        path = _path(options["object"])
        owner = operating.as_owner(self.caller, operating.find(path.account))
        found = objects.get(owner, path, options["obj_version"])
        link = publishing.link_of(owner, path) if options["obj_version"] is None else None
        sharing = access.sharing(found.object.container_id, path.name)
        described: dict[str, object] = {
            "account": path.account,
            "container": path.container,
            "name": path.name,
            "uuid": found.uuid,
            "version": found.pk,
            "bytes": found.size_bytes,
            "type": found.content_type,
            "hash": found.hash,
            "checksum": found.checksum,
            "available": found.available,
            "snapshot": found.is_snapshot,
            "in the database": found.data is not None,
            "modified": found.modified,
            "modified by": found.modified_by,
            "public": _address(link.url) if link else "",
            "shared by": sharing.of if sharing.who else "",
            "metadata": Table(("key", "value"), sorted(found.attributes.get(options["domain"], {}).items())),
            "permissions": Table(
                ("who", "right"),
                [(who, "write" if write else "read") for who, write in sorted(sharing.who.items())],
            ),
        }
        if options["hashmap"]:
            hashes = enumerate(found.content.digests)
            described["hashmap"] = Table(
                ("block", "hash"), [(place, digest.hex()) for place, digest in hashes]
            )
        return described


def _path(words: list[str]) -> Path:
    """What is meant by a path, or by a uuid. Raises CommandError, ItemNotFound."""
    if len(words) == 3:
        return Path(*words)
    if len(words) != 1:
        raise CommandError("name the object as ACCOUNT CONTAINER OBJECT, or by its uuid")
    rows = Version.objects.filter(uuid=words[0], state=Version.State.CURRENT)
    version = rows.select_related("object__container__account").order_by("-pk").first()
    if version is None:
        raise ItemNotFound(f"There is no object {words[0]}.")
    container = version.object.container
    return Path(container.account.name, container.name, version.object.name)


def _address(url: str) -> str:
    origin = (settings.PITHOS_PUBLIC_URL or settings.SYNNEFO_PUBLIC_URL).rstrip("/")
    return f"{origin}/{settings.PITHOS_BASE_PATH.strip('/')}/public/{url}"
