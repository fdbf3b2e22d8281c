"""Networking without rights, with a real QEMU: it takes the arguments, and forwards what is promised."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import BackendError, NetworkSpec, Nic
from synnefo.cyclades.backends.local.fabric_user import UserFabric

from .machines import run

NET = NetworkSpec("snf-net-1", 1, "10.0.0.0/24", "10.0.0.1", floating={"127.18.0.5": "10.0.0.254"})
NIC = Nic("snf-nic-1", "snf-net-1", "aa:00:00:00:00:01", "10.0.0.254")


@pytest.fixture
def fabric(tmp_path: Path) -> UserFabric:
    fabric = UserFabric("abcd", tmp_path)
    assert fabric.available() is None
    fabric.ensure()
    return fabric


@pytest.fixture
def qemu(host: str, fabric: UserFabric) -> Callable[..., str]:
    """What QEMU says of its network when started with these NICs."""
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("needs qemu-system-x86")

    def start(*nics: Nic) -> str:
        netdevs = [argument for nic in nics for argument in fabric.plug(nic)]
        argv = fabric.wrap(["qemu-system-x86_64", "-machine", "none", "-nodefaults", "-display", "none",
                            "-monitor", "stdio", *netdevs])  # fmt: skip
        return run(*argv, stdin="info network\ninfo usernet\nquit\n").stdout

    return start


def test_a_nic_has_its_network(fabric: UserFabric, qemu: Callable[..., str]) -> None:
    fabric.apply(replace(NET, floating={}))
    told = qemu(NIC)
    assert "snf-nic-1: index=0,type=user,net=10.0.0.0,restrict=off" in told
    assert "HOST_FORWARD" not in told


def test_a_floating_address_is_a_loopback_address_with_forwarded_ports(
    fabric: UserFabric, qemu: Callable[..., str]
) -> None:
    fabric.apply(NET)
    forwards = [line.split() for line in qemu(NIC).splitlines() if "HOST_FORWARD" in line]
    seen = {(line[2], line[3], line[4], line[5]) for line in forwards}
    assert seen == {
        ("127.18.0.5", "2222", "10.0.0.254", "22"),
        ("127.18.0.5", "8080", "10.0.0.254", "80"),
        ("127.18.0.5", "8443", "10.0.0.254", "443"),
    }


def test_a_port_in_use_does_not_keep_the_server_from_starting(
    fabric: UserFabric, qemu: Callable[..., str]
) -> None:
    fabric.apply(NET)
    with socket.create_server(("127.18.0.5", 2222)):
        told = qemu(NIC)
    assert "8080" in told
    assert "2222" not in told


def test_a_network_without_gateway_has_no_way_out(fabric: UserFabric, qemu: Callable[..., str]) -> None:
    fabric.apply(replace(NET, gateway=None, floating={}))
    assert "restrict=on" in qemu(NIC)


def test_a_network_without_range_gives_a_card_without_a_cable(
    fabric: UserFabric, qemu: Callable[..., str]
) -> None:
    fabric.apply(NetworkSpec("wire", 1))
    told = qemu(Nic("snf-nic-1", "wire", NIC.mac), Nic("snf-nic-2", "wire", NIC.mac))
    hubs = [line for line in told.splitlines() if line.startswith("hub ")]
    assert len(hubs) == 2


def test_an_older_revision_is_ignored_and_removal_forgets(fabric: UserFabric) -> None:
    fabric.apply(replace(NET, revision=5))
    fabric.apply(replace(NET, revision=4, cidr="10.9.0.0/24", gateway="10.9.0.1", floating={}))
    assert "net=10.0.0.0/24" in fabric.plug(NIC)[1]
    assert fabric.networks() == ["snf-net-1"]
    fabric.remove("snf-net-1")
    assert fabric.networks() == []
    with pytest.raises(BackendError, match="is not there"):
        fabric.plug(NIC)


def test_floating_addresses_must_need_no_set_up(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="loopback"):
        UserFabric("abcd", tmp_path, floating="198.18.0.0/24")
    assert "do not reach each other" in UserFabric("abcd", tmp_path).describe()
