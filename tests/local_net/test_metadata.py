"""The metadata service, asked by guests over the wire."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator

import pytest

from synnefo.cyclades.backends.base import GuestFile, NetworkSpec, Nic
from synnefo.cyclades.backends.local import netns
from synnefo.cyclades.backends.local.fabric import NamespaceFabric
from synnefo.cyclades.backends.local.guest_documents import Guest as Described
from synnefo.cyclades.backends.local.metadata import MetadataServer

from .machines import Guest, fetch, run

MAC, OTHER_MAC = "aa:00:00:00:00:05", "aa:00:00:00:00:06"
SERVICE = "http://169.254.169.254"
KNOWN: dict[tuple[str, str], Described] = {
    ("red", "10.0.0.5"): Described(
        instance_id="6d1f7a52-0000-4000-8000-000000000001",
        hostname="red-web",
        address="10.0.0.5",
        nics=[Nic("nic-1", "red", MAC, "10.0.0.5"), Nic("nic-2", "wire", OTHER_MAC, None, ["fd00::5"])],
        public_ipv4="198.18.0.7",
        ssh_keys=["ssh-ed25519 AAAA one", "ssh-rsa BBBB two"],
        user_data=b"#cloud-config\n\xff\x00binary",
        metadata={"role": "web"},
        admin_password="s3cret",
        files=[GuestFile("/etc/motd", b"\xffhello")],
        availability_zone="north",
        project="p-1",
    ),
    ("blue", "10.0.0.5"): Described("6d1f7a52-0000-4000-8000-000000000002", "blue-web"),
}


def lookup(network: str, ip: str) -> Described | None:
    if ip == "10.0.0.13":
        raise ConnectionError("the database is away")
    return KNOWN.get((network, ip))


@pytest.fixture(scope="module")
def service(fabric: NamespaceFabric) -> Iterator[MetadataServer]:
    server = MetadataServer(lookup)
    for name in ("red", "blue"):
        serve(fabric, server, name)
    yield server
    server.close()


def serve(
    fabric: NamespaceFabric, server: MetadataServer, name: str, gateway: str | None = "10.0.0.1"
) -> None:
    fabric.apply(NetworkSpec(name, 1, "10.0.0.0/24", gateway))
    namespace = fabric.namespace(name)
    assert namespace is not None
    server.add_network(name, namespace)


@pytest.fixture
def red(service: MetadataServer, guest: Callable[..., Guest]) -> Guest:
    return placed(guest("red5", "red", MAC, "10.0.0.5"), "10.0.0.5")


@pytest.fixture
def blue(service: MetadataServer, guest: Callable[..., Guest]) -> Guest:
    return placed(guest("blue5", "blue", MAC, "10.0.0.5"), "10.0.0.5")


def placed(machine: Guest, ip: str) -> Guest:
    machine.ip("address", "add", f"{ip}/24", "dev", "eth0")
    machine.ip("route", "add", "default", "via", "10.0.0.1")
    return machine


def status(machine: Guest, path: str, *options: str) -> str:
    options = ("-s", "-o", "/dev/null", "--max-time", "3", "-w", "%{http_code}", *options)
    return machine.exec("curl", *options, f"{SERVICE}{path}").stdout


def test_guests_with_one_address_in_two_networks_learn_their_own_names(red: Guest, blue: Guest) -> None:
    assert red.fetch(f"{SERVICE}/latest/meta-data/local-hostname") == "red-web"
    assert blue.fetch(f"{SERVICE}/latest/meta-data/local-hostname") == "blue-web"


def test_the_tree_of_ec2_is_listed_and_read(red: Guest) -> None:
    assert {"2009-04-04", "latest", "openstack"} <= set(red.fetch(f"{SERVICE}/").split())
    assert red.fetch(f"{SERVICE}/2009-04-04/").split() == ["meta-data/", "user-data"]
    listed = red.fetch(f"{SERVICE}/latest/meta-data/").split()
    assert {"hostname", "instance-id", "local-ipv4", "placement/", "public-ipv4", "public-keys/"} <= set(
        listed
    )
    assert red.fetch(f"{SERVICE}/latest/meta-data/placement/availability-zone") == "north"
    read = {name: red.fetch(f"{SERVICE}/latest/meta-data/{name}") for name in listed}
    assert read["instance-id"] == KNOWN["red", "10.0.0.5"].instance_id
    assert (read["local-ipv4"], read["public-ipv4"]) == ("10.0.0.5", "198.18.0.7")
    assert read["public-keys/"].split() == ["0=key-0", "1=key-1"]
    assert red.fetch(f"{SERVICE}/latest/meta-data/public-keys/1/openssh-key") == "ssh-rsa BBBB two"


def test_user_data_comes_as_it_was_given(red: Guest, blue: Guest) -> None:
    wire = netns.inside(red.netns, lambda: socket.create_connection(("169.254.169.254", 80), timeout=3))
    with wire, wire.makefile("rb") as stream:
        wire.sendall(b"GET /latest/user-data HTTP/1.0\r\n\r\n")
        assert stream.read().endswith(b"\r\n\r\n#cloud-config\n\xff\x00binary")
    assert status(red, "/openstack/latest/user_data") == "200"
    assert status(blue, "/latest/user-data") == "404"


def test_the_documents_of_openstack(red: Guest) -> None:
    assert {"2015-10-15", "2018-08-27", "latest"} <= set(red.fetch(f"{SERVICE}/openstack").split())
    meta = json.loads(red.fetch(f"{SERVICE}/openstack/latest/meta_data.json"))
    assert (meta["uuid"], meta["hostname"]) == (KNOWN["red", "10.0.0.5"].instance_id, "red-web")
    assert (meta["meta"], meta["admin_pass"]) == ({"role": "web"}, "s3cret")
    assert meta["public_keys"] == {"key-0": "ssh-ed25519 AAAA one", "key-1": "ssh-rsa BBBB two"}
    assert json.loads(red.fetch(f"{SERVICE}/openstack/2015-10-15/vendor_data.json")) == {}
    network = json.loads(red.fetch(f"{SERVICE}/openstack/latest/network_data.json"))
    assert [link["ethernet_mac_address"] for link in network["links"]] == [MAC, OTHER_MAC]
    assert [each["type"] for each in network["networks"]] == ["ipv4_dhcp", "ipv6_slaac"]
    assert (meta["availability_zone"], meta["project_id"]) == ("north", "p-1")


def test_files_are_had_by_their_numbers(red: Guest) -> None:
    meta = json.loads(red.fetch(f"{SERVICE}/openstack/latest/meta_data.json"))
    assert meta["files"] == [{"path": "/etc/motd", "content_path": "/content/0000"}]
    assert status(red, "/openstack/content/0000") == "200"
    assert status(red, "/openstack/content/0001") == "404"


def test_what_is_not_there_or_not_allowed_is_said_so(red: Guest) -> None:
    assert status(red, "/latest/meta-data/no-such-thing") == "404"
    assert status(red, "/latest/meta-data/hostname/deeper") == "404"
    assert status(red, "/../../etc/passwd", "--path-as-is") == "404"
    assert status(red, "/latest/api/token", "-X", "PUT") == "405"
    assert status(red, "/latest/meta-data/hostname", "-I") == "200"
    assert status(red, "/", "-H", f"X-Long: {'x' * 20000}") == "000"


def test_an_unknown_guest_is_not_answered_with_anothers_data(
    service: MetadataServer, guest: Callable[..., Guest]
) -> None:
    stranger = placed(guest("red9", "red", "aa:00:00:00:00:09", "10.0.0.9"), "10.0.0.9")
    assert status(stranger, "/latest/meta-data/instance-id") == "404"


def test_a_failing_lookup_asks_the_guest_to_come_again(
    service: MetadataServer, guest: Callable[..., Guest]
) -> None:
    unlucky = placed(guest("red13", "red", "aa:00:00:00:00:13", "10.0.0.13"), "10.0.0.13")
    assert status(unlucky, "/latest/meta-data/instance-id") == "503"


def test_silent_connections_of_one_tenant_do_not_stop_the_others(red: Guest, blue: Guest) -> None:
    def connect() -> list[socket.socket]:
        return [socket.create_connection(("169.254.169.254", 80), timeout=3) for _ in range(100)]

    silent = netns.inside(red.netns, connect)
    try:
        assert blue.fetch(f"{SERVICE}/latest/meta-data/hostname") == "blue-web"
    finally:
        for each in silent:
            each.close()


def test_a_network_without_gateway_is_served_too(
    fabric: NamespaceFabric, service: MetadataServer, guest: Callable[..., Guest]
) -> None:
    KNOWN["lone", "10.0.0.5"] = Described("1", "lone-web")
    serve(fabric, service, "lone", gateway=None)
    lone = guest("lone5", "lone", MAC, "10.0.0.5")
    lone.ip("address", "add", "10.0.0.5/24", "dev", "eth0")
    lone.ip("route", "add", "169.254.169.254/32", "dev", "eth0")
    assert lone.fetch(f"{SERVICE}/latest/meta-data/hostname") == "lone-web"


def test_it_is_not_reachable_from_outside_the_network(
    fabric: NamespaceFabric, service: MetadataServer, host: str
) -> None:
    transit = next(iter(netns.links(f"syn-{host}-red")["ext"].addresses)).partition("/")[0]
    run("ip", "route", "replace", "169.254.169.254/32", "via", transit)
    assert fetch(f"{SERVICE}/latest/", timeout_s=1) == ""
    assert fetch(f"http://{transit}/latest/", timeout_s=1) == ""


def test_it_follows_a_network_that_was_taken_away_and_made_anew(
    fabric: NamespaceFabric, service: MetadataServer, guest: Callable[..., Guest]
) -> None:
    KNOWN["gone", "10.0.0.5"] = Described("1", "back")
    serve(fabric, service, "gone")
    fabric.remove("gone")
    serve(fabric, service, "gone")
    again = placed(guest("gone5", "gone", MAC, "10.0.0.5"), "10.0.0.5")
    assert again.fetch(f"{SERVICE}/latest/meta-data/hostname") == "back"


def test_a_removed_network_is_no_longer_served(
    fabric: NamespaceFabric, service: MetadataServer, blue: Guest
) -> None:
    assert "blue" in service.networks()
    service.remove_network("blue")
    assert "blue" not in service.networks()
    assert status(blue, "/") == "000"
    serve(fabric, service, "blue")
    assert status(blue, "/") == "200"
