"""A network of a test's own: its thread moves into a fresh namespace, which stands for the host's."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
from collections.abc import Iterator

import pytest

from synnefo.cyclades.backends.local.netns import CLONE_NEWNET
from tests.cloud import run

TOOLS = ("ip", "nft", "dnsmasq", "busybox")
_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def own_network() -> Iterator[None]:
    """What is done to "the host" (forwarding, routes, rules) is done to nobody else's meanwhile."""
    if os.geteuid() != 0 or any(shutil.which(tool) is None for tool in TOOLS):
        pytest.skip("needs root, iproute2, nftables, dnsmasq-base, busybox")
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if _libc.unshare(CLONE_NEWNET) != 0:
        pytest.skip("needs the right to make network namespaces")
    try:
        run("ip", "link", "set", "lo", "up")
        yield
    finally:
        assert _libc.setns(home, CLONE_NEWNET) == 0
        os.close(home)
