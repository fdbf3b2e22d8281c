"""What a provider says of a person, in our words. No database, no HTTP."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from synnefo.astakos.methods.registry import Provider
from synnefo.common.faults import Forbidden

_LENGTHS = {"identifier": 255, "email": 254, "first_name": 150, "last_name": 150}
_PROFILE = ("email", "first_name", "last_name")


@dataclasses.dataclass(frozen=True)
class Identity:
    """Somebody as a provider vouches for him. ``groups`` are those of the provider, where it knows any.

    ``imposed`` are the fields of the account that are as the provider says.
    """

    module: str
    identifier: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    affiliation: str = ""
    imposed: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    info: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def is_all_imposed(self) -> bool:
        """There is nothing to ask the person for."""
        return self.imposed >= set(_PROFILE) and bool(self.email)

    def imposed_values(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in _PROFILE if name in self.imposed}


def identity_from(
    provider: Provider, attributes: Mapping[str, Any], *, affiliation: str = "", **more: Any
) -> Identity:
    """By the provider's attribute map. Raises Forbidden without an identifier."""
    known = provider.attribute_map()
    values = {name: _text(attributes.get(source), name) for name, (source, _) in known.items()}
    if not values.get("identifier"):
        raise Forbidden(provider.message("failed"))
    imposed = frozenset(name for name, (_, mutable) in known.items() if not mutable and values[name])
    return Identity(
        provider.module,
        values["identifier"],
        email=values.get("email", ""),
        first_name=values.get("first_name", ""),
        last_name=values.get("last_name", ""),
        affiliation=affiliation[:255],
        imposed=imposed & set(_PROFILE),
        **more,
    )


def _text(value: Any, name: str) -> str:
    """One value, without what a column cannot keep. Identifiers are never cut: two would become one."""
    text = "" if value is None else str(value).replace("\x00", "").strip()
    if name == "identifier" and len(text) > _LENGTHS[name]:
        return ""
    return text[: _LENGTHS.get(name, 255)]
