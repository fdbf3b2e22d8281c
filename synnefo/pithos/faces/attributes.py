"""How metadata of objects is named, whichever face brings it: ``X-Object-Meta-Foo-Bar``."""

from __future__ import annotations

OBJECT_META = "X-Object-Meta-"


def shaped(name: str) -> str:
    """``foo_bar`` as ``Foo-Bar``."""
    return "-".join(part.capitalize() for part in name.replace("_", "-").split("-"))
