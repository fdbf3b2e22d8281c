"""The real kamaki 0.16 on volumes and snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from synnefo.cyclades.backends.memory_room import Disk
from synnefo.cyclades.volume_types.models import VolumeType
from tests.cyclades_synnefo.test_kamaki import Kamaki
from tests.cyclades_synnefo.test_kamaki import installed as installed
from tests.cyclades_synnefo.test_kamaki import kamaki as kamaki
from tests.cyclades_synnefo.test_kamaki import web as web

pytestmark = pytest.mark.host


@pytest.fixture(autouse=True)
def _short_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    def pieces(disk: Disk) -> Iterator[bytes]:
        yield b"what stands on the disk" + bytes(1000)

    monkeypatch.setattr(Disk, "pieces", pieces)


def test_volumes(kamaki: Kamaki, web: str, settle: Callable[[], None]) -> None:
    assert "local" in kamaki("volume", "types")
    number = str(VolumeType.objects.get().pk)
    options = ("--size", "2", "--name", "data", "--volume-type", number)
    kamaki("volume", "create", *options)
    [made] = [row for row in kamaki.json("volume", "list", "-l") if row["display_name"] == "data"]
    assert (made["status"], made["size"]) == ("available", 2)
    kamaki("server", "attach", web, "--volume-id", made["id"])
    settle()
    shown = kamaki.json("volume", "info", made["id"])
    assert (shown["status"], shown["attachments"][0]["server_id"]) == ("in_use", int(web))
    kamaki("volume", "modify", made["id"], "--name", "renamed")
    names = {row["display_name"] for row in kamaki.json("volume", "list", "-l")}
    assert "renamed" in names
    kamaki("server", "detach", web, "--volume-id", made["id"])
    settle()
    assert kamaki.json("volume", "info", made["id"])["status"] == "available"
    kamaki("volume", "delete", made["id"])
    settle()
    assert made["id"] not in {row["id"] for row in kamaki.json("volume", "list")}


def test_snapshots(kamaki: Kamaki, web: str, image: Any, settle: Callable[[], None]) -> None:
    [root] = kamaki.json("volume", "list", "-l")
    options = ("--volume-id", root["id"], "--name", "before", "--description", "the upgrade")
    made = kamaki.json("snapshot", "create", *options)
    settle()
    shown = kamaki.json("snapshot", "info", made["id"])
    assert (shown["status"], shown["display_name"], shown["volume_id"]) == ("AVAILABLE", "before", root["id"])
    kamaki("snapshot", "modify", made["id"], "--name", "after")
    [row] = kamaki.json("snapshot", "list", "-l")
    assert row["display_name"] == "after"
    kamaki("snapshot", "delete", made["id"])
    assert kamaki.json("snapshot", "list") == []
