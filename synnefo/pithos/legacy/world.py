"""What the steps of this import know of each other."""

from __future__ import annotations

import dataclasses

from synnefo.common.legacy import steps
from synnefo.pithos.legacy.files import OldFiles


@dataclasses.dataclass
class World(steps.World):
    """``files`` is None where only rows are looked at."""

    files: OldFiles | None
