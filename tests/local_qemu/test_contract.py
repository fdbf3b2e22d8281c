"""The contract of backends on the local engine, over both networks."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from qemu.qmp import ExecuteError, QMPClient

from synnefo.cyclades.backends.base import DiskImage, GuestSetup, InstanceSpec, Nic, VolumeSpec
from synnefo.cyclades.backends.local import LocalBackend, layout, qmp
from synnefo.cyclades.backends.local.fabric import Fabric, NamespaceFabric
from synnefo.cyclades.backends.local.fabric_user import UserFabric
from synnefo.cyclades.backends.local.records import Records
from tests.contract.kit import MakeSpec
from tests.contract.suite import ScreenContract

from . import guests

pytestmark = pytest.mark.host


class LocalContract(ScreenContract):
    patience_s: ClassVar[float] = 60

    @pytest.fixture
    def fabric(self, tmp_path: Path) -> Iterator[Fabric]:
        raise NotImplementedError

    @pytest.fixture
    def backend(self, tmp_path: Path, fabric: Fabric) -> LocalBackend:
        backend = LocalBackend(tmp_path, "ctst", fabric=fabric, accelerator="tcg")
        backend.ensure()
        return backend

    @pytest.fixture
    def reopen(self, tmp_path: Path, fabric: Fabric) -> Callable[[], LocalBackend]:
        return lambda: LocalBackend(tmp_path, "ctst", fabric=fabric, accelerator="tcg")

    @pytest.fixture
    def neighbour(self, tmp_path: Path, fabric: Fabric) -> LocalBackend:
        return LocalBackend(tmp_path / "other", "otst", fabric=fabric, accelerator="tcg")

    @pytest.fixture
    def image(self, tmp_path: Path) -> DiskImage:
        return guests.image(tmp_path, guests.POLITE)

    @pytest.fixture
    def make_spec(self, image: DiskImage) -> MakeSpec:
        def make(name: str, nics: Sequence[Nic] = ()) -> InstanceSpec:
            # NICs become network interfaces, whose names have 15 letters at most.
            short = [dataclasses.replace(nic, name=f"snf-{hash(nic.name) % 10**9}") for nic in nics]
            root = VolumeSpec(f"{name}-root", 1, image)
            return InstanceSpec(name, 1, 128, short, GuestSetup(hostname=name, instance_id=name), [root])

        return make

    @pytest.fixture
    def revision_of(self, tmp_path: Path) -> Callable[[str], int]:
        def revision(name: str) -> int:
            record = Records(tmp_path / "networks").get(name)
            assert record is not None
            return record.spec.revision

        return revision

    @pytest.fixture
    def cards_of(self, backend: LocalBackend) -> Callable[[str], set[str]]:
        def look(name: str) -> set[str]:
            home = layout.Home(backend.root / name)
            plugged = qmp.converse(home.qmp, _cards, "looking")
            spec = home.spec()
            assert spec is not None
            assert plugged == {nic.name for nic in spec.nics}
            return plugged

        return look


async def _cards(client: QMPClient) -> set[str]:
    """Cards with a cable: a guest that answers nobody keeps the bare card, which QEMU lists on."""
    said: Any = await client.execute("human-monitor-command", {"command-line": "info network"})
    found = set()
    for line in said.splitlines():
        if line.startswith(" \\ "):
            name = line[3:].split(":")[0]
            with contextlib.suppress(ExecuteError):
                await client.execute("set_link", {"name": name, "up": True})
                found.add(name)
    return found


class TestUserNetworking(LocalContract):
    @pytest.fixture
    def fabric(self, tmp_path: Path) -> Fabric:
        return UserFabric("ctst", tmp_path)


class TestNamespaces(LocalContract):
    @pytest.fixture
    def fabric(self, tmp_path: Path) -> Iterator[Fabric]:
        tag = f"c{os.getpid() % 100000:05}"
        fabric = NamespaceFabric(tag, tmp_path, transit="198.19.240.0/24", floating="198.18.240.0/24")
        if obstacle := fabric.available():
            pytest.skip(obstacle)
        yield fabric
        fabric.teardown()
