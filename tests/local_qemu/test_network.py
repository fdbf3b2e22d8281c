"""A Linux on a real network: it asks the metadata service, and what it sends and receives is measured."""

from __future__ import annotations

import datetime
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import (
    DiskImage,
    Fence,
    GuestSetup,
    InstanceSpec,
    Lease,
    NetworkSpec,
    Nic,
    VolumeSpec,
)
from synnefo.cyclades.backends.local import LocalBackend
from synnefo.cyclades.backends.local.fabric import NamespaceFabric
from tests.cloud import tiny_disk
from tests.contract.kit import wait_until

from .conftest import PATIENCE_S, finish

pytestmark = pytest.mark.host

BOOT_S = 300
ASK = b"""#!/bin/sh
{
echo "TOLD $(wget -q -O - http://169.254.169.254/openstack/latest/meta_data.json | tr ',' '\\n' | grep uuid)"
echo "TOLD $(wget -q -O - http://169.254.169.254/latest/meta-data/local-ipv4)"
} > /dev/ttyS0
"""


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    tag = f"m{os.getpid() % 100000:05}"
    fabric = NamespaceFabric(tag, tmp_path, transit="198.19.241.0/24", floating="198.18.241.0/24")
    if obstacle := fabric.available():
        pytest.skip(obstacle)
    backend = LocalBackend(tmp_path, tag, fabric=fabric, accelerator="tcg")
    backend.ensure()
    yield backend
    for state in backend.instances():
        backend.delete(state.name, Fence(10**6, 1))
    fabric.teardown()


@pytest.fixture
def followed(backend: LocalBackend) -> Iterator[None]:
    """Somebody follows, who serves metadata and measures."""
    ending = threading.Event()
    thread = threading.Thread(target=backend.follow, args=(lambda event: None, ending.is_set))
    thread.start()
    yield
    ending.set()
    thread.join(PATIENCE_S)


def test_a_linux_learns_who_it_is_and_its_traffic_is_counted(backend: LocalBackend, followed: None) -> None:
    nic = Nic("snf-nic-1", "snf-net-1", "aa:00:00:12:34:01", "10.7.0.9")
    lease = Lease(nic.mac, "10.7.0.9", "linux")
    backend.apply_network(NetworkSpec(nic.network, 1, "10.7.0.0/24", "10.7.0.1", leases=[lease]), Fence(1, 1))
    setup = GuestSetup(hostname="linux", instance_id="i-linux", user_data=ASK)
    root = VolumeSpec("linux-root", 1, DiskImage(tiny_disk(), "qcow2"))
    began = datetime.datetime.now(datetime.UTC)
    spec = InstanceSpec("linux", 1, 128, [nic], setup, [root])
    finish(backend, backend.create(spec, Fence(1, 1)))
    for words in (b'"uuid": "i-linux"', b"TOLD 10.7.0.9"):
        shown = lambda words=words: words in backend.console_log("linux", 65536)  # noqa: E731
        wait_until(shown, BOOT_S, f"{words!r} on the console")

    def counted() -> bool:
        last = backend.samples("linux", began)[-1:]
        return bool(last) and min(last[0].rx_bytes, last[0].tx_bytes, last[0].read_bytes) > 300

    wait_until(counted, 2 * PATIENCE_S, "traffic in the samples")
