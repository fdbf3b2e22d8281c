"""How the fabric is joined with the host's own wires: proxy ARP for public ranges, and shared bridges.

Owns the host's answers for addresses of ranges that belong to a wire it is on, and the cables between a
network's bridge and a bridge of the host. Nothing is joined that the operator's settings do not name.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from synnefo.cyclades.backends.base import BackendError, NetworkSpec
from synnefo.cyclades.backends.local import netns as namespaces
from synnefo.cyclades.backends.local.addresses import AddressPlan, PublicRange, hosts
from synnefo.cyclades.backends.local.records import Record

_BRIDGED = Path("/proc/sys/net/bridge")
#: A range of whose addresses the host answers for every one by an entry of its own.
_ANSWERED_MAX = 1024


def bring_tracking() -> None:
    """Have the kernel's part that lets bridged packets be tracked; BackendError where there is none.

    Where it is brought in, the bridges that the host has by itself stay as they were: not looked at.
    """
    if _BRIDGED.is_dir():
        return
    try:
        namespaces.run("modprobe", "br_netfilter")
    except BackendError as error:
        raise BackendError(f"The kernel's br_netfilter is missing, which filters need: {error}") from error
    namespaces.sysctl(
        {f"net/bridge/bridge-nf-call-{kind}": "0" for kind in ("arptables", "iptables", "ip6tables")}
    )


class Wires:
    """The host's wires, for the installation ``tag`` whose bridges are in ``fabric``."""

    def __init__(self, plan: AddressPlan, tag: str, fabric: str) -> None:
        self._plan = plan
        self._tag = tag
        self._fabric = fabric

    # -- public ranges on a wire ----------------------------------------------------------------
    def answer(self) -> None:
        """Let the host answer ARP for the public ranges that belong to one of its wires, and for no more."""
        for each in self._plan.public:
            if each.lan:
                self._check(each)
                wanted = {str(address) for address in hosts(each.cidr)}
                present = _answered(each.lan)
                commands = [
                    f"neigh add proxy {address} dev {each.lan}" for address in sorted(wanted - present)
                ]
                namespaces.ip_batch(commands)

    def clear(self) -> None:
        """Take all of it away."""
        here = namespaces.links()
        for each in self._plan.public:
            if each.lan in here:
                ours = {str(address) for address in hosts(each.cidr)} & _answered(each.lan)
                namespaces.ip_batch(
                    f"neigh delete proxy {address} dev {each.lan}" for address in sorted(ours)
                )
        namespaces.delete_links(name for name in here if name.startswith(self._cable_prefix()))

    def _check(self, each: PublicRange) -> None:
        if each.lan not in namespaces.links():
            raise BackendError(f"{each.cidr} shall be on {each.lan}, which is not an interface of this host")
        if each.cidr.num_addresses > _ANSWERED_MAX:
            raise BackendError(
                f"{each.cidr} is too large to answer for on {each.lan}: {_ANSWERED_MAX} at most"
            )

    # -- bridges of the host --------------------------------------------------------------------
    def join(self, record: Record[NetworkSpec], bridge: str, allowed: Sequence[str]) -> None:
        """Cable a network's bridge to the host's bridge that its ``link`` names, if it may be."""
        if not allowed:
            return
        spec, here = record.spec, namespaces.links()
        inner, outer = self._cable(record)
        wanted = (
            bool(spec.link)
            and not spec.public
            and any(fnmatch(spec.link, pattern) for pattern in allowed)
            and namespaces.is_bridge(spec.link)
        )
        if not wanted:
            namespaces.delete_links([outer] if outer in here else [])
            return
        if outer not in here:
            namespaces.ip_batch([f"link add {outer} type veth peer name {inner} netns {self._fabric}"])
        namespaces.sysctl({f"net/ipv6/conf/{outer}/disable_ipv6": "1"})
        namespaces.ip_batch([f"link set {outer} master {spec.link} up"])
        namespaces.ip_batch([f"link set {inner} master {bridge} up"], self._fabric)

    def part(self, record: Record[NetworkSpec]) -> None:
        namespaces.delete_links([self._cable(record)[1]])

    def _cable(self, record: Record[NetworkSpec]) -> tuple[str, str]:
        return f"lan-{record.index}", f"{self._cable_prefix()}{record.index}"

    def _cable_prefix(self) -> str:
        return f"sl{self._tag}-"


def _answered(interface: str) -> set[str]:
    listed = namespaces.run("ip", "neigh", "show", "proxy", "dev", interface)
    return {line.split()[0] for line in listed.splitlines() if line.strip()}
