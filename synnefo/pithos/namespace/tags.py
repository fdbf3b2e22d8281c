"""Tags of objects: names and values that people sort them by. They are a version's, and change in place."""

from __future__ import annotations

from collections.abc import Mapping

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, ItemNotFound
from synnefo.common.transactions import atomic
from synnefo.pithos.namespace import access, names
from synnefo.pithos.namespace.access import Right
from synnefo.pithos.namespace.models import TAGS, Version
from synnefo.pithos.namespace.names import Path

MOST_OF_OBJECT = 10
MOST_OF_CONTAINER = 50
MOST_KEY = 128
MOST_VALUE = 256
#: An empty attribute is none, but an empty tag is a tag. This is no character that a tag may have.
_EMPTY = "\x7f"


def check(tags: Mapping[str, str], most: int) -> None:
    """Raises BadRequest."""
    if len(tags) > most:
        raise BadRequest(f"There are at most {most} tags.")
    for key, value in tags.items():
        if not 1 <= len(key) <= MOST_KEY or len(value) > MOST_VALUE:
            raise BadRequest(f"A tag's key has 1 to {MOST_KEY} characters, its value {MOST_VALUE} at most.")
        if not (key + value).isprintable():
            raise BadRequest("Tags have no control characters.")


def attributes(tags: Mapping[str, str]) -> dict[str, str]:
    """As they are kept in the domain."""
    return {key: value or _EMPTY for key, value in tags.items()}


def of(version: Version) -> dict[str, str]:
    kept: dict[str, str] = version.attributes.get(TAGS, {})
    return {key: "" if value == _EMPTY else value for key, value in kept.items()}


def replace(caller: Caller, path: Path, version: int, tags: Mapping[str, str]) -> None:
    """Give a version these tags and no other. Raises Forbidden, BadRequest, ItemNotFound."""
    check(tags, MOST_OF_OBJECT)
    names.check_attributes(attributes(tags))
    container = access.object(caller, path, Right.WRITE)
    with atomic():
        rows = Version.objects.select_for_update(of=("self",)).exclude(state=Version.State.TOMBSTONE)
        found = rows.filter(object__container=container, object__name=path.name, pk=version).first()
        if found is None:
            raise ItemNotFound("Version does not exist")
        kept = {**found.attributes, TAGS: attributes(tags)}
        found.attributes = {domain: items for domain, items in kept.items() if items}
        found.save(update_fields=("attributes",))
