"""What tempest's tests of images need around them: a dispatcher, and a mirror that images come from."""

from __future__ import annotations

import contextlib
import functools
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from bench.common import free_place
from tests.cloud import ROOT, wait_until

_START_TIMEOUT_S = 60.0
#: Read by all processes of the cloud.
ENVIRONMENT = {"CYCLADES_IMAGE_IMPORT_NETWORKS": '["127.0.0.0/8"]'}


@contextlib.contextmanager
def surroundings(place: Path) -> Iterator[str]:
    """Runs both and yields what tempest must know.

    Tempest fills its first six images with random bytes, and calls them by the first formats that it was
    told; such bytes are raw disks and nothing else.
    """
    folder = place / "mirror"
    folder.mkdir()
    disk = folder / "disk.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(disk), "16M"], check=True, timeout=60)
    with _dispatcher(place / "dispatcher.log"), _mirror(folder) as url:
        yield f"""
[service_available]
glance = true
[image]
http_image = {url}/disk.qcow2
http_qcow2_image = {url}/disk.qcow2
container_formats = bare
disk_formats = {"raw, " * 6} qcow2, vmdk, iso
build_timeout = 60
[image-feature-enabled]
import_image = true
image_format_enforcement = false
"""


@contextlib.contextmanager
def _dispatcher(log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        command = [sys.executable, "-m", "synnefo.webproject.dispatcher"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    try:
        wait_until("the dispatcher", lambda: b"dispatcher ready" in log.read_bytes(), _START_TIMEOUT_S)
        yield
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def _mirror(folder: Path) -> Iterator[str]:
    host, _, port = free_place().partition(":")
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer((host, int(port)), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass
