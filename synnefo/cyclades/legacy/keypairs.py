"""Public keys."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model

from synnefo.common.legacy.source import Row
from synnefo.common.legacy.steps import Numbered, Step
from synnefo.cyclades.keypairs.models import KeyPair
from synnefo.cyclades.legacy.source import of_table
from synnefo.cyclades.legacy.world import World


def _keypair(row: Row, world: World) -> Iterator[Model]:
    """The old table wrote ``ssh`` for most kinds; what it is stands in the key."""
    yield KeyPair(
        pk=row["key"],
        userid=row["user"],
        name=row["name"],
        content=row["content"],
        fingerprint=row["fingerprint"],
        kind=(row["content"].split(maxsplit=1) or [""])[0][:40],
        created=row["created_at"],
        updated=row["updated_at"],
    )


STEPS: tuple[Step[World], ...] = (
    Step(
        "key pairs",
        of_table("userdata_publickeypair"),
        _keypair,
        (Numbered(KeyPair, "userdata_publickeypair"),),
    ),
)
