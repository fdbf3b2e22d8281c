"""A disk without space for more blocks."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pithos_server.servers import BLOCK, MIB, Cloud, Group, block, pieces, prepared
from tests.up.cloud import database

pytestmark = pytest.mark.host

DISK_BYTES = 256 * MIB
FREE_BYTES = 20 * MIB


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small file system of its own."""
    place = tmp_path_factory.mktemp("disk")
    options = f"size={DISK_BYTES}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True, timeout=10)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True, timeout=10)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, disk: Path) -> Iterator[Cloud]:
    with database() as settings:
        yield prepared(
            tmp_path_factory.mktemp("cloud"), PITHOS_BACKEND_BLOCK_PATH=str(disk / "pithos"), **settings
        )


@pytest.fixture
def filler(disk: Path, objects: Group) -> Iterator[Path]:
    """A file that takes all but a little of what is free; removing it is making room."""
    objects.put("c/old", block(100))
    file = disk / "filler"
    file.write_bytes(bytes(shutil.disk_usage(disk).free - FREE_BYTES))
    yield file
    file.unlink(missing_ok=True)


def blocks_of(cloud: Cloud) -> dict[str, int]:
    return {
        str(path.relative_to(cloud.blocks)): path.stat().st_size
        for path in cloud.blocks.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def pages(cloud: Cloud) -> Iterator[Group]:
    with cloud.group("granian", "pages") as group:
        yield group


def usage(pages: Group, objects: Group) -> tuple[Any, ...]:
    """What is listed, what is counted, what is charged."""
    account = objects.request("HEAD", "../" + objects.cloud.account)[1]
    container = objects.request("HEAD", "c")[1]
    listed = objects.request("GET", "c?format=json")[2]
    charged = pages.request("GET", "/astakos/account/v1.0/quotas")[2]
    counts = container["X-Container-Object-Count"], container["X-Container-Bytes-Used"]
    return account["X-Account-Bytes-Used"], *counts, listed, charged


def upload(objects: Group, path: str, numbers: range, *headers: str) -> int:
    """Send blocks until all are taken or an answer comes; its status."""
    with objects.opened(path, *headers) as peer:
        with contextlib.suppress(ConnectionError):
            for number in numbers:
                content = block(number)
                peer.sendall(
                    b"%x\r\n%s\r\n" % (len(content), content) if "chunked" in headers[0] else content
                )
            peer.sendall(b"0\r\n\r\n" if "chunked" in headers[0] else b"")
        answer = http.client.HTTPResponse(peer)
        answer.begin()
        return answer.status


@pytest.mark.parametrize("chunked", [False, True])
def test_a_full_disk_refuses_and_keeps_nothing_half(
    pages: Group, objects: Group, filler: Path, chunked: bool
) -> None:
    before, blocks = usage(pages, objects), blocks_of(objects.cloud)
    first = 1000 * len(blocks)  # blocks that no other test left here
    numbers = range(first, first + 16)
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {16 * BLOCK}"
    assert upload(objects, "c/new", numbers, length) == 507
    assert upload(objects, "c/old", numbers, length) == 507
    assert usage(pages, objects) == before
    left = blocks_of(objects.cloud)
    assert blocks.items() <= left.items()
    for name, size_bytes in left.items():  # what was stored of it is whole blocks, for the collection
        assert name.split("/")[0] not in (".new", ".aside")
        assert hashlib.sha256((objects.cloud.blocks / name).read_bytes()).hexdigest() == Path(name).name
        assert size_bytes <= BLOCK
    assert objects.request("GET", "c/old")[2] == block(100)
    assert objects.put("c/old", b"")[0] == 201
    assert objects.put("c/old", block(100))[0] == 201
    filler.unlink()
    assert objects.put("c/new", pieces(8 * MIB))[0] == 201
    assert objects.request("GET", "c/new")[2] == b"".join(pieces(8 * MIB))
    assert objects.request("DELETE", "c/new")[0] == 204
