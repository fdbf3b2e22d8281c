"""Volume types and flavors, what is said of them, and who may use them."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model
from django.utils import timezone

from synnefo.common.legacy.source import Row, Sql
from synnefo.common.legacy.steps import Numbered, Step
from synnefo.cyclades.flavors.models import Flavor, FlavorAccess, FlavorSpec
from synnefo.cyclades.legacy.source import of_query, of_table
from synnefo.cyclades.legacy.world import World
from synnefo.cyclades.volume_types.models import VolumeType, VolumeTypeSpec


def _volume_type(row: Row, world: World) -> Iterator[Model]:
    now = timezone.now()
    yield VolumeType(
        pk=row["key"],
        name=row["name"],
        disk_template=row["disk_template"],
        deleted=row["deleted"],
        created=now,
        updated=now,
    )


def _volume_type_spec(row: Row, world: World) -> Iterator[Model]:
    yield VolumeTypeSpec(
        pk=row["key"], volume_type_id=row["volume_type_id"], key=row["word"], value=row["value"]
    )


def _flavor(row: Row, world: World) -> Iterator[Model]:
    yield Flavor(
        pk=row["key"],
        cpu=row["cpu"],
        ram=row["ram"],
        disk=row["disk"],
        volume_type_id=row["volume_type_id"],
        allow_create=row["allow_create"],
        public=row.get("public", True),
        deleted=row["deleted"],
        created=timezone.now(),
    )


def _flavor_spec(row: Row, world: World) -> Iterator[Model]:
    yield FlavorSpec(pk=row["key"], flavor_id=row["flavor_id"], key=row["word"], value=row["value"])


def _flavor_access(row: Row, world: World) -> Iterator[Model]:
    yield FlavorAccess(pk=row["key"], flavor_id=row["flavor_id"], project=row["project"])


def _words_of(table: str, noun: str) -> Sql:
    """Their key is called as rows' keys are here."""
    return f"SELECT id AS key, key AS word, value, {noun}_id FROM {table}"  # noqa: S608  constants of ours


STEPS: tuple[Step[World], ...] = (
    Step("volume types", of_table("db_volumetype"), _volume_type, (Numbered(VolumeType, "db_volumetype"),)),
    Step(
        "specs of volume types",
        of_query("db_volumetypespecs", _words_of("db_volumetypespecs", "volume_type")),
        _volume_type_spec,
        (Numbered(VolumeTypeSpec, "db_volumetypespecs"),),
    ),
    Step("flavors", of_table("db_flavor"), _flavor, (Numbered(Flavor, "db_flavor"),)),
    Step(
        "specs of flavors",
        of_query("db_flavorspecs", _words_of("db_flavorspecs", "flavor")),
        _flavor_spec,
        (Numbered(FlavorSpec, "db_flavorspecs"),),
    ),
    Step(
        "access to flavors",
        of_table("db_flavoraccess"),
        _flavor_access,
        (Numbered(FlavorAccess, "db_flavoraccess"),),
    ),
)
