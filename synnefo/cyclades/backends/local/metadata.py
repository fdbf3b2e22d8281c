"""The metadata service: what a guest asks about itself at http://169.254.169.254.

Owns the listening sockets inside the networks' namespaces and the HTTP exchange; the documents (EC2's and
OpenStack's) are ``guest_documents``'. One thread with one event loop serves all networks. Who a guest is,
is asked of the caller by network and source address; the fabric's rules see to it that guests cannot lie
about that.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import threading
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from synnefo.cyclades.backends.local import guest_documents
from synnefo.cyclades.backends.local import netns as namespaces
from synnefo.cyclades.backends.local.addresses import METADATA
from synnefo.cyclades.backends.local.guest_documents import Guest

log = logging.getLogger(__name__)

PORT = 80
REQUEST_BYTES_MAX = 8192
REQUEST_TIMEOUT_S = 10.0
CONNECTIONS_MAX = 64  # of one network at a time: no tenant can take the service from the others


#: ``lookup(network, ip)``; may block (it runs in a thread); None for an address that nobody has.
Lookup = Callable[[str, str], Guest | None]


class MetadataServer:
    """Serves the networks that were added, until ``close``.

    Several processes may serve the same network at once: the kernel spreads the requests.
    """

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._lock = threading.Lock()
        self._servers: dict[str, tuple[int, asyncio.Server]] = {}
        self._open: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="metadata", daemon=True)
        self._thread.start()

    def add_network(self, name: str, netns: str) -> None:
        """Serve the network whose namespace is ``netns``; one that is served already is left alone.

        Raises BackendError or OSError if the namespace or the address is not there.
        """
        with self._lock:
            inode = namespaces.path(netns).stat().st_ino
            if name in self._servers and self._servers[name][0] == inode:
                return
            self._drop(name)
            listener = namespaces.inside(netns, _listen)

            serve = functools.partial(self._connection, name)
            server = self._run(asyncio.start_server(serve, sock=listener, limit=REQUEST_BYTES_MAX))
            self._servers[name] = (inode, server)

    def remove_network(self, name: str) -> None:
        """Stop serving a network, so that its namespace can end; absent is success."""
        with self._lock:
            self._drop(name)

    def networks(self) -> list[str]:
        with self._lock:
            return sorted(self._servers)

    def close(self) -> None:
        with self._lock:
            for name in list(self._servers):
                self._drop(name)
        self._run(_end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _drop(self, name: str) -> None:
        if name in self._servers:
            _, server = self._servers.pop(name)

            async def stop() -> None:
                server.close()

            self._run(stop())

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(REQUEST_TIMEOUT_S)

    async def _connection(self, name: str, reader: StreamReader, writer: StreamWriter) -> None:
        if self._open[name] >= CONNECTIONS_MAX:
            writer.transport.abort()
            return
        self._open[name] += 1
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._answer(name, writer.get_extra_info("peername")[0], head))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            self._open[name] -= 1
            self._open += Counter()  # forgets networks without connections

    async def _answer(self, name: str, ip: str, head: bytes) -> bytes:
        method, _, rest = head.decode("latin-1").partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if method not in ("GET", "HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED)
        try:
            guest = await asyncio.to_thread(self._lookup, name, ip)
        except Exception:  # the caller's code: whatever it raises, the guest is told to ask again
            log.exception("The guest %s of %s could not be looked up", ip, name)
            return _response(HTTPStatus.SERVICE_UNAVAILABLE)
        body = document(path, guest) if guest is not None else None
        if body is None:
            return _response(HTTPStatus.NOT_FOUND)
        kind = "application/json" if path.endswith(".json") else "text/plain; charset=utf-8"
        return _response(HTTPStatus.OK, body, kind, head_only=method == "HEAD")


def document(path: str, guest: Guest) -> bytes | None:
    """The document at ``path`` for a guest; None where there is none.

    A directory lists its entries, those of EC2's with a slash behind directories.
    """
    node: Any = guest_documents.service(guest)
    parts = [part for part in path.split("/") if part]
    for part in parts:
        node = node.get(part) if isinstance(node, dict) else None
    if isinstance(node, dict):
        return "\n".join(_entries(parts, node)).encode()
    return node.encode() if isinstance(node, str) else node


def _entries(parts: Sequence[str], node: Mapping[str, Any]) -> list[str]:
    if not parts:
        return list(node)
    if parts == ["openstack"]:
        return [name for name in node if name != "content"]
    if parts[-1] == "public-keys":
        return [f"{number}=key-{number}" for number in node]
    return [f"{name}/" if isinstance(child, dict) else name for name, child in node.items()]


async def _end_tasks() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()


def _listen() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((str(METADATA), PORT))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _response(
    status: HTTPStatus, body: bytes = b"", kind: str = "text/plain; charset=utf-8", *, head_only: bool = False
) -> bytes:
    if status is not HTTPStatus.OK:
        body = f"{status.value} {status.phrase}\n".encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if head_only else body)
