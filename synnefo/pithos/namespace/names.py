"""Which names are taken, and how much metadata."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from django.conf import settings

from synnefo.common.faults import BadRequest

MAX_CONTAINER = 256
#: Metadata of accounts and containers that signs for them: who knows it may do all that they may.
SECRET = ("Temp-Url-Key", "Temp-Url-Key-2")
MAX_OBJECT = 1024
#: What an index of PostgreSQL takes of a name, less what it needs itself.
MAX_OBJECT_BYTES = 2600
#: 128 behind the longest of the prefixes that keys are kept with.
MAX_KEY = len("X-Object-Meta-") + 128
MAX_VALUE = 256
#: What one item of an object may have where its face has no limit of its own.
MAX_KEPT_VALUE = 2048
#: Types of objects that stand for folders, as clients write them.
FOLDER_TYPES = ("application/directory", "application/folder")


@dataclasses.dataclass(frozen=True, slots=True)
class Path:
    account: str
    container: str
    name: str

    @property
    def parts(self) -> tuple[str, str, str]:
        return self.account, self.container, self.name

    def __str__(self) -> str:
        return f"{self.account}/{self.container}/{self.name}"

    def beside(self, name: str) -> Path:
        return dataclasses.replace(self, name=name)


def check_container(name: str) -> None:
    """Raises BadRequest."""
    _check(name, MAX_CONTAINER, "Container")
    if "/" in name:
        raise BadRequest("Container names have no slash.")


def check_object(name: str) -> None:
    """Raises BadRequest."""
    _check(name, MAX_OBJECT, "Object")
    if len(name.encode()) > MAX_OBJECT_BYTES:
        raise BadRequest(f"Object name too large: at most {MAX_OBJECT_BYTES} bytes in UTF-8.")


def check_attributes(attributes: Mapping[str, str]) -> None:
    """Metadata of one resource in one domain. Raises BadRequest."""
    if len(attributes) > settings.PITHOS_RESOURCE_MAX_METADATA:
        raise BadRequest(f"At most {settings.PITHOS_RESOURCE_MAX_METADATA} metadata items are allowed.")
    for key, value in attributes.items():
        if not key or len(key) > MAX_KEY:
            raise BadRequest(f"Metadata keys have 1 to {MAX_KEY} characters.")
        if len(value) > MAX_KEPT_VALUE:
            raise BadRequest(f"Metadata values have at most {MAX_KEPT_VALUE} characters.")
        check_characters(key + value)


def check_content_type(text: str) -> None:
    """Raises BadRequest."""
    if len(text) > MAX_VALUE:
        raise BadRequest(f"Content types have at most {MAX_VALUE} characters.")
    check_characters(text)


def merged(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """``new`` over ``old``; an empty value removes the key."""
    return {key: value for key, value in {**old, **new}.items() if value}


def without_secrets(attributes: Mapping[str, str]) -> dict[str, str]:
    """Metadata of accounts and containers as those may see it who may not change anything there."""
    return {key: value for key, value in attributes.items() if key not in SECRET}


def behind(prefix: str) -> str:
    """The first name that sorts after all names with this prefix; the prefix is not empty."""
    last = ord(prefix[-1])
    if last == 0x10FFFF:
        return behind(prefix[:-1]) if len(prefix) > 1 else prefix * MAX_OBJECT
    return prefix[:-1] + chr(0xE000 if last == 0xD7FF else last + 1)


def _check(name: str, most: int, what: str) -> None:
    if not name:
        raise BadRequest(f"{what} name is empty.")
    if len(name) > most:
        raise BadRequest(f"{what} name too large.")
    check_characters(name)


def check_characters(text: str) -> None:
    """What no database keeps: NUL, and halves of characters."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise BadRequest("Names and metadata must be UTF-8 without NUL.")
