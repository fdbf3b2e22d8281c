"""What the steps of this import know of each other."""

from __future__ import annotations

import dataclasses

from synnefo.common.legacy import steps


@dataclasses.dataclass
class World(steps.World):
    """``secret_key`` is the old SECRET_ENCRYPTION_KEY, empty if it was not told."""

    secret_key: str
