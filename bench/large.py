"""A container with very many objects: pages of its list, its figures, and removing a folder of it.

The rows are made by SQL, ``BENCH_OBJECTS`` of them (a million by default), in 1,000 folders, so that a list
with a delimiter leaps from one to the next.
"""

from __future__ import annotations

import os
import time

from bench.common import Client, Figure, Web, median, tell, web_alone

OBJECTS = int(os.environ.get("BENCH_OBJECTS", "1000000"))
FOLDERS = 1000
LIMIT, ROUNDS = 1000, 5
AIM_MS = 100

_PATHS = """
INSERT INTO pithos_object (container_id, name)
SELECT {container}, {name} FROM {numbers}
"""
_VERSIONS = """
INSERT INTO pithos_version (object_id, state, uuid, hash, size_bytes, checksum, content_type, available,
    is_snapshot, modified, modified_by, attributes)
SELECT id, 0, {uuid}, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 0,
    'd41d8cd98f00b204e9800998ecf8427e', 'text/plain', 1, {false}, {now}, 'bench', '{{}}'
FROM pithos_object WHERE container_id = {container}
"""
_COUNTING = f"VALUES(1) UNION ALL SELECT number + 1 FROM n WHERE number < {OBJECTS}"  # noqa: S608


def main() -> None:
    with web_alone("objects") as web:
        measure(web)


def measure(web: Web) -> None:
    from bench import seed

    owner = seed.person("large")
    client = Client(web.place, seed.login(owner))
    base = f"/pithos/object-store/v1/{owner.uuid}/large"
    client.call("PUT", base)
    _fill(owner.uuid)
    folder, last = f"folder-{FOLDERS // 2:06}", f"folder-{FOLDERS - 1:06}/{OBJECTS:09}"
    for name, query in (
        ("first page", ""),
        ("middle page", f"&marker={folder}"),
        ("last page", f"&marker={last[:-2]}"),
        ("page backwards", "&reverse=true"),
        ("first page of folders", "&delimiter=/"),
        ("middle page of folders", f"&delimiter=/&marker={folder}/"),
        ("page of one folder", f"&delimiter=/&prefix={folder}/"),
    ):
        path = f"{base.replace('/v1/', '/swift/v1/AUTH_')}?format=json&limit={LIMIT}{query}"
        _tell(client, name, "GET", path)
    _tell(client, "HEAD with the metadata keys of its objects", "HEAD", base)
    client.call("PUT", f"{base}/{folder}")
    took_s, _ = client.call("DELETE", f"{base}/{folder}?delimiter=/")
    tell(Figure(f"removing a folder of {OBJECTS // FOLDERS:,} of {OBJECTS:,} objects", round(took_s, 2), "s"))


def _tell(client: Client, name: str, method: str, path: str) -> None:
    client.call(method, path)
    times_ms = [1000 * client.call(method, path)[0] for _ in range(ROUNDS)]
    tell(Figure(f"{name} of {OBJECTS:,} objects", round(median(times_ms), 1), "ms", AIM_MS))


def _fill(account: str) -> None:
    """Objects without content, by two statements."""
    from django.db import connection

    from synnefo.pithos.namespace.models import Container

    container = Container.objects.get(name="large", account__name=account)
    if connection.vendor == "postgresql":
        numbers = f"generate_series(1, {OBJECTS}) number"
        name = (
            f"'folder-' || to_char(number % {FOLDERS}, 'FM000000') || '/' || to_char(number, 'FM000000000')"
        )
        words = {"uuid": "gen_random_uuid()::text", "false": "false", "now": "now()"}
    else:
        numbers = f"(WITH RECURSIVE n(number) AS ({_COUNTING}) SELECT number FROM n)"  # noqa: S608
        name = f"printf('folder-%06d/%09d', number % {FOLDERS}, number)"
        words = {"uuid": "lower(hex(randomblob(16)))", "false": "0", "now": "datetime('now')"}
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(_PATHS.format(container=container.pk, name=name, numbers=numbers))
        cursor.execute(_VERSIONS.format(container=container.pk, **words))
        cursor.execute("ANALYZE")
    Container.objects.filter(pk=container.pk).update(object_count=OBJECTS)
    tell(Figure(f"making {OBJECTS:,} objects by SQL", round(time.perf_counter() - started, 1), "s"))


if __name__ == "__main__":
    main()
