"""Versions of objects, with their content, from the oldest on: they keep the numbers that clients know.

Blocks are brought before the rows that name them are written. What cannot be read comes without content, and
is reported. Accounts and containers had versions in the old table, too; of these the latest counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model

from synnefo.common.legacy.source import Row, Source, Sql
from synnefo.common.legacy.steps import Made, Numbered, Step
from synnefo.pithos.blocks.hashing import HOLE, pack, top_hash
from synnefo.pithos.legacy.files import OldFiles, UnreadableError
from synnefo.pithos.legacy.names import moment
from synnefo.pithos.legacy.source import OBJECTS
from synnefo.pithos.legacy.world import World
from synnefo.pithos.namespace.models import HashMap, KnownBlock, Version

#: A version may have a map of megabytes.
_BATCH = 50
_BROKEN = -1
_MD5_CHARACTERS = 32


def _versions(source: Source) -> Sql:
    return (
        "SELECT v.serial AS key, v.*, n.path, a.node AS account_id,"  # noqa: S608  constants of ours
        " coalesce((SELECT json_object_agg(d.domain, d.items) FROM (SELECT t.domain,"
        "   json_object_agg(t.key, coalesce(t.value, '')) AS items FROM attributes t"
        "   WHERE t.serial = v.serial GROUP BY t.domain) AS d), '{}') AS attributes"
        f" FROM versions v JOIN {OBJECTS} ON n.node = v.node"
    )


def _version(row: Row, world: World) -> Iterator[Model]:
    made = Version(
        pk=row["key"],
        object_id=row["node"],
        state=row["cluster"],
        uuid=row["uuid"],
        hash=row["hash"] or "",
        size_bytes=row["size"],
        checksum=row["checksum"] if len(row["checksum"] or "") == _MD5_CHARACTERS else "",
        content_type=row["type"],
        available=int(row["available"]),
        is_snapshot=row["is_snapshot"],
        modified=moment(row["mtime"]),
        modified_by=row["muser"],
        attributes=row["attributes"],
    )
    known = list(_filled(made, row, world, world.files)) if row["size"] and world.files else []
    yield made
    yield from known


def _filled(made: Version, row: Row, world: World, files: OldFiles) -> Iterator[Model]:
    """Fill in the map, and bring the blocks; yields what the account knows from then on."""
    about = f"{row['path']} version {row['key']}"
    name = row["mapfile"] or made.hash
    try:
        digests = files.digests(name, made.size_bytes, plain=not made.is_snapshot and name == made.hash)
    except UnreadableError as error:
        world.report.note(f"{error}: its object cannot be read", about)
        made.available = made.available if made.is_snapshot else _BROKEN
        return
    for problem, block in files.bring(digests):
        world.report.note(f"{problem}: its object cannot be read whole", f"{block} of {about}")
    root = top_hash(digests).hex()
    if made.is_snapshot:
        made.hash = root
    elif made.hash != root:
        world.report.note("object whose hash is not that of its blocks: see block-scrub", about)
    if len(digests) > 1 and HOLE in digests:
        made.checksum = ""  # the old system left holes out of it; it is taken anew
    if len(digests) > 1 or made.hash != root:
        packed = pack(digests)
        made.map = HashMap(digest=HashMap.digest_of(packed), packed=packed)
    for digest in set(digests) - {HOLE}:
        yield KnownBlock(account_id=row["account_id"], digest=digest)


def _save(made: Made) -> None:
    """Content that is equal shares its map; what an account knows already it knows once."""
    versions = [one for one in made.get(Version, []) if isinstance(one, Version)]
    maps = {one.map.digest: one.map for one in versions if one.map is not None}
    HashMap.objects.bulk_create(maps.values(), ignore_conflicts=True)
    numbers = dict(HashMap.objects.filter(digest__in=maps).values_list("digest", "pk"))
    for one in versions:
        if one.map is not None:
            one.map_id = numbers[one.map.digest]
            one.map.pk = one.map_id
    Version.objects.bulk_create(versions)
    KnownBlock.objects.bulk_create(
        (one for one in made.get(KnownBlock, []) if isinstance(one, KnownBlock)), ignore_conflicts=True
    )


STEPS: tuple[Step[World], ...] = (
    Step(
        "versions", _versions, _version, (Numbered(Version, "versions", "serial"),), save=_save, batch=_BATCH
    ),
)
