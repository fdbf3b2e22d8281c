"""Recorded objects of a Pithos 0.21 come over whole: content, history, sharing, and what they are charged."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.core.management import CommandError, call_command
from django.test import Client

from synnefo.astakos.quotas.models import Holding
from synnefo.common.units import MIB
from synnefo.pithos.blocks import base, content
from synnefo.pithos.blocks.filesystem import FilesystemBlocks
from synnefo.pithos.blocks.hashing import HOLE
from synnefo.pithos.namespace.models import (
    Account,
    Container,
    GroupMember,
    KnownBlock,
    Object,
    PublicLink,
    Share,
    Version,
    timestamp,
)
from synnefo.pithos.upkeep import collection
from tests.legacy import old
from tests.legacy.test_recorded import THEN

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not old.recorded(), reason="by design: the recorded database is not beside this clone"
    ),
]
ALICE, BOB = "20c98eb0-d26c-4d3f-91ac-607aeb4cad5f", "0b6dc8e9-5a7f-4c49-9b75-e151dee4eb3d"
#: A manifest: what it leads to is its content.
MANIFEST = "whole"
NOTES = "pithos/docs/2014/notes.txt"


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    return old.facts()


@pytest.fixture
def url(old_server: old.Server) -> str:
    return old_server.recorded_objects()


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return old.unpack_store(tmp_path_factory.mktemp("old") / "store")


@pytest.fixture
def store(unpacked: Path, tmp_path: Path) -> Path:
    """The old block store, which a test may damage."""
    shutil.copytree(unpacked, tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture(autouse=True)
def kept(settings: Any, tmp_path: Path) -> Iterator[FilesystemBlocks]:
    """The new one."""
    settings.PITHOS_BACKEND_BLOCK_PATH = str(tmp_path / "new")
    base.blocks.cache_clear()
    yield base.blocks()
    base.blocks.cache_clear()


def come(url: str, store: Path, *options: str) -> str:
    """Import; what was printed."""
    out = io.StringIO()
    call_command(
        "legacy-import", "--pithos-db", url, "--pithos-blocks", str(store), *options, stdout=out, stderr=out
    )
    return out.getvalue()


def everything() -> dict[str, list[tuple[Any, ...]]]:
    return {
        model._meta.label: sorted(model._base_manager.values_list(), key=repr)
        for model in apps.get_models(include_auto_created=True)
    }


def sha256_of(version: Version) -> str:
    digest = hashlib.sha256()
    for piece in content.read(base.blocks(), version.content, 4 * MIB, 0, version.size_bytes):
        digest.update(piece)
    return digest.hexdigest()


def at(path: str) -> Object:
    account, container, name = path.split("/", 2)
    return Object.objects.get(container__account__name=account, container__name=container, name=name)


def test_every_object_comes_with_its_history_and_content(
    url: str, store: Path, facts: dict[str, Any]
) -> None:
    come(url, store)
    assert Account.objects.count() == len(facts["pithos"])
    seen = 0
    for account in facts["pithos"]:
        there = Container.objects.filter(account__name=account["account"])
        assert sorted(there.values_list("name", flat=True)) == sorted(
            one["name"] for one in account["containers"]
        )
        for known in account["containers"]:
            container = there.get(name=known["name"])
            assert (container.object_count, container.size_bytes) == (known["count"], known["bytes"])
            assert container.modified.isoformat() == known["last_modified"]
            policy = known["x_container_policy"]
            shown = (container.project, str(container.quota_bytes), container.versioning)
            assert shown == (policy["project"], policy["quota"], policy["versioning"])
            for described in known["objects"]:
                _is_as_described(container, described)
                seen += 1
    assert Version.objects.filter(state=Version.State.CURRENT).count() == seen == 45


def _is_as_described(container: Container, known: dict[str, Any]) -> None:
    versions = Version.objects.filter(object__container=container, object__name=known["name"])
    now = versions.get(state=Version.State.CURRENT)
    assert now.pk == known["x_object_version"]
    assert now.uuid == known["x_object_uuid"]
    assert (now.hash, now.size_bytes) == (known["x_object_hash"], known["bytes"])
    assert now.content_type == known["content_type"]
    assert now.modified_by == known["x_object_modified_by"]
    assert timestamp(now.modified) == known["x_object_version_timestamp"]
    assert now.available == known["available"]
    if now.is_snapshot:
        return
    if now.checksum:
        assert content.md5_of(base.blocks(), now.content, 4 * MIB) == now.checksum == known["hash"]
    history = versions.exclude(state=Version.State.TOMBSTONE).order_by("pk")
    assert [[one.pk, timestamp(one.modified)] for one in history] == [row[:2] for row in known["versions"]]
    for one, (_, _, status, sha256, length) in zip(history, known["versions"], strict=True):
        if known["name"] != MANIFEST:
            assert (status, sha256_of(one), one.size_bytes) == (200, sha256, length), known["name"]


def test_history_and_tombstones_keep_their_numbers(url: str, store: Path, facts: dict[str, Any]) -> None:
    come(url, store)
    below = [row for row in facts["deleted_or_history_versions"] if row["path"].count("/") >= 2]
    for row in below:
        version = Version.objects.get(pk=row["serial"])
        assert version.object == at(row["path"])
        assert (version.state, version.size_bytes) == (row["cluster"], row["size"])
        assert version.hash == (row["hash"] or "")
    assert Version.objects.exclude(state=Version.State.CURRENT).count() == len(below)
    path = at(f"{ALICE}/{NOTES}")
    made = Version.objects.create(object=path, state=Version.State.HISTORY, modified_by=ALICE)
    assert made.pk == 94
    assert Container.objects.create(account=Account.objects.get(name=BOB), name="more", project=BOB).pk > 69


def test_metadata_of_all_domains_comes(url: str, store: Path) -> None:
    come(url, store)
    now = Version.objects.get(object=at(f"{ALICE}/{NOTES}"), state=Version.State.CURRENT)
    assert now.attributes == {"pithos": {"X-Object-Meta-Author": "Άλφα", "X-Object-Meta-Quality": "aaa"}}
    image = Version.objects.get(object=at(f"{ALICE}/images/base.diskdump"), state=Version.State.CURRENT)
    assert image.attributes["plankton"]["plankton:name"] == "Debian Base"
    assert image.attributes["plankton"]["plankton:property:root_partition"] == "1"
    shared = Container.objects.get(account__name=ALICE, name="shared")
    assert shared.attributes == {"Purpose": "exchange", "Colour": "blue"}
    assert shared.account.attributes == {"Dept": "physics"}


def test_shares_groups_and_public_links_come(url: str, store: Path, facts: dict[str, Any]) -> None:
    come(url, store)
    columns = ("object__container__account__name", "object__container__name", "object__name", "who", "write")
    shares = {row[:-1]: row[-1] for row in Share.objects.values_list(*columns)}
    expected = {(*row["path"].split("/", 2), row["who"]): bool(row["mode"]) for row in facts["pithos_shares"]}
    assert shares == expected
    members = GroupMember.objects.values_list("group__account__name", "group__name", "user")
    assert set(members) == {(row["owner"], row["name"], row["member"]) for row in facts["pithos_groups"]}
    assert {row.url: row.object for row in PublicLink.objects.all()} == {
        row["url"]: at(row["path"]) for row in facts["pithos_public"]
    }


def test_usage_is_what_the_accounts_were_charged(
    old_server: old.Server, url: str, store: Path, settings: Any
) -> None:
    come(url, store, "--astakos-db", old_server.recorded())
    used: defaultdict[tuple[str, str], int] = defaultdict(int)
    for container in Container.objects.select_related("account"):
        used[f"user:{container.account.name}", f"project:{container.project}"] += container.size_bytes
    holdings = Holding.objects.filter(resource="pithos.diskspace", holder__startswith="user:")
    charged = {(row.holder, row.source): row.usage_max for row in holdings if row.usage_max}
    assert charged == {key: amount for key, amount in used.items() if amount}


def test_accounts_know_their_blocks_and_nothing_is_collected(url: str, store: Path) -> None:
    come(url, store)
    big = Version.objects.get(object=at(f"{ALICE}/pithos/big.bin"), state=Version.State.CURRENT)
    for digest in set(big.content.digests) - {HOLE}:
        assert KnownBlock.objects.filter(account__name=ALICE, digest=digest).exists()
    done = collection.Collected()
    for part in range(collection.PARTS):
        done += collection.collect(part, collection.grace(), dry_run=True)
    assert done == collection.Collected()
    call_command("block-scrub", stdout=io.StringIO(), stderr=io.StringIO())


def test_block_files_are_linked_and_left_as_they_are(url: str, store: Path, kept: FilesystemBlocks) -> None:
    before = _files(store)
    come(url, store)
    assert _files(store) == before
    links = [path for path in kept.directory.rglob("*") if path.is_file()]
    assert len(links) >= 20
    assert {path.stat().st_nlink for path in links} == {2}


def _files(directory: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(directory)): (path.stat().st_ino, path.read_bytes())
        for path in directory.rglob("*") if path.is_file()
    }  # fmt: skip


def test_blocks_that_cannot_be_linked_are_copied(
    url: str, store: Path, kept: FilesystemBlocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(*paths: Any) -> None:
        raise OSError(18, "another file system")

    monkeypatch.setattr(os, "link", elsewhere)
    come(url, store)
    assert {path.stat().st_nlink for path in kept.directory.rglob("*") if path.is_file()} == {1}
    big = Version.objects.get(object=at(f"{ALICE}/pithos/big.bin"), state=Version.State.CURRENT)
    assert sha256_of(big) == "1d8f7b4acc61e4b55a5b087d126095844255562dd6a355ec8909e558114f7a50"


def test_a_dry_run_tells_and_changes_nothing(url: str, store: Path, kept: FilesystemBlocks) -> None:
    before = everything()
    told = come(url, store, "--dry-run", "--output-format", "json")
    report = json.loads(told[: told.rindex("}") + 1])["pithos"]
    assert everything() == before
    assert not kept.directory.exists()
    assert report["obstacles"] == {}
    assert report["counts"] == {
        "accounts": 5, "groups of accounts": 1, "containers": 11, "paths": 48, "versions": 66,
        "shared paths": 7, "public links": 2,
    }  # fmt: skip
    [(what, which)] = report["notes"].items()
    assert what == "map that is not there: its object cannot be read"
    assert len(which) == 4
    assert "Nothing was changed." in told


def test_a_second_run_changes_nothing(url: str, store: Path) -> None:
    come(url, store)
    before = everything()
    assert "imported already; nothing was changed" in come(url, store)
    assert everything() == before


def test_what_cannot_be_read_is_told_and_the_rest_comes(url: str, store: Path) -> None:
    notes = Version.objects.filter(object__name="docs/2014/notes.txt")
    lost = _file_of(store, "blocks", hashlib.sha256(b"hello world\n").hexdigest())
    lost.unlink()
    _file_of(store, "maps", "snf_file_6").write_bytes(b"AMF.")
    told = come(url, store)
    assert "block that is not there: its object cannot be read whole" in told
    assert "map that is cut off: its object cannot be read" in told
    assert f"{ALICE}/{NOTES} version 20" in told
    assert notes.get(pk=20).available == -1
    assert notes.get(pk=30).available == 1
    assert Version.objects.count() == 66


def test_damaged_blocks_are_told_on_request(url: str, store: Path) -> None:
    damaged = _file_of(store, "blocks", hashlib.sha256(b"hello world\n").hexdigest())
    damaged.write_bytes(b"hello w0rld\n")
    assert "not what its name says" not in come(url, store, "--dry-run")
    assert "block that is not what its name says" in come(url, store, "--dry-run", "--verify-blocks")


def _file_of(store: Path, kind: str, name: str) -> Path:
    return next(path for path in (store / kind).rglob(name))


def test_snapshots_whose_data_is_there_become_readable(url: str, store: Path) -> None:
    data = b"a volume's block"
    records = b"\x00" + len(b"vol_1_0").to_bytes(4, "little") + b"vol_1_0"
    head = b"AMF." + bytes([0, 0, 0, 2]) + (4 * MIB).to_bytes(8, "big") + (4 * MIB).to_bytes(4, "big")
    for kind, name, written in (
        ("maps", "snf-snap-12-1", head.ljust(512, b"\0")),
        ("maps", "snf-snap-12-1_0000000000000000", records.ljust(128, b"\0")),
        ("blocks", "vol_1_0", data),
    ):
        spread = hashlib.sha256(name.encode()).hexdigest()
        path = store / kind / spread[:2] / spread[2:4] / spread[4:6] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written)
    old.change(url, f"UPDATE versions SET size = {4 * MIB} WHERE mapfile = 'snf-snap-12-1'")
    told = come(url, store)
    assert "statistics were wrong" in told
    snapshot = Version.objects.get(pk=91)
    assert (snapshot.is_snapshot, snapshot.hash) == (True, hashlib.sha256(data).hexdigest())
    assert sha256_of(snapshot) == hashlib.sha256(data.ljust(4 * MIB, b"\0")).hexdigest()


def test_snapshots_without_data_are_shown_and_not_read(
    old_server: old.Server, url: str, store: Path, facts: dict[str, Any]
) -> None:
    with time_machine.travel(THEN):
        come(url, store, "--astakos-db", old_server.recorded())
        [alice] = [user for user in facts["users"] if user["uuid"] == ALICE]
        path, token = (
            f"/pithos/object-store/v1/{ALICE}/snapshots/snap-1",
            {"X-Auth-Token": alice["auth_token"]},
        )
        head = Client().head(path, headers=token)
        assert (head.status_code, head["X-Object-Hash"]) == (200, "snf-snap-12-1")
        assert Client().get(path, headers=token).status_code == 403
        assert Client().get(f"{path}?hashmap", headers=token).status_code == 403
        assert Client().get("/pithos/public/7JltoZ0lSAZ999LmHxbRx3").status_code == 200


def test_objects_that_are_here_are_in_the_way(url: str, store: Path) -> None:
    account = Account.objects.create(name=ALICE)
    Container.objects.create(account=account, name="pithos", project=ALICE)
    Account.objects.create(name=BOB)
    with pytest.raises(CommandError, match="nothing was changed"):
        come(url, store)
    assert Container.objects.count() == 1


def test_accounts_that_were_only_looked_at_are_not_in_the_way(url: str, store: Path) -> None:
    Account.objects.create(name=BOB)
    come(url, store)
    assert Account.objects.count() == 5


def test_what_is_no_old_store_is_said(old_server: old.Server, url: str, store: Path) -> None:
    with pytest.raises(CommandError, match="no database of Pithos"):
        come(old_server.empty(), store)
    with pytest.raises(CommandError, match="no directory blocks"):
        come(url, store / "maps")
    with pytest.raises(CommandError, match="given together"):
        call_command("legacy-import", "--pithos-db", url)
    with pytest.raises(CommandError, match="name an old database"):
        call_command("legacy-import")


def test_what_is_shared_with_nothing_behind_it_stays(url: str, store: Path) -> None:
    old.change(
        url,
        f"UPDATE xfeatures SET path = '{ALICE}/shared/gone' WHERE feature_id = 4;"
        " UPDATE public SET active = false WHERE public_id = 2;"
        " INSERT INTO groups VALUES ('nobody', 'friends', 'x')",
    )
    told = come(url, store)
    assert "shared path with nothing there: left behind" in told
    assert "groups of somebody who has no account: left behind" in told
    assert PublicLink.objects.count() == 1
