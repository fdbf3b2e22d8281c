"""Quotas that people set themselves: of a container, in bytes and objects.

What a cloud allows a project is decided elsewhere, at every change.
"""

from __future__ import annotations

from synnefo.common.faults import RequestTooLarge
from synnefo.pithos.faces.swift import versions
from synnefo.pithos.namespace import numbers
from synnefo.pithos.namespace.models import Container, Version

BYTES, COUNT = "Quota-Bytes", "Quota-Count"


def are_set(container: Container) -> bool:
    return not container.attributes.keys().isdisjoint((BYTES, COUNT))


def check(container: Container, old: Version | None, size_bytes: int | None) -> None:
    """Whether there is room for an object of a size, if that is known. Raises RequestTooLarge."""
    keeps = container.versioning == Container.Versioning.AUTO and numbers.OPTION in container.options
    more = (size_bytes or 0) - (old.size_bytes if old and not keeps else 0)
    most_bytes, most_count = _limit(container.attributes, BYTES), _limit(container.attributes, COUNT)
    if most_bytes is not None and more > 0 and versions.bytes_of(container) + more > most_bytes:
        raise RequestTooLarge("Upload exceeds quota.")
    if most_count is not None and old is None and container.object_count + 1 > most_count:
        raise RequestTooLarge("Upload exceeds quota.")


def _limit(attributes: dict[str, str], name: str) -> int | None:
    text = attributes.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None
