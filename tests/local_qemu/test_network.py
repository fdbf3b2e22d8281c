"""A guest on a real network: what comes to it is measured."""

from __future__ import annotations

import datetime
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import (
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
from tests.contract.kit import wait_until
from tests.own_network import own_network

from . import guests
from .conftest import PATIENCE_S, finish

pytestmark = pytest.mark.host


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    tag = f"m{os.getpid() % 100000:05}"
    with own_network():
        fabric = NamespaceFabric(tag, tmp_path)
        assert fabric.available() is None
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


def test_what_comes_to_a_guest_is_counted(backend: LocalBackend, followed: None, tmp_path: Path) -> None:
    nic = Nic("snf-nic-1", "snf-net-1", "aa:00:00:12:34:01", "10.7.0.9")
    lease = Lease(nic.mac, "10.7.0.9", "guest")
    backend.apply_network(NetworkSpec(nic.network, 1, "10.7.0.0/24", "10.7.0.1", leases=[lease]), Fence(1, 1))
    root = VolumeSpec("guest-root", 1, guests.image(tmp_path, guests.DEAF))
    setup = GuestSetup(hostname="guest", instance_id="i-1")
    began = datetime.datetime.now(datetime.UTC)
    finish(backend, backend.create(InstanceSpec("guest", 1, 64, [nic], setup, [root]), Fence(1, 1)))

    def counted() -> bool:
        """The gateway asks for the guest's hardware, which nobody answers."""
        inside = ["ip", "netns", "exec", str(backend.fabric.namespace(nic.network))]
        subprocess.run([*inside, "ping", "-c", "1", "-W", "1", "10.7.0.9"], check=False, timeout=30)
        last = backend.samples("guest", began)[-1:]
        return bool(last) and last[0].rx_bytes >= 42 and last[0].read_bytes >= 512

    wait_until(counted, 2 * PATIENCE_S, "traffic in the samples")
