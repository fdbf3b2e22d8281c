"""Every route of the three APIs with a call of it, and what different people get for that call.

``other`` is a member of another project; an administrator is nobody special to other people's things.
"""

from __future__ import annotations

from typing import Any

from tests.cyclades_api.route import Case as Case
from tests.cyclades_api.routes_compute import COMPUTE
from tests.cyclades_api.routes_image import IMAGE
from tests.cyclades_api.routes_network import NETWORK

CASES = [*COMPUTE, *NETWORK, *IMAGE]


def filled(template: Any, ids: dict[str, str]) -> Any:
    """A body with the world's ids in it."""
    if isinstance(template, str):
        return template.format(**ids)
    if isinstance(template, dict):
        return {key: filled(value, ids) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, ids) for value in template]
    return template
