"""Lists of volumes and snapshots ask the database as often for many rows as for few."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from synnefo.cyclades.images.models import Image
from synnefo.cyclades.volumes import owners, rules
from synnefo.cyclades.volumes.models import Volume
from tests.conftest import People
from tests.cyclades_api.conftest import Api as OpenStack
from tests.cyclades_synnefo.conftest import Api as Synnefo

MOST = 12


def grow(cloud: People, make: Callable[..., Volume], count: int) -> None:
    for _ in range(count):
        volume = make(metadata={"a": "b", "c": "d"})
        owners.offer(cloud.alice.caller, volume.uuid)
        rules.set_image_properties(cloud.alice.caller, volume.uuid, {"os": "linux"})
        Image.objects.create(
            userid=volume.userid, project=volume.project, name="s", disk_format="raw", is_snapshot=True,
            volume_id=volume.pk,
        )  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "volumes", "volumes/detail", "volumes/detail?sort=name:asc&limit=50", "snapshots", "snapshots/detail",
        "types", "os-volume-transfer/detail", "limits", "os-quota-sets/{project}?usage=True",
    ],
)  # fmt: skip
def test_block_storage_lists(cloud: People, make: Callable[..., Volume], path: str) -> None:
    project, api = cloud.alice.caller.project, OpenStack(cloud.alice.token)
    full = f"volume/v3/{project}/{path.format(project=project)}"
    counts = []
    for more in (2, 6):
        grow(cloud, make, more)
        api.json("GET", full)
        with CaptureQueriesContext(connection) as seen:
            api.json("GET", full)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= MOST, counts


@pytest.mark.parametrize("path", ["volumes", "volumes/detail", "snapshots", "types"])
def test_volume_v2_lists(cloud: People, make: Callable[..., Volume], path: str) -> None:
    api, counts = Synnefo(cloud.alice.token), []
    for more in (2, 6):
        grow(cloud, make, more)
        api.get(f"volume/v2.0/{path}")
        with CaptureQueriesContext(connection) as seen:
            api.get(f"volume/v2.0/{path}")
        counts.append(len(seen))
    assert counts[0] == counts[1] <= MOST, counts
