"""Load on the object store: PUT or GET over connections that stay open, by threads on raw sockets.

A program of its own, which imports nothing of the product: it shares the machine's few CPUs with what it
measures, so a request costs it a handful of system calls. Blocks that are sent differ from each other, so
that every one of them has to be stored.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time

from bench.common import percentile

BLOCK_BYTES = 4 * 1024 * 1024
RECEIVE_BYTES = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Work:
    """``count`` is how many objects there are to read (``0`` and on, below ``path``)."""

    place: str
    token: str
    path: str
    method: str
    size_bytes: int
    seconds: float
    connections: int = 8
    count: int = 0


@dataclasses.dataclass(frozen=True)
class Load:
    """``rejected`` counts answers that were no 2xx."""

    requests: int
    per_second: float
    bytes_per_second: float
    rejected: int
    p50_ms: float
    p99_ms: float


def run(work: Work) -> Load:
    """Do the work in a process of its own."""
    command = [sys.executable, "-m", "bench.object_load", json.dumps(dataclasses.asdict(work))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=work.seconds + 120, check=True)
    return Load(**json.loads(done.stdout))


class Connection:
    """One client: a request after the other until time is over."""

    def __init__(self, work: Work, number: int) -> None:
        host, _, port = work.place.rpartition(":")
        self.work, self.number = work, number
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.times_s: list[float] = []
        self.rejected = 0
        self._buffer = bytearray(RECEIVE_BYTES)
        self._filler = os.urandom(min(work.size_bytes, BLOCK_BYTES))

    def work_until(self, deadline: float) -> None:
        turn = self.number
        while time.monotonic() < deadline:
            started = time.perf_counter()
            status = self.put(turn) if self.work.method == "PUT" else self.get(turn % self.work.count)
            self.times_s.append(time.perf_counter() - started)
            self.rejected += not 200 <= status < 300
            turn += self.work.connections

    def _head(self, name: int, more: str = "") -> bytes:
        work = self.work
        return (
            f"{work.method} {work.path}{name} HTTP/1.1\r\nHost: {work.place}\r\n"
            f"X-Auth-Token: {work.token}\r\n{more}\r\n"
        ).encode("ascii")

    def put(self, name: int) -> int:
        size_bytes = self.work.size_bytes
        more = f"Content-Type: application/octet-stream\r\nContent-Length: {size_bytes}\r\n"
        head, filler = self._head(name, more), memoryview(self._filler)
        if not size_bytes:
            self.socket.sendall(head)
        for start in range(0, size_bytes, BLOCK_BYTES):
            length = min(BLOCK_BYTES, size_bytes - start)
            stamp = os.urandom(16)
            self._send(head + stamp, filler[len(stamp) : length])
            head = b""
        return self._answer()

    def _send(self, small: bytes, large: memoryview) -> None:
        sent = self.socket.sendmsg([small, large])
        if sent < len(small):
            self.socket.sendall(small[sent:])
        self.socket.sendall(large[max(0, sent - len(small)) :])

    def get(self, name: int) -> int:
        self.socket.sendall(self._head(name))
        return self._answer(self.work.size_bytes)

    def _answer(self, expected_bytes: int | None = None) -> int:
        """Reads an answer to its end; returns its status."""
        received, end = b"", -1
        while end < 0:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("the server closed the connection")
            received += piece
            end = received.find(b"\r\n\r\n")
        head = received[:end].lower()
        status = int(head.split(b" ", 2)[1])
        _, found, rest = head.partition(b"\r\ncontent-length:")
        length = int(rest.split(b"\r\n", 1)[0]) if found else 0
        if expected_bytes is not None and 200 <= status < 300 and length != expected_bytes:
            raise ConnectionError(f"{length} bytes came instead of {expected_bytes}")
        left = length - (len(received) - end - 4)
        view = memoryview(self._buffer)
        while left:
            got = self.socket.recv_into(view[: min(left, RECEIVE_BYTES)], 0, socket.MSG_WAITALL)
            if not got:
                raise ConnectionError("the server closed the connection")
            left -= got
        return status


def main(text: str) -> None:
    work = Work(**json.loads(text))
    clients = [Connection(work, number) for number in range(work.connections)]
    started = time.monotonic()
    threads = [
        threading.Thread(target=client.work_until, args=(started + work.seconds,)) for client in clients
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.monotonic() - started
    times_ms = [1000 * one for client in clients for one in client.times_s]
    load = Load(
        requests=len(times_ms),
        per_second=round(len(times_ms) / took_s, 1),
        bytes_per_second=round(len(times_ms) * work.size_bytes / took_s),
        rejected=sum(client.rejected for client in clients),
        p50_ms=round(statistics.median(times_ms), 2),
        p99_ms=round(percentile(times_ms, 99), 2),
    )
    sys.stdout.write(json.dumps(dataclasses.asdict(load)))


if __name__ == "__main__":
    main(sys.argv[1])
