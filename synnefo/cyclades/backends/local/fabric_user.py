"""The network of the local engine on machines without the rights for a real one: QEMU's own.

Every NIC is alone behind its QEMU, which gives it its address by DHCP, DNS and a way out. Nothing is
made on the host, so there is nothing to rebuild or to tear down. What cannot be had this way is said
by ``describe``; nothing is pretended.
"""

from __future__ import annotations

import socket
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from synnefo.cyclades.backends.base import BackendError, BackendUnavailable, NetworkSpec, Nic, RouterSpec
from synnefo.cyclades.backends.local import wishes
from synnefo.cyclades.backends.local.addresses import AddressPlan
from synnefo.cyclades.backends.local.records import Record, Records

#: Ports of a floating address (below 1024 needs rights) and the guest's ports that they lead to.
FORWARDED = {2222: 22, 8080: 80, 8443: 443}


class UserFabric:
    """QEMU user networking, with the calls of ``fabric.Fabric``.

    ``floating`` must be a loopback range, which needs no set-up: a floating address is an address of
    this host, of which the ports in ``FORWARDED`` lead to the guest from its next start on.
    """

    def __init__(self, tag: str, state_dir: Path, floating: str = "127.18.0.0/24") -> None:
        wishes.check_tag(tag)
        self._plan = AddressPlan(IPv4Network("198.19.0.0/16"), IPv4Network(floating))
        if not self._plan.floating.is_loopback:
            raise BackendError(f"Without rights floating addresses are loopback addresses, not {floating}")
        self._records = Records(state_dir / "networks", NetworkSpec)
        self._routers = Records(state_dir / "routers", RouterSpec)

    def available(self) -> str | None:
        return None

    def describe(self) -> str:
        ports = ", ".join(f"{outer} for {inner}" for outer, inner in FORWARDED.items())
        return (
            "QEMU user networking: every guest has its address, DNS and a way out, but guests of one network "
            "do not reach each other, routers join no networks, there are no filters (security groups, "
            "firewall profiles), of several subnets only the first one of IPv4 is there, and there is no "
            "metadata service. Floating addresses are addresses of this host "
            f"({self._plan.floating}) with the ports {ports}, in force when the server starts"
        )

    def ensure(self) -> None:
        """Nothing to make."""

    def apply(self, spec: NetworkSpec) -> None:
        wishes.check_network(spec, self._plan)
        with self._records.lock(spec.name):
            self._records.adopt(spec)

    def remove(self, name: str) -> None:
        with self._records.lock(name):
            self._records.forget(name)

    def networks(self) -> list[str]:
        return self._records.names()

    def apply_router(self, spec: RouterSpec) -> None:
        """Its floating addresses and its way out are in force when a server starts; it joins no networks."""
        wishes.check_router(spec, self._plan)
        if missing := {name for name, _ in spec.interfaces} - set(self.networks()):
            raise BackendUnavailable(f"{spec.name}: the network {min(missing)} is not there yet")
        with self._routers.lock(spec.name):
            self._routers.adopt(spec)

    def remove_router(self, name: str) -> None:
        with self._routers.lock(name):
            self._routers.forget(name)

    def routers(self) -> list[str]:
        return self._routers.names()

    def namespace(self, name: str) -> str | None:
        return None

    def plug(self, nic: Nic) -> list[str]:
        wishes.check_nic(nic)
        record = self._records.get(nic.network)
        if record is None:
            raise BackendError(f"{nic.name}: the network {nic.network} is not there")
        spec = record.spec
        if spec.cidr is None or nic.ip is None:
            # A card without a cable, on a hub of its own: user networking has no bare wire to offer.
            return ["-netdev", f"hubport,id={nic.name},hubid={zlib.crc32(nic.name.encode()) >> 1}"]
        options = ["user", f"id={nic.name}", f"net={spec.cidr}", f"dhcpstart={nic.ip}"]
        if spec.public:
            # Guests cannot have loopback addresses: they get one of QEMU's own, with the same ports.
            options = ["user", f"id={nic.name}"]
            options += (f"hostfwd=tcp:{nic.ip}:{port}-:{inner}" for port, inner in _free_ports(nic.ip))
            return ["-netdev", ",".join(options)]
        host, dns = _helpers(IPv4Network(spec.cidr), spec.gateway, nic.ip)
        routers = [each.spec for each in self._routers.all() if _serves(each, spec.name)]
        open_ = any(each.up and each.external for each in routers) if spec.routed else bool(spec.gateway)
        options += [f"host={host}", f"dns={dns}", f"restrict={'off' if open_ else 'on'}"]
        floating = [spec.floating, *(each.floating for each in routers)]
        for outer, port, inner in _forwards(floating, nic.ip):
            options.append(f"hostfwd=tcp:{outer}:{port}-{nic.ip}:{inner}")
        return ["-netdev", ",".join(options)]

    @contextmanager
    def cable(self, nic: Nic) -> Iterator[tuple[str, int | None]]:
        yield self.plug(nic)[1], None

    def unplug(self, nic_name: str) -> None:
        """Nothing to take away: the NIC ends with its QEMU."""

    def wrap(self, argv: Sequence[str]) -> list[str]:
        return list(argv)

    def restore(self) -> None:
        """Nothing to rebuild."""

    def teardown(self) -> None:
        """Nothing to take away."""


def _helpers(cidr: IPv4Network, gateway: str | None, ip: str) -> tuple[IPv4Address, IPv4Address]:
    """Two addresses for QEMU itself, router and DNS, that are not the guest's."""
    taken = {IPv4Address(ip)} | ({IPv4Address(gateway)} if gateway else set())
    downwards = (cidr[number] for number in range(-2, -cidr.num_addresses, -1))
    free = (each for each in downwards if each not in taken)
    return (IPv4Address(gateway) if gateway else next(free)), next(free)


def _serves(record: Record[RouterSpec], network: str) -> bool:
    return network in {name for name, _ in record.spec.interfaces}


def _forwards(floating: Iterable[Mapping[str, str]], ip: str) -> Iterator[tuple[str, int, int]]:
    """Floating address, port and guest's port."""
    for outer in sorted(address for each in floating for address, inner in each.items() if inner == ip):
        for port, inner in _free_ports(outer):
            yield outer, port, inner


def _free_ports(outer: str) -> Iterator[tuple[int, int]]:
    """Port and guest's port; one that is in use is left out, or QEMU would not start."""
    for port, inner in FORWARDED.items():
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((outer, port))
            except OSError:
                continue
        yield port, inner
