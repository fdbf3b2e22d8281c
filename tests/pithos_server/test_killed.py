"""Processes that are killed at any moment of many uploads."""

from __future__ import annotations

import dataclasses
import hashlib
import http.client
import random
import threading

import pytest

from tests.pithos_server.servers import BLOCK, MIB, Group, block, wait_for

pytestmark = pytest.mark.host

KILLS = 4
NAMES = 4
SIZES = (1_000, MIB, BLOCK, 2 * BLOCK + 17)


def content(number: int) -> bytes:
    """The content of an upload, which tells its number."""
    size_bytes = SIZES[number % len(SIZES)]
    return b"%08d" % number + (block(number) * (size_bytes // BLOCK + 1))[8:size_bytes]


@dataclasses.dataclass
class Writer:
    """A client that writes one object again and again, each time with a higher number, until stopped."""

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
                status = self.objects.put(self.name, content(self.begun))[0]
            except (OSError, http.client.HTTPException):
                return  # killed
            assert status == 201
            self.acknowledged = self.begun

    def check(self) -> None:
        """What was acknowledged is there, or what was begun last; whole in any case."""
        status, headers, found = self.objects.request("GET", self.name)
        if self.acknowledged < 0 and status == 404:
            return
        assert status == 200
        assert int(headers["Content-Length"]) == len(found)
        number = int(found[:8])
        assert number in (self.acknowledged, self.begun)
        assert found == content(number)
        self.acknowledged = number


def test_a_kill_leaves_old_or_new_and_keeps_what_was_acknowledged(objects: Group) -> None:
    chance = random.Random()
    container = f"killed-{chance.getrandbits(64):x}"
    assert objects.put(container)[0] == 201
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
    stored = [len(content(one.acknowledged)) for one in writers if one.acknowledged >= 0]
    assert int(listed["X-Container-Object-Count"]) == len(stored)
    assert int(listed["X-Container-Bytes-Used"]) == sum(stored)
    assert all(one.acknowledged > 0 for one in writers)


def test_a_kill_during_an_upload_leaves_the_old_object(objects: Group) -> None:
    name = hashlib.sha256(block(8)).hexdigest()
    last = objects.cloud.blocks / name[0:2] / name[2:4] / name[4:6] / name
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
