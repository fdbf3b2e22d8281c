"""Processes that are killed at any moment of many changes."""

from __future__ import annotations

import dataclasses
import hashlib
import http.client
import json
import random
import threading
from collections.abc import Callable

import pytest

from tests.pithos_server.servers import BLOCK, MIB, Group, block, wait_for

pytestmark = pytest.mark.host

KILLS = 4
NAMES = 4
OCTETS = "application/octet-stream"
SIZES = (1_000, MIB, BLOCK, 2 * BLOCK + 17)


def content(number: int) -> bytes:
    """The content of an upload, which tells its number."""
    size_bytes = SIZES[number % len(SIZES)]
    return b"%08d" % number + (block(number) * (size_bytes // BLOCK + 1))[8:size_bytes]


def upload(objects: Group, name: str, number: int) -> int:
    return objects.put(name, content(number))[0]


def upload_by_hash(objects: Group, name: str, number: int) -> int:
    """Blocks first, then their names; small content, too."""
    data, hashes = content(number), []
    for start in range(0, len(data), BLOCK):
        piece = data[start : start + BLOCK]
        path = f"{name.partition('/')[0]}?update&format=json"
        assert objects.request("POST", path, piece, Content_Type=OCTETS)[0] == 202
        hashes.append(hashlib.sha256(piece.rstrip(b"\0")).hexdigest())
    return objects.put(f"{name}?hashmap", json.dumps({"bytes": len(data), "hashes": hashes}))[0]


def copy(objects: Group, name: str, number: int) -> int:
    source = f"sources/{name.replace('/', '-')}"
    assert objects.put(source, content(number))[0] == 201
    return objects.request("COPY", source, Destination=f"/{name}")[0]


def move(objects: Group, name: str, number: int) -> int:
    source = f"sources/{name.replace('/', '-')}"
    assert objects.put(source, content(number))[0] == 201
    return objects.request("MOVE", source, Destination=f"/{name}")[0]


def delete(objects: Group, name: str, number: int) -> int:
    return objects.request("DELETE", name)[0]


#: What a writer does, in turn, each with a higher number.
WAYS: tuple[Callable[[Group, str, int], int], ...] = (upload, upload_by_hash, copy, upload, move, delete)


def left_by(number: int) -> bytes | None:
    """What is there after a change with this number."""
    return None if number < 0 or WAYS[number % len(WAYS)] is delete else content(number)


@dataclasses.dataclass
class Writer:
    """A client that changes one object again and again, each time with a higher number, until stopped."""

    objects: Group
    name: str
    next: int = 0
    begun: int = -1
    acknowledged: int = -1

    def run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self.begun = self.next
            self.next += 1
            try:
                status = WAYS[self.begun % len(WAYS)](self.objects, self.name, self.begun)
            except (OSError, http.client.HTTPException):
                return  # killed
            assert status in (201, 204) or (status == 404 and left_by(self.acknowledged) is None)
            self.acknowledged = self.begun

    def check(self) -> None:
        """What was acknowledged is there, or what was begun last; whole in any case."""
        status, headers, found = self.objects.request("GET", self.name)
        assert status in (200, 404)
        now = found if status == 200 else None
        assert now in (left_by(self.acknowledged), left_by(self.begun))
        if status == 200:
            assert int(headers["Content-Length"]) == len(found)
        if now == left_by(self.begun):
            self.acknowledged = self.begun


def test_a_kill_leaves_old_or_new_and_keeps_what_was_acknowledged(objects: Group) -> None:
    chance = random.Random()
    container = f"killed-{chance.getrandbits(64):x}"
    assert objects.put(container)[0] == 201
    assert objects.put("sources")[0] in (201, 202)
    writers = [Writer(objects, f"{container}/{number}") for number in range(NAMES)]
    for _ in range(KILLS):
        stopping = threading.Event()
        threads = [threading.Thread(target=one.run, args=(stopping,)) for one in writers]
        wanted = sum(one.next for one in writers) + chance.randrange(4, 24)
        for thread in threads:
            thread.start()
        wait_for(lambda: sum(one.next for one in writers) >= wanted, "some uploads", timeout_s=60)  # noqa: B023
        stopping.wait(chance.random() * 0.05)
        objects.kill()
        stopping.set()
        for thread in threads:
            thread.join(60)
        objects.start()
        for one in writers:
            one.check()
    listed = objects.request("HEAD", container)[1]
    stored = [len(data) for one in writers if (data := left_by(one.acknowledged)) is not None]
    assert int(listed["X-Container-Object-Count"]) == len(stored)
    assert int(listed["X-Container-Bytes-Used"]) == sum(stored)
    assert all(one.acknowledged > 0 for one in writers)


def test_a_kill_during_an_upload_leaves_the_old_object(objects: Group) -> None:
    name = hashlib.sha256(block(8)).hexdigest()
    last = objects.cloud.blocks / name[0:2] / name
    for length in (f"Content-Length: {4 * BLOCK}", "Transfer-Encoding: chunked"):
        assert objects.put("c/old", b"old")[0] == 201
        with objects.opened("c/old", length) as peer:
            head = b"%x\r\n" % (4 * BLOCK) if "chunked" in length else b""
            peer.sendall(head + block(7) + block(8) + b"and a little")
            wait_for(last.exists, "its second block is stored")
            objects.kill()
        objects.start()
        assert objects.request("GET", "c/old")[2] == b"old"
        assert objects.put("c/old", b"new")[0] == 201
        assert objects.request("GET", "c/old")[2] == b"new"
        assert objects.request("DELETE", "c/old")[0] == 204
