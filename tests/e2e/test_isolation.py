"""Two tenants with one range, seen from inside their machines: who hears whom, and who can be nobody else."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import struct
import subprocess

import pytest

from tests.cloud import WORLD_ADDRESS, Cloud, wait_until
from tests.e2e.test_story import FLAVOR, IMAGE, fixed_address, give_address, make_network, usage

PORT = 8080
# Sends one router advertisement on the second link and ends with 0: socket(AF_INET6, SOCK_RAW, ICMPV6),
# setsockopt(IPV6_MULTICAST_HOPS, 255), sendto(ff02::1%2, "I am a router for half an hour"), exit.
_ADVERTISE = bytes.fromhex(
    "bf0a000000be03000000ba3a000000b8290000000f0589c389dfbe29000000ba120000004c8d153e"
    "00000041b804000000b8360000000f0589df488d3548000000ba100000004531d24c8d051d000000"
    "41b91c000000b82c0000000f0589c7c1ef1fb83c0000000f05ff0000000a00000000000000ff0200"
    "000000000000000000000000010200000086000000400007080000000000000000"
)
#: Gives addresses that no machine of this network should have, from where this runs.
_ROGUE_DHCP = """
cat > /tmp/udhcpd.conf <<.
start 10.0.0.200
end 10.0.0.210
interface eth0
lease_file /tmp/leases
opt router 10.0.0.66
.
touch /tmp/leases
udhcpd -S /tmp/udhcpd.conf
pidof udhcpd
"""
_ASK_DHCP = """
printf '#!/bin/sh\\n[ "$1" != bound ] || echo $serverid $ip $router\\n' > /tmp/told
chmod +x /tmp/told
udhcpc -i eth0 -n -q -t 5 -T 1 -s /tmp/told 2>/dev/null
"""
_OTHER_HARDWARE = """
was=$(cat /sys/class/net/eth0/address)
ip link set eth0 address 02:00:00:00:00:66
ping -c 1 -W 2 {other} > /dev/null && echo heard || echo not heard
ip link set eth0 address $was
"""


@dataclasses.dataclass(frozen=True)
class Tenants:
    """Ann has two machines in her network, Eve one in hers; both networks have the same range."""

    cloud: Cloud
    ann: dict[str, str]
    eve: dict[str, str]
    #: The floating address of each machine.
    one: str
    two: str
    hers: str

    def inside(self, name: str) -> str:
        """The fixed address of one of Ann's machines."""
        return fixed_address(self.cloud, name, "lan", user=self.ann)

    def run(self, machine: str, script: str) -> str:
        return self.cloud.ssh(machine, script)

    def pings(self, machine: str, to: str, *options: str) -> bool:
        return self._succeeds(machine, f"ping -c 1 -W 2 {' '.join(options)} {to}")

    def reads(self, machine: str, to: str) -> bool:
        """Whether a machine gets the page that each of Ann's serves."""
        return self._succeeds(machine, f"timeout 3 wget -q -O /dev/null http://{to}:{PORT}/")

    def _succeeds(self, machine: str, command: str) -> bool:
        with contextlib.suppress(subprocess.CalledProcessError):
            self.run(machine, command)
            return True
        return False


@pytest.fixture(scope="module")
def tenants(cloud: Cloud) -> Tenants:
    ann, eve = cloud.new_user("ann@example.org"), cloud.new_user("eve@example.org")
    for user in (ann, eve):
        cloud.openstack("keypair", "create", "--public-key", f"{cloud.key}.pub", "me", user=user)
        make_network(cloud, "lan", user=user)
    cloud.openstack("port", "create", "--network", "lan", "--fixed-ip", "ip-address=10.0.0.77", "p", user=eve)
    machines = {"one": (ann, ("--network", "lan")), "two": (ann, ("--network", "lan")),
                "hers": (eve, ("--port", "p"))}  # fmt: skip
    for name, (user, card) in machines.items():
        what = ("--image", IMAGE, "--flavor", FLAVOR, *card, "--key-name", "me")
        cloud.openstack("server", "create", *what, name, user=user)
    addresses = {}
    for name, (user, _) in machines.items():
        cloud.wait_for_status(name, "ACTIVE", user=user)
        addresses[name] = give_address(cloud, name, user=user)
    for name in ("one", "two", "hers"):
        cloud.wait_for_ssh(addresses[name])
    for name in ("one", "two"):
        cloud.ssh(addresses[name], f"mkdir -p /srv; echo {name} > /srv/index.html; httpd -p {PORT} -h /srv")
    return Tenants(cloud, ann, eve, **addresses)


def test_machines_of_one_network_reach_each_other_by_address_and_name(tenants: Tenants) -> None:
    two = tenants.inside("two")
    assert tenants.pings(tenants.one, two)
    assert two in tenants.run(tenants.one, "nslookup two")
    assert tenants.run(tenants.one, f"wget -qO- http://{two}:{PORT}/").strip() == "two"


def test_two_users_with_the_same_range_do_not_reach_each_other(tenants: Tenants) -> None:
    cloud = tenants.cloud
    assert "10.0.0.77/24" in tenants.run(tenants.hers, "ip -4 addr")
    assert not tenants.pings(tenants.one, "10.0.0.77")
    assert not tenants.pings(tenants.hers, tenants.inside("one"))
    assert tenants.pings(tenants.one, tenants.hers), "floating addresses are reachable from everywhere"
    assert not tenants.reads(tenants.hers, tenants.one), "but only where a rule lets in"
    assert [row["Name"] for row in cloud.openstack("server", "list", user=tenants.eve)] == ["hers"]
    assert "hers" not in [row["Name"] for row in cloud.openstack("server", "list", user=tenants.ann)]
    one = cloud.openstack("server", "show", "one", user=tenants.ann)["id"]
    assert "No Server found" in cloud.openstack("server", "show", one, user=tenants.eve, fails=True)


def test_a_machine_is_heard_with_its_own_addresses_alone(tenants: Tenants) -> None:
    one = tenants.inside("one")
    tenants.run(tenants.two, "ip address add 10.0.0.99/32 dev eth0")
    assert not tenants.pings(tenants.two, one, "-I", "10.0.0.99")
    tenants.run(tenants.two, "ip address delete 10.0.0.99/32 dev eth0")
    assert tenants.run(tenants.two, _OTHER_HARDWARE.format(other=one)).strip() == "not heard"
    assert tenants.pings(tenants.two, one), "it is itself again"
    gateway = "ip neigh show 10.0.0.1 | cut -d' ' -f5"
    assert tenants.pings(tenants.one, "10.0.0.1")
    before = tenants.run(tenants.one, gateway)
    tenants.run(tenants.two, "arping -U -c 2 -I eth0 -s 10.0.0.1 10.0.0.1 || true")
    assert tenants.run(tenants.one, gateway) == before != ""


def test_a_machine_is_no_dhcp_server_and_no_router_to_its_neighbours(tenants: Tenants) -> None:
    assert tenants.run(tenants.two, _ROGUE_DHCP).strip().isdigit()
    told = tenants.run(tenants.one, _ASK_DHCP).split()
    assert told[1:] == [tenants.inside("one"), "10.0.0.1"]
    assert told[0] != tenants.inside("two")
    tenants.run(tenants.two, "killall udhcpd")
    heard = "grep Icmp6InRouterAdvertisements /proc/net/snmp6"
    before = tenants.run(tenants.one, heard)
    program = base64.b64encode(_executable(_ADVERTISE)).decode()
    tenants.run(tenants.two, f"echo {program} | base64 -d > /tmp/ra; chmod +x /tmp/ra; /tmp/ra")
    assert tenants.run(tenants.two, "grep Icmp6OutRouterAdv /proc/net/snmp6").split()[1] == "1"
    assert tenants.run(tenants.one, heard) == before


def test_a_group_lets_in_whom_it_names(tenants: Tenants) -> None:
    cloud, two = tenants.cloud, tenants.inside("two")

    def openstack(*words: str) -> None:
        cloud.openstack(*words, user=tenants.ann)

    openstack("security", "group", "create", "shut")
    openstack("server", "add", "security", "group", "two", "shut")
    openstack("server", "remove", "security", "group", "two", "default")
    wait_until("it is shut", lambda: not tenants.reads(tenants.one, two), 20)
    rule = ("--proto", "tcp", "--dst-port", str(PORT), "--remote-group", "default")
    openstack("security", "group", "rule", "create", *rule, "shut")
    wait_until("it lets in the group", lambda: tenants.reads(tenants.one, two), 20)
    assert not tenants.pings(tenants.one, two), "of the group only what the rule says"
    assert not tenants.reads(tenants.hers, tenants.two), "another's group of that name is another"
    openstack("server", "add", "security", "group", "two", "default")
    openstack("server", "remove", "security", "group", "two", "shut")
    openstack("security", "group", "delete", "shut")
    wait_until("it is open to SSH again", lambda: tenants.pings(tenants.one, two), 20)


def test_a_router_leads_out_and_in_where_its_network_has_one(tenants: Tenants) -> None:
    cloud, eve = tenants.cloud, tenants.eve
    assert tenants.pings(tenants.hers, WORLD_ADDRESS)
    address = tenants.hers
    cloud.openstack("server", "remove", "floating", "ip", "hers", address, user=eve)
    cloud.openstack("router", "create", "--external-gateway", "public", "way", user=eve)
    cloud.openstack("router", "add", "subnet", "way", "lan", user=eve)
    cloud.openstack("server", "add", "floating", "ip", "hers", address, user=eve)
    cloud.wait_for_ssh(address, 30)
    assert tenants.pings(address, WORLD_ADDRESS)
    assert not tenants.pings(address, tenants.inside("one"))
    cloud.openstack("server", "remove", "floating", "ip", "hers", address, user=eve)
    cloud.openstack("router", "remove", "subnet", "way", "lan", user=eve)
    cloud.openstack("router", "delete", "way", user=eve)


def test_what_they_had_is_given_back(tenants: Tenants) -> None:
    cloud = tenants.cloud
    for user, names in ((tenants.ann, ("one", "two")), (tenants.eve, ("hers",))):
        cloud.openstack("server", "delete", "--wait", *names, user=user)
    for user, addresses in ((tenants.ann, (tenants.one, tenants.two)), (tenants.eve, (tenants.hers,))):
        cloud.openstack("floating", "ip", "delete", *addresses, user=user)
    cloud.openstack("port", "delete", "p", user=tenants.eve)
    for user in (tenants.ann, tenants.eve):
        cloud.openstack("network", "delete", "lan", user=user)
        assert set(usage(cloud, user=user).values()) == {0}


def _executable(code: bytes) -> bytes:
    """A program of a small Linux that has no compiler: x86-64, one segment, no library."""
    start, headers = 0x400000, 64 + 56
    size = headers + len(code)
    head = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, start + headers, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, start, start, size, size, 4096)
    return b"\x7fELF\x02\x01\x01" + bytes(9) + head + segment + code
