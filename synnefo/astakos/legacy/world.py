"""What the steps of this import know of each other."""

from __future__ import annotations

import dataclasses

from synnefo.common.legacy import steps
from synnefo.common.legacy.source import Source


@dataclasses.dataclass
class World(steps.World):
    """The old database, and rows that are named otherwise here.

    ``resources``: old number to ours; ``clients``: name of a component to the client that it is for quota.
    Both are known as soon as the catalog is here.
    """

    source: Source
    resources: dict[int, int] = dataclasses.field(default_factory=dict)
    clients: dict[str, str] = dataclasses.field(default_factory=dict)
