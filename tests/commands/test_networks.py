"""Commands of networks, subnets, ports, floating IPs, pools, and of the history of addresses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from synnefo.cyclades.networks import floating, ports
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.networks.models import IPAddress, IPAddressHistory, Network, Pool, Port
from synnefo.cyclades.servers import rules as servers
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.servers.requests import NicRequest, ServerRequest
from tests.conftest import People
from tests.manage import manage

Settle = Callable[[], None]


def rows(*arguments: str) -> Any:
    return json.loads(manage(*arguments, "--output-format", "json"))


@pytest.fixture
def lan(cloud: People) -> Network:
    made = networks.create(cloud.alice.caller, name="lan")
    networks.create_subnet(cloud.alice.caller, made.uuid, cidr="10.0.0.0/24")
    return made


@pytest.fixture
def server(cloud: People, lan: Network, image: Any, flavor: Any, settle: Settle) -> Server:
    request = ServerRequest("vm", image.uuid, flavor.uuid, [NicRequest(network=lan.uuid)])
    made = servers.create(cloud.alice.caller, request)[0]
    settle()
    return made


def test_public_networks_are_made_with_their_ranges(cloud: People) -> None:
    made = manage(
        "network-create", "--public", "--name", "outside", "--subnet", "198.51.100.0/24", "--gateway",
        "198.51.100.1", "--subnet6", "2001:db8::/64", "--dhcp", "True", "--floating-ip-pool",
        "--allocation-pool", "198.51.100.10,198.51.100.20",
    )  # fmt: skip
    network = Network.objects.get(pk=made.split()[0])
    assert (network.kind, network.floating_ip_pool, network.userid) == ("CUSTOM", True, "")
    assert sorted(network.subnets.values_list("cidr", "dhcp")) == [
        ("198.51.100.0/24", True),
        ("2001:db8::/64", True),
    ]
    [shown] = rows("network-list", "--filter-by", "name=outside")
    assert shown["subnets"] == "198.51.100.0/24, 2001:db8::/64"


def test_networks_are_made_for_users_with_their_charge(cloud: People) -> None:
    manage(
        "network-create",
        "--user",
        "alice@example.org",
        "--name",
        "hers",
        "--flavor",
        "CUSTOM",
        "--link",
        "br7",
    )
    network = Network.objects.get(name="hers")
    assert (network.userid, network.kind, network.link) == (cloud.alice.user.uuid, "CUSTOM", "br7")
    for wrong in (
        ["--name", "nobodys"],
        ["--user", "alice@example.org", "--floating-ip-pool"],
        ["--user", "alice@example.org", "--flavor", "IP_LESS_ROUTED"],
        ["--user", "alice@example.org", "--dhcp"],
        ["--user", "alice@example.org", "--gateway", "10.0.0.1"],
        ["--public", "--user", "alice@example.org"],
        ["--user", "nobody@example.org"],
    ):
        with pytest.raises(CommandError):
            manage("network-create", *wrong)
    assert Network.objects.count() == 2


def test_a_range_that_cannot_be_leaves_no_network(cloud: People) -> None:
    with pytest.raises(CommandError):
        manage("network-create", "--public", "--name", "bad", "--subnet", "10.0.0.1/24")
    assert not Network.objects.filter(name="bad", deleted=False).exists()


def test_a_network_is_changed_shown_and_removed(
    cloud: People, lan: Network, engine_room: Any, settle: Settle, backend_row: Any
) -> None:
    manage(
        "network-modify",
        f"snf-net-{lan.pk}",
        "--name",
        "new",
        "--drained",
        "yes",
        "--user",
        "bob@example.org",
    )
    lan.refresh_from_db()
    assert (lan.name, lan.drained, lan.userid) == ("new", True, cloud.bob.user.uuid)
    manage("network-modify", str(lan.pk), "--add-reserved-ips", "10.0.0.2-10.0.0.9", "--drained", "no")
    assert lan.subnets.get().reserved != []
    manage("network-modify", str(lan.pk), "--add-to-backend", str(backend_row.pk))
    settle()
    assert lan.engine_name in engine_room.networks()
    shown = manage("network-inspect", str(lan.pk), "--display-mails")
    for words in ("bob@example.org", "it is there", "0 of 245"):
        assert words in shown
    manage("network-remove", "-f", str(lan.pk))
    settle()
    assert engine_room.networks() == []
    assert Network.objects.get(pk=lan.pk).deleted


def test_subnets(cloud: People) -> None:
    network = networks.create(cloud.alice.caller, name="bare")
    manage(
        "subnet-create", "--network", str(network.pk), "--cidr", "10.2.0.0/24", "--name", "s", "--dns",
        "192.0.2.1",
        "--host-routes", "192.0.2.0/24=10.2.0.9", "--dhcp", "no",
    )  # fmt: skip
    subnet = network.subnets.get()
    assert (subnet.gateway, subnet.dhcp, subnet.dns_nameservers) == (None, False, ["192.0.2.1"])
    manage("subnet-create", "--network", str(network.pk), "--cidr", "fd00::/64", "--ip-version", "6")
    assert [row["cidr"] for row in rows("subnet-list", "--ipv6")] == ["fd00::/64"]
    manage("subnet-modify", str(subnet.pk), "--name", "t")
    assert "192.0.2.0/24=10.2.0.9" in manage("subnet-inspect", str(subnet.pk))
    assert {row["name"] for row in rows("subnet-list", "--ipv4", "-u", "alice@example.org")} == {"t"}


def test_ports_of_servers(cloud: People, server: Server, lan: Network, settle: Settle) -> None:
    made = manage("port-create", "--server", str(server.pk), "--network", str(lan.pk), "--wait", "no")
    settle()
    number = made.split()[0]
    assert [row["id"] for row in rows("port-list", "--server", str(server.pk))] == [
        str(server.ports.order_by("pk")[0].pk), number,
    ]  # fmt: skip
    assert "10.0.0.3" in manage("port-inspect", f"snf-nic-{number}", "--jobs")
    manage("port-remove", "-f", number, "--wait", "no")
    settle()
    assert not Port.objects.filter(pk=number).exists()
    free = manage(
        "port-create", "--user", "alice@example.org", "--network", str(lan.pk), "--ipv4-address", "10.0.0.77"
    )
    assert Port.objects.get(pk=free.split()[0]).addresses.get().address == "10.0.0.77"


def test_floating_ips_and_their_history(cloud: People, server: Server, settle: Settle) -> None:
    manage("floating-ip-create", "--user", "alice@example.org", "--address", "198.18.0.50")
    ip = IPAddress.objects.get(floating_ip=True)
    manage("floating-ip-attach", str(ip.pk), "--machine", f"snf-{server.pk}", "--wait", "no")
    settle()
    assert [row["server"] for row in rows("floating-ip-list")] == [str(server.pk)]
    assert "alice@example.org" in manage("floating-ip-show", str(ip.pk), "--display-mails")
    manage("floating-ip-remove", "-f", str(ip.pk))
    assert IPAddress.objects.filter(pk=ip.pk).exists()
    manage("floating-ip-detach", str(ip.pk), "--wait", "no")
    settle()
    told = rows("ip-list", "--address", "198.18.0.50")
    assert [(row["action"], row["server"], row["user"]) for row in told] == [
        ("associate", str(server.pk), cloud.alice.user.uuid),
        ("disassociate", str(server.pk), cloud.alice.user.uuid),
    ]
    manage("floating-ip-remove", "-f", str(ip.pk))
    assert not IPAddress.objects.filter(pk=ip.pk).exists()


def test_a_change_of_owner_is_told_in_the_history(db: None, tmp_path: Path) -> None:
    def had(action: str, when: str, user: str = "old") -> None:
        IPAddressHistory.objects.create(
            address="192.0.2.7",
            server_id=42,
            network_id=1,
            user_id=user,
            action=action,
            action_date=f"{when}Z",
        )

    had("associate", "2016-01-01T00:00:00")
    had("disassociate", "2016-03-01T00:00:00")
    log = tmp_path / "changes"
    log.write_text("42|old|new|2016-02-01 12:30:00.000000\n\n43|a|b|2016-02-01 12:30:00.000000\n")
    before = list(IPAddressHistory.objects.values_list("user_id", "action"))
    assert "192.0.2.7" in manage("fix_ip_history", str(log))
    assert list(IPAddressHistory.objects.values_list("user_id", "action")) == before
    manage("fix_ip_history", str(log), "--fix")
    told = [(row["user"], row["action"]) for row in rows("ip-list", "--server", "42")]
    fixed = [("old", "associate"), ("old", "disassociate"), ("new", "associate"), ("new", "disassociate")]
    assert told == fixed
    assert manage("fix_ip_history", str(log), "--fix") == ""
    log.write_text("42|old|new|yesterday\n")
    with pytest.raises(CommandError, match="line 1"):
        manage("fix_ip_history", str(log))


def test_pools(cloud: People) -> None:
    manage("pool-create", "--type", "mac-prefix", "--size", "16")
    manage("pool-create", "--type", "bridge", "--size", "4", "--base", "vlan")
    prefixes = Pool.objects.get(kind="mac-prefix")
    network = networks.create(cloud.alice.caller, name="n")
    assert network.mac_prefix == "aa:00:1"
    manage("pool-modify", str(prefixes.pk), "--add-reserved", "aa:00:4-aa:00:5", "--size", "32")
    assert f"RX..RR{'.' * 26}" in manage("pool-show", str(prefixes.pk))
    assert [(row["type"], row["used"], row["reserved"]) for row in rows("pool-list")] == [
        ("mac-prefix", "1", "3"), ("bridge", "0", "0"),
    ]  # fmt: skip
    with pytest.raises(CommandError):
        manage("pool-remove", "-f", str(prefixes.pk))
    manage("pool-remove", "-f", str(Pool.objects.get(kind="bridge").pk))
    prefixes.uses.all().delete()
    assert "aa:00:1" in manage("reconcile-pools")
    assert not prefixes.uses.exists()
    manage("reconcile-pools", "--fix")
    assert prefixes.uses.get().network == network
    assert manage("reconcile-pools") == ""


def test_networks_of_engines_are_compared(
    server: Server, lan: Network, engine_room: Any, settle: Settle
) -> None:
    assert manage("reconcile-networks") == ""
    engine_room.engine.networks.clear()
    assert "is missing" in manage("reconcile-networks")
    manage("reconcile-networks", "--fix-all")
    settle()
    assert engine_room.networks() == [lan.engine_name]


def test_everything_of_a_port_is_in_its_list(cloud: People, lan: Network) -> None:
    port = ports.create(cloud.alice.caller, lan.uuid)
    ip = floating.create(cloud.alice.caller, port_uuid=port.uuid)
    [row] = rows("port-list", "-o", "ips,floating_ips,security_groups,public")
    assert row == {
        "ips": "10.0.0.2",
        "floating_ips": ip.address,
        "security_groups": "default",
        "public": "False",
    }
