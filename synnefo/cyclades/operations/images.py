"""What dispatchers do for images from time to time."""

from __future__ import annotations

from synnefo.cyclades.images import rules
from synnefo.engine import background

_RELEASE_EVERY_S = 60


def register() -> None:
    background.periodic("release-images", _RELEASE_EVERY_S, rules.release_unused)
