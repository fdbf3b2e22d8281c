"""Public identifiers: every noun has an integer id (Synnefo's facade, commands) and a uuid
(OpenStack's facade). Users and projects are uuids everywhere outside their own tables."""

from __future__ import annotations

import uuid


def new_uuid() -> str:
    return str(uuid.uuid4())


def parse_uuid(text: str) -> str | None:
    """The canonical form of a uuid with or without dashes; None if it is none.

    OpenStack's clients look names up by GET /x/NAME first, so "not a uuid" is an everyday answer.
    """
    try:
        return str(uuid.UUID(text))
    except (ValueError, AttributeError, TypeError):
        return None
