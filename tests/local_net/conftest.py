"""A host of its own for every module: the tests' thread moves into a fresh network namespace.

What the fabric does to "the host" (forwarding, routes, rules) is then done to that namespace, not to the
machine. Only the names in /run are the machine's, and they carry a random tag.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import Nic
from synnefo.cyclades.backends.local.fabric import NamespaceFabric
from tests.own_network import own_network

from .machines import Guest, World


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """Stand in a fresh network namespace; the value is a random installation tag."""
    with own_network():
        yield secrets.token_hex(3)


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def world(host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(host, tmp_path_factory.mktemp("world"))
    yield world
    world.end()


@pytest.fixture(scope="module")
def fabric(host: str, state_dir: Path, world: World) -> Iterator[NamespaceFabric]:
    fabric = NamespaceFabric(host, state_dir, resolv_conf=world.resolv_conf)
    assert fabric.available() is None
    fabric.ensure()
    yield fabric
    fabric.teardown()


@pytest.fixture
def guest(fabric: NamespaceFabric, host: str, tmp_path: Path) -> Iterator[Callable[..., Guest]]:
    """Makes guests (NIC, network, hardware address, address), which end with the test."""
    made: list[Guest] = []

    def make(nic: str, network: str, mac: str, ip: str | None) -> Guest:
        made.append(Guest(fabric, host, tmp_path, Nic(nic, network, mac, ip)))
        return made[-1]

    yield make
    for each in made:
        each.end()
