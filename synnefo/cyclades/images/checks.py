"""What may be said of an image: its name, formats, properties, tags, and by whom. No row is changed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from synnefo.common.caller import Caller
from synnefo.common.faults import BadRequest, Forbidden
from synnefo.common.objects import StoredObject
from synnefo.cyclades.images.inspection import DiskFacts
from synnefo.cyclades.images.models import Image

MAX_PROPERTIES, MAX_PROPERTY_KEY, MAX_PROPERTY_VALUE = 128, 111, 256
MAX_NAME = 255
_LARGEST_COUNT = 2**31 - 1
MAX_TAGS, MAX_TAG = 128, 255


def check(
    caller: Caller, image: Image | None = None, *, properties: Mapping[str, str] | None = None, **about: Any
) -> None:
    """Whether this may be said of an image. Raises BadRequest, Forbidden."""
    name = about.get("name")
    if name is not None and (len(name) > MAX_NAME or not name.isprintable()):
        raise BadRequest(f"An image's name has at most {MAX_NAME} printable characters.")
    if len(about.get("description", "")) > MAX_PROPERTY_VALUE:
        raise BadRequest(f"A description has at most {MAX_PROPERTY_VALUE} characters.")
    for number in (about.get("min_ram_mib", 0), about.get("wanted_disk_gib", 0)):
        if not 0 <= number <= _LARGEST_COUNT:
            raise BadRequest(f"{number} is no amount of memory or disk.")
    becomes_public = about.get("is_public") and not (image is not None and image.is_public)
    if becomes_public and not may_publish(caller):
        raise Forbidden("Only administrators make public images.")
    moves = about.get("project", caller.project) != (caller.project if image is None else image.project)
    if moves and "project" in about and not caller.is_admin:
        raise Forbidden("Only administrators say whose an image is.")
    _check_formats(image, about)
    _check_tags(about.get("tags", ()))
    _check_properties(properties or {})


def may_publish(caller: Caller) -> bool:
    """Whether he may make images that everybody sees."""
    return caller.is_admin or bool(settings.CYCLADES_USERS_PUBLISH_IMAGES)


def as_promised(disk_format: str, facts: DiskFacts) -> DiskFacts:
    """Raises BadRequest for content of another kind than was said; a raw disk may turn out to be more."""
    if disk_format == "raw" or facts.disk_format == disk_format:
        return facts
    raise BadRequest(f"This is no {disk_format} image, but {facts.disk_format}.")


def as_expected(found: StoredObject, expected: Mapping[str, object]) -> None:
    """Whether an object is what somebody took it for: any of its fields. Raises BadRequest."""
    for key, value in expected.items():
        if getattr(found, key) != value:
            raise BadRequest(f"The object's {key.removesuffix('_bytes')} is not {value}.")


def _check_formats(image: Image | None, about: Mapping[str, Any]) -> None:
    """What kind of disk it is, and what is around it, is said before the content comes."""
    for name, known in (("disk_format", Image.FORMATS), ("container_format", Image.CONTAINERS)):
        if name not in about or (image is not None and about[name] == getattr(image, name)):
            continue
        if image is not None and image.status != Image.Status.QUEUED:
            raise Forbidden(f"Attribute '{name}' is read-only.")
        if about[name] and about[name] not in known:
            raise BadRequest(f"Invalid {name}: {about[name]!r} is none of {', '.join(known)}.")


def _check_tags(tags: Iterable[str]) -> None:
    found = list(tags)
    if len(found) > MAX_TAGS or any(not 1 <= len(tag) <= MAX_TAG for tag in found):
        raise BadRequest(f"An image has at most {MAX_TAGS} tags, of 1 to {MAX_TAG} characters.")


def _check_properties(properties: Mapping[str, str]) -> None:
    if len(properties) > MAX_PROPERTIES:
        raise BadRequest(f"An image has at most {MAX_PROPERTIES} properties.")
    for key, value in properties.items():
        if not 1 <= len(key) <= MAX_PROPERTY_KEY or len(value) > MAX_PROPERTY_VALUE:
            raise BadRequest(
                f"Properties have keys of 1 to {MAX_PROPERTY_KEY} characters, values of {MAX_PROPERTY_VALUE}."
            )
