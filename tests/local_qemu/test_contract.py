"""The contract of backends on the local engine, over both networks."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from qemu.qmp import ExecuteError, QMPClient

from synnefo.cyclades.backends.base import (
    DiskImage,
    Fence,
    GuestSetup,
    InstanceSpec,
    NetworkSpec,
    Nic,
    Power,
    VolumeSpec,
)
from synnefo.cyclades.backends.local import LocalBackend, cards, layout, qmp, slots
from synnefo.cyclades.backends.local.fabric import Fabric, NamespaceFabric
from synnefo.cyclades.backends.local.fabric_user import UserFabric
from synnefo.cyclades.backends.local.records import Records
from tests.cloud import tiny_disk
from tests.contract.disks_suite import MachineContract, VolumeContract
from tests.contract.kit import MakeSpec, wait_until
from tests.contract.routers_suite import RouterContract
from tests.contract.suite import ScreenContract
from tests.own_network import own_network

from . import guests

pytestmark = pytest.mark.host


class LocalContract(ScreenContract):
    patience_s: ClassVar[float] = 60

    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """These guests never let go of a card, however long they are waited for."""
        monkeypatch.setattr(cards, "_LET_GO_S", 0.5)

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return tmp_path_factory.mktemp("engine")

    @pytest.fixture(scope="class")
    @classmethod
    def fabric(cls, place: Path) -> Iterator[Fabric]:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, place: Path, fabric: Fabric) -> LocalBackend:
        backend = LocalBackend(place, "ctst", fabric=fabric, accelerator="tcg")
        backend.ensure()
        return backend

    @pytest.fixture
    def reopen(self, place: Path, fabric: Fabric) -> Callable[[], LocalBackend]:
        return lambda: LocalBackend(place, "ctst", fabric=fabric, accelerator="tcg")

    @pytest.fixture
    def neighbour(self, place: Path, fabric: Fabric) -> LocalBackend:
        return LocalBackend(place / "other", "otst", fabric=fabric, accelerator="tcg")

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
    def revision_of(self, place: Path) -> Callable[[str], int]:
        def revision(name: str) -> int:
            record = Records(place / "networks", NetworkSpec).get(name)
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


def in_machine(home: layout.Home, prefix: str) -> set[str]:
    """The devices of a running machine whose ids begin so, without that."""
    found: Any = qmp.converse(home.qmp, lambda client: slots.devices(client), "looking")
    return {name.removeprefix(prefix) for name in found if name.startswith(prefix)}


class TestUserNetworking(LocalContract, VolumeContract, MachineContract, RouterContract):
    """Also what an engine does with its disks, which is the same on both networks."""

    @pytest.fixture
    def disks_of(self, backend: LocalBackend) -> Callable[[str], set[str]]:
        def look(name: str) -> set[str]:
            home = layout.Home(backend.root / name)
            spec = home.spec()
            assert spec is not None
            kept = {volume.name for volume in spec.volumes}
            if backend.instance(name).power is Power.ON:
                assert in_machine(home, "disk-") - {"seed", "config", "rescue"} == kept
            return kept

        return look

    @pytest.fixture
    def content_of(self, place: Path) -> Callable[[str], bytes]:
        def read(name: str) -> bytes:
            command = ["qemu-io", "-U", "-r", "-f", "qcow2", "-c", "read -v 0 512"]
            shown = subprocess.run(
                [*command, place / "volumes" / name / "disk.qcow2"], capture_output=True, check=True
            )
            rows = re.findall(rb"^[0-9a-f]{8}:  ((?:[0-9a-f]{2} )+)", shown.stdout, re.MULTILINE)
            return bytes.fromhex(b"".join(rows).decode())

        return read

    @pytest.fixture
    def size_of(self, backend: LocalBackend) -> Callable[[str], tuple[int, int]]:
        def look(name: str) -> tuple[int, int]:
            spec = layout.Home(backend.root / name).spec()
            assert spec is not None
            return spec.vcpus, spec.ram_mib

        return look

    @pytest.fixture
    def attentive(self, backend: LocalBackend, spec: InstanceSpec) -> str:
        """A Linux, which is up."""
        root = VolumeSpec(f"{spec.name}-root", 1, DiskImage(tiny_disk(), "qcow2"))
        self.finish(backend, backend.create(dataclasses.replace(spec, volumes=[root]), Fence(10, 1)))
        up = lambda: b"ready" in backend.console_log(spec.name, 4096)  # noqa: E731
        wait_until(up, 4 * self.patience_s, "the guest's start")
        return spec.name

    @pytest.fixture(scope="class")
    @classmethod
    def fabric(cls, place: Path) -> Fabric:
        return UserFabric("ctst", place)


class TestNamespaces(LocalContract, RouterContract):
    @pytest.fixture(scope="class")
    @classmethod
    def fabric(cls, place: Path) -> Iterator[Fabric]:
        with own_network():
            fabric = NamespaceFabric(f"c{os.getpid() % 100000:05}", place)
            assert fabric.available() is None
            yield fabric
            fabric.teardown()
