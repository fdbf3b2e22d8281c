"""Accounts know the blocks that their versions have.

Holds belong to no account; the versions that they were taken from do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_DIGEST_BYTES = 32
_HOLE = hashlib.sha256(b"").digest()
_BATCH = 1000
_TOMBSTONE = 2


def seed(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    known = apps.get_model("pithos", "KnownBlock")
    versions = apps.get_model("pithos", "Version").objects.exclude(state=_TOMBSTONE)
    found = _found(
        versions.filter(size_bytes__gt=0, data=None).order_by(), apps.get_model("pithos", "HashMap")
    )
    while batch := list(islice(found, _BATCH)):
        known.objects.bulk_create(
            [known(account_id=account, digest=digest) for account, digest in batch if digest != _HOLE],
            ignore_conflicts=True,
        )


def _found(versions: Any, maps: Any) -> Iterator[tuple[int, bytes]]:
    account = "object__container__account"
    for owner, text in versions.filter(map=None).values_list(account, "hash").distinct().iterator():
        yield owner, bytes.fromhex(text)
    pairs = versions.exclude(map=None).values_list(account, "map").distinct().iterator()
    for owner, number in pairs:
        content = bytes(maps.objects.get(pk=number).packed)
        for start in range(0, len(content), _DIGEST_BYTES):
            yield owner, content[start : start + _DIGEST_BYTES]


class Migration(migrations.Migration):
    dependencies = [("pithos", "0009_legacy_import")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
