"""The real kamaki 0.16 on files that are shared, published, versioned, cut and put together again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import People
from tests.cyclades_synnefo.test_kamaki import Kamaki
from tests.cyclades_synnefo.test_kamaki import installed as installed

pytestmark = pytest.mark.host


@pytest.fixture
def of(installed: tuple[str, Path], live_server: Any, tmp_path: Path) -> Callable[[str], Kamaki]:
    """Anybody's kamaki, by his token."""

    def make(token: str) -> Kamaki:
        home = tmp_path / hashlib.sha256(token.encode()).hexdigest()
        home.mkdir()
        cloud = f'[cloud "synnefo"]\nurl = {live_server.url}/astakos/identity/v2.0\ntoken = {token}\n'
        (home / "kamakirc").write_text(f"[global]\ndefault_cloud = synnefo\n\n{cloud}")
        return Kamaki(*installed, home)

    return make


def upload(kamaki: Kamaki, place: Path, data: bytes, target: str) -> None:
    place.write_bytes(data)
    kamaki("file", "upload", str(place), target, "-f")


def test_sharing_and_publishing(of: Callable[[str], Kamaki], cloud: People, tmp_path: Path) -> None:
    alice, bob = of(cloud.alice.token), of(cloud.bob.token)
    me, him = cloud.alice.user.uuid, cloud.bob.user.uuid
    for kamaki in (alice, bob):
        kamaki("container", "create", "box")
    upload(alice, tmp_path / "o", b"some words\n", "/box/notes.txt")
    url = f"pithos://{me}/box/notes.txt"
    assert "403" in bob("file", "cat", url, fails=True)
    assert bob.json("sharer", "list") == []
    alice("file", "modify", "/box/notes.txt", "--read-permission", him)
    assert alice.json("file", "info", "/box/notes.txt", "--sharing")["read"] == him
    assert bob("file", "cat", url).endswith("some words\n")
    assert [row["name"] for row in bob.json("sharer", "list")] == [me]
    assert [row["name"] for row in bob.json("file", "list", f"pithos://{me}/box")] == ["notes.txt"]
    assert "403" in bob("file", "modify", url, "--metadata-add", "a=b", fails=True)

    alice("group", "create", "team", "--uuid", him)
    assert him in str(alice.json("group", "list"))
    alice("file", "modify", "/box/notes.txt", "--no-permissions")
    assert "403" in bob("file", "cat", url, fails=True)
    alice("file", "modify", "/box/notes.txt", "--write-permission", f"{me}:team")
    bob("file", "modify", url, "--metadata-add", "a=b")
    bob("file", "append", str(tmp_path / "o"), url)
    assert alice("file", "cat", "/box/notes.txt").count("some words") == 2
    bob("file", "copy", url, "/box/mine.txt")
    assert bob("file", "cat", "/box/mine.txt").count("some words") == 2
    assert "403" in bob("file", "delete", url, "--yes", fails=True)
    alice("group", "delete", "team")
    assert "403" in bob("file", "cat", url, fails=True)

    public = alice("file", "publish", "/box/notes.txt").split()[-1]
    assert httpx.get(public).content == b"some words\nsome words\n"
    assert alice("file", "publish", "/box/notes.txt").split()[-1] == public
    assert alice.json("file", "info", "/box/notes.txt")["x-object-public"] == public
    alice("file", "unpublish", "/box/notes.txt")
    assert httpx.get(public).status_code == 404


def test_versions_parts_and_large_files(of: Callable[[str], Kamaki], cloud: People, tmp_path: Path) -> None:
    kamaki, block = of(cloud.alice.token), 4 * 1024 * 1024
    kamaki("container", "create", "box")
    data = os.urandom(block) + bytes(block) + os.urandom(1234)
    upload(kamaki, tmp_path / "o", data, "/box/o")
    shown = kamaki.json("file", "info", "/box/o")
    assert shown["etag"] == hashlib.md5(data, usedforsecurity=False).hexdigest()
    blocks = [hashlib.sha256(piece).hexdigest() for piece in (data[:block], b"", data[2 * block :])]
    found = kamaki.json("file", "info", "/box/o", "--hashmap")
    assert (found["hashes"], found["bytes"]) == (blocks, len(data))
    upload(kamaki, tmp_path / "o", data, "/box/again")
    assert kamaki.json("file", "info", "/box/again")["x-object-hash"] == shown["x-object-hash"]

    kamaki("file", "truncate", "/box/o", "--size", "100")
    (tmp_path / "patch").write_bytes(b"0123456789")
    kamaki("file", "overwrite", str(tmp_path / "patch"), "/box/o", "--from", "50", "--to", "59")
    kamaki("file", "append", str(tmp_path / "patch"), "/box/o")
    kamaki("file", "download", "/box/o", str(tmp_path / "now"))
    expected = data[:50] + b"0123456789" + data[60:100] + b"0123456789"
    assert (tmp_path / "now").read_bytes() == expected
    kamaki("file", "create", "/box/whole")
    upload(kamaki, tmp_path / "whole", expected, "/box/whole")
    hashes = [kamaki.json("file", "info", f"/box/{name}")["x-object-hash"] for name in ("o", "whole")]
    assert hashes[0] == hashes[1]

    (listed,) = kamaki.json("file", "info", "/box/o", "--object-versions").values()
    assert len(listed) >= 4
    first = str(listed[0]["version_id"])
    kamaki("file", "download", "/box/o", str(tmp_path / "first"), "--object-version", first)
    assert (tmp_path / "first").read_bytes() == data
    kamaki("file", "copy", "/box/o", "/box/old", "--source-version", first)
    assert kamaki.json("file", "info", "/box/old")["content-length"] == str(len(data))

    kamaki("file", "mkdir", "/box/dir")
    kamaki("file", "copy", "/box/whole", "/box/dir/whole")
    kamaki("file", "move", "/box/dir", "/box/moved", "-r")
    names = [row["name"] for row in kamaki.json("file", "list", "/box")]
    assert names == ["again", "moved", "moved/whole", "o", "old", "whole"]
    kamaki("container", "modify", "box", "--size-limit", "10MiB", "--versioning", "none")
    info = kamaki.json("container", "info", "box")
    assert info["x-container-policy-versioning"] == "none"
    assert "limit(10MiB)" in kamaki("file", "upload", str(tmp_path / "first"), "/box/more", fails=True)
    kamaki("container", "delete", "box", "-r", "--yes")
    assert kamaki.json("container", "list") == []
