"""Two tenants with one address, as seen from inside their machines: real ones, in QEMU."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import (
    CardFilter,
    DiskImage,
    Fence,
    FilterRule,
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
from tests.images.guest import make_key

from .machines import WORLD, eventually

pytestmark = pytest.mark.host

BOOT_S = 240.0
SSH = FilterRule("ingress", protocol="tcp", port_min=22, port_max=22, remote_cidr="198.18.0.1/32")
OUT = FilterRule("egress")


class Tenant:
    """A network with one machine, 10.0.0.5, that is reached by a floating address."""

    def __init__(self, backend: LocalBackend, key: tuple[Path, str], number: int) -> None:
        self.backend, self.key, self.number = backend, key[0], number
        self.floating = f"198.18.0.3{number}"
        self.mac = f"aa:00:00:00:09:0{number}"
        self.spec = NetworkSpec(
            f"tenant{number}", 1, "10.0.0.0/24", "10.0.0.1",
            leases=[Lease(self.mac, "10.0.0.5", f"machine{number}")],
            floating={self.floating: "10.0.0.5"}, filters=[CardFilter(f"real{number}", [SSH, OUT])],
        )  # fmt: skip
        backend.apply_network(self.spec, Fence(1, 1))
        guest = GuestSetup(hostname=f"machine{number}", instance_id=f"i-{number}", ssh_keys=[key[1]])
        root = VolumeSpec(f"root-{number}", 1, DiskImage(tiny_disk(), "qcow2", f"tiny-{number}"))
        card = Nic(f"real{number}", self.spec.name, self.mac, "10.0.0.5")
        backend.create(InstanceSpec(f"machine{number}", 1, 128, [card], guest, [root]), Fence(1, 1))

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """What a command says inside the machine."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR",
                   "BatchMode=yes", "ConnectTimeout=5", "IdentitiesOnly=yes")  # fmt: skip
        words = [word for option in options for word in ("-o", option)]
        argv = ["ssh", *words, "-i", str(self.key), f"root@{self.floating}", command]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    def change(self, **changed: object) -> None:
        self.spec = replace(self.spec, revision=self.spec.revision + 1, **changed)  # type: ignore[arg-type]
        self.backend.apply_network(self.spec, Fence(self.spec.revision, 1))

    def end(self) -> None:
        self.backend.delete(f"machine{self.number}", Fence(100, 1))
        self.backend.delete_volume(f"root-{self.number}", Fence(100, 1))


@pytest.fixture(scope="module")
def tenants(
    fabric: NamespaceFabric, host: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Tenant, Tenant]]:
    backend = LocalBackend(tmp_path_factory.mktemp("real"), host, fabric=fabric, accelerator="tcg")
    backend.ensure()
    key = make_key(tmp_path_factory.mktemp("key"))
    made = [Tenant(backend, key, number) for number in (1, 2)]
    for each in made:
        assert eventually(lambda each=each: each.run("true").returncode == 0, BOOT_S), each.number  # type: ignore[misc]
    yield made[0], made[1]
    for each in made:
        each.end()


def test_both_have_their_own_machine_behind_one_address(tenants: tuple[Tenant, Tenant]) -> None:
    for each in tenants:
        assert each.run("hostname").stdout.strip() == f"machine{each.number}"
        assert "10.0.0.5/24" in each.run("ip address show dev eth0").stdout
        assert "the world" in each.run(f"wget -q -O - http://{WORLD}/").stdout


def test_a_machine_reaches_the_other_tenants_only_as_its_rules_let(tenants: tuple[Tenant, Tenant]) -> None:
    one, two = tenants
    greeting = f"nc -w 5 {two.floating} 22 < /dev/null"
    assert "SSH" not in one.run(greeting).stdout
    two.change(filters=[CardFilter("real2", [replace(SSH, remote_cidr=""), OUT])])
    assert "SSH" in one.run(greeting).stdout
    assert one.run(f"ping -c 1 -W 2 {two.floating}").returncode != 0


def test_a_machine_that_takes_another_address_is_heard_by_nobody(tenants: tuple[Tenant, Tenant]) -> None:
    one, _ = tenants
    assert one.run("ping -c 1 -W 5 10.0.0.1").returncode == 0
    one.run("ip address add 10.0.0.77/32 dev eth0")
    assert one.run("ping -c 1 -W 2 -I 10.0.0.77 10.0.0.1").returncode != 0
