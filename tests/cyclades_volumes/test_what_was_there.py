"""Servers that were there before volumes were have theirs afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BEFORE, AFTER = [("cyclades", "0003_tags_and_cards")], [("cyclades", "0006_types_are_rows")]


@pytest.fixture
def old_tables(transactional_db: None) -> Iterator[Any]:
    executor = MigrationExecutor(connection)
    last = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "cyclades"]
    executor.migrate(BEFORE)
    yield executor.loader.project_state(BEFORE).apps
    MigrationExecutor(connection).migrate(last)


def test_servers_get_root_volumes_and_flavors_types(old_tables: Any) -> None:
    flavor = old_tables.get_model("cyclades", "Flavor").objects.create(
        cpu=1, ram=512, disk=7, volume_type="local"
    )
    server = old_tables.get_model("cyclades", "Server").objects.create(
        name="web",
        userid="u",
        project="p",
        flavor=flavor,
        image="an-image",
        operstate="STARTED",
        key_name="k",
    )
    executor = MigrationExecutor(connection)
    executor.migrate(AFTER)
    apps = executor.loader.project_state(AFTER).apps
    root = apps.get_model("cyclades", "Volume").objects.get()
    assert (root.server_id, root.index, root.size_gib, root.status) == (server.pk, 0, 7, "IN_USE")
    assert (root.userid, root.project, root.source_uuid, root.materialised) == ("u", "p", "an-image", True)
    assert apps.get_model("cyclades", "Flavor").objects.get().volume_type.disk_template == "local"
    assert apps.get_model("cyclades", "Server").objects.get().key_names == ["k"]
