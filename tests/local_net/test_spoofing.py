"""Guests cannot lie on the wire: what one sends under a false name never reaches its neighbour.

Every case sends a false frame and then an honest one over the same path. Frames keep their order, so
once the honest one has arrived the false one would have.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

import pytest

from synnefo.cyclades.backends.base import NetworkSpec, Nic
from synnefo.cyclades.backends.local import netns
from synnefo.cyclades.backends.local.fabric import NamespaceFabric

from .machines import Guest

MINE, YOURS, FALSE = (bytes.fromhex(f"aa00000000{n}") for n in ("05", "06", "77"))
MY_IP, YOUR_IP, FALSE_IP = (IPv4Address(f"10.0.0.{n}").packed for n in (5, 6, 77))
GATEWAY = IPv4Address("10.0.0.1").packed
NOBODY = bytes(4)


def frame(kind: int, payload: bytes, source: bytes = MINE) -> bytes:
    return YOURS + source + struct.pack("!H", kind) + payload.ljust(46, b"\0")


def arp(sender_mac: bytes, sender_ip: bytes, operation: int = 2) -> bytes:
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + sender_mac + sender_ip + YOURS + YOUR_IP


def udp(source_ip: bytes, source_port: int, port: int, mark: bytes = b"false") -> bytes:
    mark = mark.ljust(40, b".")  # what is only padding is cut off on the way
    body = struct.pack("!HHHH", source_port, port, 8 + len(mark), 0) + mark
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, 17, 0) + source_ip + YOUR_IP
    total = sum(struct.unpack("!10H", head))
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return head[:10] + struct.pack("!H", checksum) + head[12:] + body


def ipv6(next_header: int, body: bytes) -> bytes:
    link_local = bytes.fromhex("fe80000000000000a80000fffe000005")
    return struct.pack("!IHBB", 0x60000000, len(body), next_header, 255) + link_local + link_local + body


HONEST = frame(0x0800, udp(MY_IP, 1000, 2000, b"honest"))
FALSEHOODS = {
    "another hardware address": frame(0x0800, udp(MY_IP, 1000, 2000), source=FALSE),
    "another address": frame(0x0800, udp(FALSE_IP, 1000, 2000)),
    "the gateway's address": frame(0x0800, udp(GATEWAY, 53, 2000)),
    "no address, and not DHCP": frame(0x0800, udp(NOBODY, 1000, 2000)),
    "ARP for the gateway": frame(0x0806, arp(MINE, GATEWAY)),
    "ARP with another hardware address": frame(0x0806, arp(FALSE, MY_IP)),
    "a DHCP server's answer": frame(0x0800, udp(MY_IP, 67, 68)),
    "a DHCP server's answer from another port": frame(0x0800, udp(MY_IP, 1000, 68)),
    "a DHCPv6 server's answer": frame(0x86DD, ipv6(17, struct.pack("!HHHH", 547, 546, 8, 0))),
    "a router advertisement": frame(0x86DD, ipv6(58, bytes([134, 0]) + bytes(14))),
    "a frame in a VLAN": frame(0x8100, struct.pack("!HH", 5, 0x0800) + udp(FALSE_IP, 1000, 2000)),
}
TRUTHS = {
    "ARP for itself": frame(0x0806, arp(MINE, MY_IP)),
    "ARP probe": frame(0x0806, arp(MINE, NOBODY, operation=1)),
    "DHCP request": frame(0x0800, udp(NOBODY, 68, 67)),
    "IPv6": frame(0x86DD, ipv6(17, struct.pack("!HHHH", 1000, 2000, 8, 0))),
}


@pytest.fixture
def arrives(fabric: NamespaceFabric, guest: Callable[..., Guest]) -> Iterator[Callable[[bytes], bool]]:
    """Whether a frame that the first guest sends arrives at the second."""
    fabric.apply(NetworkSpec("net", 1, "10.0.0.0/24", "10.0.0.1"))
    sender = guest("nic5", "net", "aa:00:00:00:00:05", "10.0.0.5")
    receiver = guest("nic6", "net", "aa:00:00:00:00:06", "10.0.0.6")
    with wire(sender) as out, wire(receiver) as into:
        into.settimeout(2)

        def check(sent: bytes) -> bool:
            out.send(sent)
            out.send(HONEST)
            seen = list(iter(lambda: into.recv(2000), HONEST))
            return sent in seen

        yield check


def wire(guest: Guest) -> socket.socket:
    def open_wire() -> socket.socket:
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
        opened.bind(("eth0", 0x0003))
        return opened

    return netns.inside(guest.netns, open_wire)


@pytest.mark.parametrize("name", FALSEHOODS)
def test_a_lie_does_not_arrive(arrives: Callable[[bytes], bool], name: str) -> None:
    assert not arrives(FALSEHOODS[name])


@pytest.mark.parametrize("name", TRUTHS)
def test_the_truth_arrives(arrives: Callable[[bytes], bool], name: str) -> None:
    assert arrives(TRUTHS[name])


def test_a_nic_that_gets_another_address_loses_the_old_one(
    fabric: NamespaceFabric, arrives: Callable[[bytes], bool]
) -> None:
    theirs = frame(0x0806, arp(MINE, FALSE_IP))
    assert not arrives(theirs)
    fabric.plug(Nic("nic5", "net", "aa:00:00:00:00:05", "10.0.0.77"))
    with pytest.raises(TimeoutError):
        arrives(theirs)  # what was honest no longer arrives
    fabric.plug(Nic("nic5", "net", "aa:00:00:00:00:05", "10.0.0.5"))
    assert arrives(frame(0x0806, arp(MINE, MY_IP)))
