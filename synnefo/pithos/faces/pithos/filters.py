"""``?meta=`` of lists: ``Quality``, ``!Stock``, ``Stock<=120``, joined by commas."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

from synnefo.pithos.faces.attributes import OBJECT_META, shaped
from synnefo.pithos.namespace.listing import Listed

_TERM = re.compile(r"(?P<no>!?)(?P<key>[^=!<>]+)(?:(?P<op><=|>=|!=|=|<|>)(?P<value>.*))?", re.DOTALL)
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def by_metadata(text: str) -> Callable[[Listed], bool]:
    """One of the bare keys must be there, none of those with ``!``, and every comparison hold, as texts."""
    matches = [match for term in text.split(",") if (match := _TERM.fullmatch(term.strip()))]
    parts = [(OBJECT_META + shaped(match["key"].strip()), match) for match in matches]
    compared = [(key, match["op"], match["value"]) for key, match in parts if match["op"]]
    excluded = {key for key, match in parts if match["no"] and not match["op"]}
    wanted = {key for key, match in parts if not match["no"] and not match["op"]}

    def accepts(version: Listed) -> bool:
        own = version.own_attributes
        if excluded & own.keys() or (wanted and not wanted & own.keys()):
            return False
        return all(key in own and _OPERATORS[op](own[key], value) for key, op, value in compared)

    return accepts
