"""The network of the local engine, made of network namespaces.

Owns the host's side (one veth, one nftables table, one DNS forwarder), the fabric namespace (bridges,
taps, QEMU) and which networks and routers exist. What is inside their namespaces is ``tenant``'s and
``router``'s, who is plugged in and what may pass is ``ports``', how the host's own wires are reached is
``lan``'s. It knows no instances and no database.

Names on the host, for the tag ``abcd``: namespaces ``syn-abcd-fab``, ``syn-abcd-<network>`` and
``syn-abcd-rt.<router>``, the veth ``synabcd``, the table ``ip synnefo_abcd``, the directory
``/run/synnefo-abcd``. Besides these it sets ``net.ipv4.ip_forward``, and leaves it set: others may have
come to rely on it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Protocol

from synnefo.cyclades.backends.base import BackendError, BackendUnavailable, NetworkSpec, Nic, RouterSpec
from synnefo.cyclades.backends.local import dnsmasq, lan, nft, nft_routers, wishes
from synnefo.cyclades.backends.local import netns as namespaces
from synnefo.cyclades.backends.local.addresses import AddressPlan, PublicRange
from synnefo.cyclades.backends.local.nft_cards import Change
from synnefo.cyclades.backends.local.ports import Ports
from synnefo.cyclades.backends.local.records import Record, Records, locked
from synnefo.cyclades.backends.local.router import RouterNamespace
from synnefo.cyclades.backends.local.tenant import (
    PUBLIC_BRIDGE,
    ROUTED_KIND,
    TenantNamespace,
    bridge_of,
    hardware,
    readdress,
)

_TOOLS = {"ip": "iproute2", "nft": "nftables", "dnsmasq": "dnsmasq-base", "nsenter": "util-linux"}
_CAP_NET_ADMIN, _CAP_SYS_ADMIN = 12, 21
#: From linux/if_tun.h: name an open file's interface; a tap without packet information, with offloads.
_TUNSETIFF, _TAP = 0x400454CA, 0x0002 | 0x1000 | 0x4000
_BRIDGE = "type bridge stp_state 0 mcast_snooping 0"
_BRIDGED = "net/bridge/bridge-nf-call-"
# Bridged packets pass the IP layer's connection tracking, for the sake of cards' filters (``nft_cards``).
_FABRIC_SYSCTL = {
    "net/ipv6/conf/all/disable_ipv6": "1",
    "net/ipv6/conf/default/disable_ipv6": "1",
    f"{_BRIDGED}arptables": "0",
    f"{_BRIDGED}ip6tables": "1",
    f"{_BRIDGED}iptables": "1",
}


class Fabric(Protocol):
    """What the engine needs of a network; ``NamespaceFabric`` and ``UserFabric`` are the two.

    All calls may be repeated. Errors: BackendError (final), BackendUnavailable (try again).
    """

    def available(self) -> str | None:
        """Why this kind cannot be used on this machine, or None."""

    def describe(self) -> str:
        """A sentence for the operator: what this network does, and what it cannot do here."""

    def ensure(self) -> None:
        """Make the host's side ready."""

    def apply(self, spec: NetworkSpec) -> None:
        """Make the network be as ``spec`` says; an older revision than the one that stands is ignored."""

    def remove(self, name: str) -> None:
        """Take the network away; absent is success, BackendError while NICs are plugged into it."""

    def networks(self) -> list[str]:
        """The names of the networks that exist."""

    def apply_router(self, spec: RouterSpec) -> None:
        """As ``apply``, for a router, whose networks must be there."""

    def remove_router(self, name: str) -> None:
        """Take the router away; absent is success."""

    def routers(self) -> list[str]:
        """The names of the routers that exist."""

    def namespace(self, name: str) -> str | None:
        """The namespace of a network, where the metadata service listens; None where it has none."""

    def plug(self, nic: Nic) -> list[str]:
        """Connect a NIC to its network; returns QEMU's ``-netdev`` arguments, the id being its name."""

    def cable(self, nic: Nic) -> AbstractContextManager[tuple[str, int | None]]:
        """Connect a NIC of a QEMU that runs: the netdev's text, and the open tap (None: there is none)."""

    def unplug(self, nic_name: str) -> None:
        """Disconnect a NIC; absent is success."""

    def wrap(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs QEMU where its NICs are."""

    def restore(self) -> None:
        """Rebuild everything that was applied, after a reboot of the host."""

    def teardown(self) -> None:
        """Remove everything from the running host; what was applied is remembered for ``restore``."""


class NamespaceFabric:
    """The real network; needs root. See ``Fabric`` for the calls.

    ``tag`` names the installation, ``state_dir`` keeps the networks' specifications. ``transit`` and
    ``floating`` are ranges that nothing else on the host may use. ``public`` are further ranges for guests
    (``addresses.PublicRange``). ``bridges`` are patterns of names: networks whose ``link`` is a bridge of
    this host of such a name are joined with it.
    """

    def __init__(
        self,
        tag: str,
        state_dir: Path,
        transit: str = "198.19.0.0/16",
        floating: str = "198.18.0.0/24",
        resolv_conf: Path = Path("/etc/resolv.conf"),
        public: Sequence[str] = (),
        bridges: Sequence[str] = (),
    ) -> None:
        wishes.check_tag(tag)
        further = tuple(PublicRange.read(each) for each in public)
        self._plan = AddressPlan(IPv4Network(transit), IPv4Network(floating), further)
        self._bridges = tuple(bridges)
        self._records = Records(state_dir / "networks", NetworkSpec)
        self._routers = Records(state_dir / "routers", RouterSpec)
        self._resolv_conf = resolv_conf
        self._run_dir = Path(f"/run/synnefo-{tag}")
        self._prefix = f"syn-{tag}-"
        self._fabric = f"{self._prefix}fab"
        self._veth = f"syn{tag}"
        self._table = f"synnefo_{tag}"
        self._forwarder = dnsmasq.Dnsmasq(self._run_dir / "host", None)
        self._ports = Ports(self._run_dir / "nics.json", self._fabric)
        self._wires = lan.Wires(self._plan, tag, self._fabric)

    # -- can it be? -----------------------------------------------------------------------------
    def available(self) -> str | None:
        lacking = sorted(package for tool, package in _TOOLS.items() if shutil.which(tool) is None)
        if lacking:
            return f"Missing tools: apt-get install {' '.join(lacking)}"
        if not _may_administer():
            return "Network namespaces need root"
        if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
            return "/dev/net/tun cannot be opened"
        return self._collision() or self._probe()

    def describe(self) -> str:
        text = (
            f"Tenant networks in namespaces of their own ({self._prefix}*), floating addresses in "
            f"{', '.join(str(each.cidr) for each in self._plan.public)}, reachable from this host"
        )
        if drops := nft.foreign_drops(self._table):
            text += (
                f". Another rule set drops forwarded packets by default ({', '.join(drops)}): guests have no "
                f"way out until it accepts what comes from and goes to the interface {self._veth}"
            )
        return text

    def _collision(self) -> str | None:
        for route in namespaces.routes():
            if route["dst"] == "default" or route.get("dev") == self._veth:
                continue
            taken = IPv4Network(route["dst"])
            for mine in (self._plan.transit, *(each.cidr for each in self._plan.public if not each.lan)):
                if taken.overlaps(mine) and taken.prefixlen >= 8:
                    return (
                        f"The range {mine} is in use on this host: {taken} on {route.get('dev', 'no link')}"
                    )
        return None

    def _probe(self) -> str | None:
        """Build one of each thing in a namespace: containers and small kernels lack some of them."""
        probe = f"{self._prefix}probe-{os.getpid()}"
        try:
            namespaces.add(probe)
            pieces = [
                f"link add br0 {_BRIDGE}",
                "link add v type veth peer name w",
                "tuntap add dev t mode tap",
            ]
            namespaces.ip_batch(pieces, probe)
            nft.load(Change().text() + nft.network_rules("10.0.0.1", {}), probe)
            nft.load(nft_routers.router_rules(RouterSpec("probe", 1)), probe)
            lan.bring_tracking()
        except BackendError as error:
            return f"This kernel or container does not allow it: {error}"
        finally:
            namespaces.delete(probe)
        return None

    # -- the host's side ------------------------------------------------------------------------
    def ensure(self) -> None:
        with self._locked():
            self._run_dir.chmod(0o755)
            lan.bring_tracking()
            if not namespaces.exists(self._fabric):
                namespaces.add(self._fabric)
                self._ports.reset()
                commands = [f"link add {PUBLIC_BRIDGE} {_BRIDGE}", f"link set {PUBLIC_BRIDGE} up"]
                namespaces.ip_batch(commands, self._fabric)
            # Also in a fabric that an earlier version made, whose guests run on.
            namespaces.sysctl(_FABRIC_SYSCTL, self._fabric)
            self._ensure_host()

    def _ensure_host(self) -> None:
        here = namespaces.links()
        veth = here.get(self._veth)
        if veth is None:
            ends = f"{self._veth} address {hardware(0, self._plan.gateway)} type veth peer name uplink"
            namespaces.ip_batch([f"link add {ends} netns {self._fabric}"])
            namespaces.ip_batch([f"link set uplink master {PUBLIC_BRIDGE} up"], self._fabric)
        conf = f"net/ipv4/conf/{self._veth}"
        namespaces.sysctl({
            f"{conf}/send_redirects": "0", f"{conf}/rp_filter": "1",
            f"net/ipv6/conf/{self._veth}/disable_ipv6": "1", "net/ipv4/ip_forward": "1",
        })  # fmt: skip
        nft.load(nft.host_rules(self._table, self._veth, self._plan))
        wanted = {
            f"{self._plan.gateway}/{self._plan.transit.prefixlen}",
            *(f"{each.gateway}/{each.cidr.prefixlen}" for each in self._plan.public),
        }
        namespaces.ip_batch([f"link set {self._veth} up", *readdress(self._veth, wanted, veth)])
        self._wires.answer()
        self._forwarder.apply(dnsmasq.forwarder(self._plan, self._resolv_conf))

    def _stands(self) -> bool:
        return (
            namespaces.exists(self._fabric)
            and self._veth in (name for _, name in socket.if_nameindex())
            and self._forwarder.pid is not None
        )

    # -- networks -------------------------------------------------------------------------------
    def apply(self, spec: NetworkSpec) -> None:
        wishes.check_network(spec, self._plan)
        with self._records.lock(spec.name):
            if not self._stands():
                self.ensure()
            self._refuse_taken(spec)
            before = self._records.get(spec.name)
            record = self._records.adopt(spec)
            network = self._network(record)
            self._ensure_bridge(network.bridge)
            self._wires.join(record, network.bridge, self._bridges)
            with self._locked():
                self._ports.renew(record, before)
            network.apply(record.spec)

    def remove(self, name: str) -> None:
        with self._records.lock(name):
            if (record := self._records.get(name)) is not None:
                self._refuse_in_use(name)
                network = self._network(record)
                if namespaces.exists(self._fabric):
                    network.remove()
                    self._wires.part(record)
                    with self._locked():
                        self._ports.forget(name)
                    if not record.spec.public:
                        namespaces.delete_links([network.bridge], self._fabric)
            self._records.forget(name)

    def networks(self) -> list[str]:
        return self._records.names()

    def namespace(self, name: str) -> str | None:
        netns = f"{self._prefix}{name}"
        return netns if namespaces.exists(netns) else None

    def _refuse_in_use(self, name: str) -> None:
        with self._locked():
            users = self._ports.users(name)
        if users:
            raise BackendError(f"{name} is in use by {', '.join(users)}")
        if routers := self._routers_of(name):
            raise BackendUnavailable(f"{name} still has the router {', '.join(routers)}")

    def _refuse_taken(self, spec: NetworkSpec | RouterSpec) -> None:
        """What another network or router still has must be let go there first: BackendUnavailable."""
        if isinstance(spec, NetworkSpec) and not spec.routed and (users := self._routers_of(spec.name)):
            raise BackendUnavailable(f"{spec.name} still has the router {', '.join(users)}")
        if not spec.floating:
            return
        held = {record.spec.name: record.spec.floating for record in self._records.all()}
        held |= {record.spec.name: record.spec.floating for record in self._routers.all()}
        for name, floating in held.items():
            if name != spec.name and (both := floating.keys() & spec.floating.keys()):
                raise BackendUnavailable(f"{', '.join(sorted(both))} still leads to {name}")

    def _routers_of(self, network: str) -> list[str]:
        """The routers with a card in a network."""
        routers = [record.spec for record in self._routers.all()]
        return [each.name for each in routers if network in {name for name, _ in each.interfaces}]

    def _network(self, record: Record[NetworkSpec]) -> TenantNamespace:
        name = record.spec.name
        netns, directory = f"{self._prefix}{name}", self._run_dir / f"net-{name}"
        return TenantNamespace(netns, record.index, bridge_of(record), self._fabric, self._plan, directory)

    def _ensure_bridge(self, bridge: str) -> None:
        if bridge not in namespaces.links(self._fabric):
            namespaces.ip_batch([f"link add {bridge} {_BRIDGE}", f"link set {bridge} up"], self._fabric)

    # -- routers --------------------------------------------------------------------------------
    def apply_router(self, spec: RouterSpec) -> None:
        wishes.check_router(spec, self._plan)
        with self._routers.lock(spec.name):
            if not self._stands():
                self.ensure()
            self._refuse_taken(spec)
            self._records_of(spec)
            record = self._routers.adopt(spec)
            self._router(record).apply(record.spec, self._records_of(record.spec))

    def remove_router(self, name: str) -> None:
        with self._routers.lock(name):
            if (record := self._routers.get(name)) is not None:
                self._router(record).remove()
            self._routers.forget(name)

    def routers(self) -> list[str]:
        return self._routers.names()

    def _records_of(self, spec: RouterSpec) -> dict[str, Record[NetworkSpec]]:
        found = {}
        for name in dict.fromkeys(name for name, _ in spec.interfaces):
            record = self._records.get(name)
            if record is None:
                raise BackendUnavailable(f"{spec.name}: the network {name} is not there yet")
            found[name] = record
        return found

    def _router(self, record: Record[RouterSpec]) -> RouterNamespace:
        name = record.spec.name
        netns, directory = f"{self._prefix}rt.{name}", self._run_dir / f"router-{name}"
        return RouterNamespace(netns, record.index, self._fabric, self._plan, directory)

    # -- NICs -----------------------------------------------------------------------------------
    def plug(self, nic: Nic) -> list[str]:
        """As ``Fabric.plug``; a link of the NIC's name that is already in the fabric is taken as its port."""
        wishes.check_nic(nic)
        record = self._records.get(nic.network)
        if record is None or not namespaces.exists(self._fabric):
            raise BackendError(f"{nic.name}: the network {nic.network} is not there")
        with self._locked():
            self._ports.plug(nic, record)
            apart = "on" if record.spec.kind == ROUTED_KIND else "off"
            commands = [
                f"link set {nic.name} master {bridge_of(record)} up",
                f"link set {nic.name} type bridge_slave isolated {apart}",
            ]
            if nic.name not in namespaces.links(self._fabric):
                commands.insert(0, f"tuntap add dev {nic.name} mode tap")
            namespaces.ip_batch(commands, self._fabric)
        return ["-netdev", f"tap,id={nic.name},ifname={nic.name},script=no,downscript=no"]

    @contextmanager
    def cable(self, nic: Nic) -> Iterator[tuple[str, int | None]]:
        """As ``Fabric.cable``; QEMU has given up the rights to open the tap itself."""
        self.plug(nic)
        tap = namespaces.inside(self._fabric, lambda: _open_tap(nic.name))
        try:
            yield f"tap,id={nic.name},fd={nic.name}", tap
        finally:
            os.close(tap)

    def unplug(self, nic_name: str) -> None:
        with self._locked():
            if nic_name in self._ports.plugged() and namespaces.exists(self._fabric):
                namespaces.delete_links([nic_name], self._fabric)
                self._ports.unplug(nic_name)

    def wrap(self, argv: Sequence[str]) -> list[str]:
        return ["nsenter", f"--net={namespaces.path(self._fabric)}", *argv]

    # -- all of it ------------------------------------------------------------------------------
    def restore(self) -> None:
        self.ensure()
        networks, routers = self._records.all(), self._routers.all()
        _all_of([lambda spec=record.spec: self.apply(spec) for record in networks])  # type: ignore[misc]
        _all_of([lambda spec=record.spec: self.apply_router(spec) for record in routers])  # type: ignore[misc]

    def teardown(self) -> None:
        """As ``Fabric.teardown``. Instances should be off: those that run lose their network."""
        with self._locked():
            for directory in (*self._run_dir.glob("net-*"), *self._run_dir.glob("router-*")):
                dnsmasq.Dnsmasq(directory, None).stop()
            self._forwarder.stop()
            self._wires.clear()
            namespaces.delete_links([self._veth])
            nft.delete(f"ip {self._table}")
            for name in namespaces.names(self._prefix):
                namespaces.delete(name)
            shutil.rmtree(self._run_dir)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold what is common to all networks; a network's own lock is taken before, never after."""
        with locked(self._run_dir / "lock"):
            yield


def _all_of(calls: Sequence[Callable[[], None]]) -> None:
    """Make all calls, a few at a time; what failed is raised at the end, so that one spoils no other."""

    def attempt(call: Callable[[], None]) -> str:
        try:
            call()
        except BackendError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(4) as pool:
        if failures := [text for text in pool.map(attempt, calls) if text]:
            raise BackendError("; ".join(failures))


def _open_tap(name: str) -> int:
    """A tap that exists, open; call it in its namespace."""
    handle = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        fcntl.ioctl(handle, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TAP))
    except OSError as error:
        os.close(handle)
        raise BackendError(f"{name}: the tap cannot be opened: {error.strerror}") from error
    return handle


def _may_administer() -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            held = int(line.split()[1], 16)
            return os.geteuid() == 0 and all(held >> bit & 1 for bit in (_CAP_NET_ADMIN, _CAP_SYS_ADMIN))
    return False
