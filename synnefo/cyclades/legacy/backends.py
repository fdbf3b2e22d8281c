"""Ganeti clusters, and projects that have some of their own.

They come offline: nothing is asked of them, and nothing that runs there is looked at, until an operator has
looked at what came and says ``backend-modify --offline no``.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Model

from synnefo.common.legacy.source import Row
from synnefo.common.legacy.steps import Numbered, Step
from synnefo.cyclades.backends.models import Backend, ProjectBackend
from synnefo.cyclades.legacy.secrets import SecretError, plain
from synnefo.cyclades.legacy.source import of_table
from synnefo.cyclades.legacy.world import World


def _backend(row: Row, world: World) -> Iterator[Model]:
    name = row["clustername"]
    try:
        password = plain(row["password_hash"] or "", world.secret_key)
    except SecretError as error:
        world.report.obstacle(str(error), name)
        return
    if row["offline"]:
        world.report.note("cluster that was offline already", name)
    yield Backend(
        pk=row["key"],
        name=name,
        kind=Backend.Kind.GANETI,
        options={
            "url": f"https://{name}:{row['port']}",
            "username": row["username"] or "",
            "password": password,
            "hypervisor": row["hypervisor"],
            "volume_types": [word for word in (row["disk_templates"] or "").split(",") if word],
        },
        public=row.get("public", True),
        drained=row["drained"],
        offline=True,
        vcpus=row["ctotal"],
        ram_total_mib=row["mtotal"],
        ram_free_mib=row["mfree"],
        disk_total_gib=row["dtotal"] // 1024,
        disk_free_gib=row["dfree"] // 1024,
        instances=row["pinst_cnt"],
        updated=row["updated"],
    )


def _project(row: Row, world: World) -> Iterator[Model]:
    yield ProjectBackend(pk=row["key"], backend_id=row["backend_id"], project=row["project"])


STEPS: tuple[Step[World], ...] = (
    Step("clusters", of_table("db_backend"), _backend, (Numbered(Backend, "db_backend"),)),
    Step(
        "clusters of projects",
        of_table("db_projectbackend"),
        _project,
        (Numbered(ProjectBackend, "db_projectbackend"),),
    ),
)
