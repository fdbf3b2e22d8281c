"""Coming, going and coming back: revisions, dead daemons, reboots, concurrency, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import BackendError, Lease, NetworkSpec, Nic
from synnefo.cyclades.backends.local import netns
from synnefo.cyclades.backends.local.fabric import NamespaceFabric

from .machines import WORLD, Guest, World, eventually, fetch, run

MakeGuest = Callable[..., Guest]
WEB, DB = Lease("aa:00:00:00:00:05", "10.0.0.5", "web"), Lease("aa:00:00:00:00:06", "10.0.0.6", "db")
NET = NetworkSpec("net", 5, "10.0.0.0/24", "10.0.0.1", leases=[WEB])


def daemon(tag: str, network: str = "net-net") -> int:
    """The process id of a daemon of the fabric, 0 if it is dead."""
    try:
        pid = int(Path(f"/run/synnefo-{tag}/{network}/dnsmasq.pid").read_text())
        return pid if Path(f"/proc/{pid}/cmdline").read_bytes() else 0
    except FileNotFoundError:
        return 0


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert eventually(
        lambda: not Path(f"/proc/{pid}").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()
    )


@pytest.fixture
def web(fabric: NamespaceFabric, guest: MakeGuest) -> Guest:
    fabric.remove("net")
    fabric.apply(NET)
    return guest("nic5", "net", WEB.mac, WEB.ip)


def test_an_older_revision_changes_nothing(fabric: NamespaceFabric, web: Guest) -> None:
    fabric.apply(replace(NET, revision=4, leases=[], gateway="10.0.0.254"))
    assert web.dhcp()["router"] == "10.0.0.1"


def test_the_same_revision_repairs_what_was_broken_by_hand(
    fabric: NamespaceFabric, host: str, web: Guest
) -> None:
    namespace = f"syn-{host}-net"
    for damage in (
        ("ip", "-n", namespace, "address", "flush", "dev", "int"),
        ("ip", "-n", namespace, "link", "delete", "ext"),
        ("nsenter", f"--net=/run/netns/{namespace}", "nft", "flush", "ruleset"),
        ("ip", "netns", "delete", namespace),
        ("ip", "link", "delete", f"syn{host}"),
    ):
        run(*damage)
        fabric.apply(NET)
        assert web.dhcp()["router"] == "10.0.0.1", damage
        assert web.fetch(f"http://{WORLD}/") == "the world", damage


def test_a_dead_daemon_is_started_again(fabric: NamespaceFabric, host: str, web: Guest) -> None:
    for name in ("net-net", "host"):
        kill(daemon(host, name))
        fabric.apply(NET)
        assert web.dhcp()["ip"] == "10.0.0.5"
        assert web.resolve("www.example.org", "10.0.0.1") == WORLD


def test_a_lease_does_not_cost_the_daemon_a_restart(fabric: NamespaceFabric, host: str, web: Guest) -> None:
    before = daemon(host)
    fabric.apply(replace(NET, revision=6, leases=[WEB, DB]))
    assert eventually(lambda: web.dhcp() and web.resolve("db.cloud.internal", "10.0.0.1") == "10.0.0.6")
    assert daemon(host) == before


def test_daemons_have_no_rights_and_are_nobodys_children(
    fabric: NamespaceFabric, host: str, web: Guest
) -> None:
    for name in ("net-net", "host"):
        status = Path(f"/proc/{daemon(host, name)}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["Uid"].split()[0] != "0"
        assert fields["PPid"] != str(os.getpid())
        assert os.getsid(daemon(host, name)) != os.getsid(0)


def test_everything_comes_back_after_a_reboot(
    fabric: NamespaceFabric, host: str, state_dir: Path, world: World, web: Guest
) -> None:
    fabric.apply(replace(NET, revision=6, floating={"198.18.0.7": "10.0.0.5"}))
    fabric.apply(NetworkSpec("other", 1, "10.0.0.0/24", "10.0.0.1", leases=[WEB]))
    lose_everything(host)
    again = NamespaceFabric(host, state_dir, resolv_conf=world.resolv_conf)
    again.restore()
    assert again.networks() == ["net", "other"]
    run("ip", "-n", f"syn-{host}-fab", "link", "add", "nic5", "type", "veth", "peer", "name", "eth0",
        "address", WEB.mac, "netns", web.netns)  # fmt: skip
    again.plug(web.nic)
    web.ip("link", "set", "eth0", "up")
    assert web.dhcp()["ip"] == "10.0.0.5"
    web.says("back")
    assert fetch("http://198.18.0.7/") == "back"
    again.remove("other")


def lose_everything(tag: str) -> None:
    """What a reboot leaves: the state directory, and files in /run where that is on a disk."""
    for directory in Path(f"/run/synnefo-{tag}").glob("*/"):
        kill(daemon(tag, directory.name))
    run("ip", "link", "delete", f"syn{tag}")
    run("nft", "flush", "ruleset")
    for name in netns.names(f"syn-{tag}-"):
        for link in ("ext", "int"):
            run("ip", "-n", name, "link", "delete", link, check=False)
        if name.endswith("-fab"):
            run("ip", "-n", name, "link", "delete", "nic5")
        run("ip", "netns", "delete", name)
        netns.path(name).touch()


def test_many_writers_leave_the_newest_picture(fabric: NamespaceFabric, web: Guest) -> None:
    def write(revision: int) -> None:
        leases = [WEB, Lease(DB.mac, DB.ip, f"db{revision}")]
        fabric.apply(replace(NET, revision=revision, leases=leases))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, [10, 12, 14, 9, 13, 11]))
    assert web.dhcp()
    assert eventually(lambda: web.resolve("db14.cloud.internal", "10.0.0.1") == "10.0.0.6")
    assert web.resolve("db13.cloud.internal", "10.0.0.1") == ""


def test_many_networks_are_made_at_once(fabric: NamespaceFabric, host: str) -> None:
    names = [f"many-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: fabric.apply(replace(NET, name=name)), names))
    transits = [netns.links(f"syn-{host}-{name}")["ext"].addresses for name in names]
    assert len(set(transits)) == 8
    for name in names:
        fabric.remove(name)
    assert not any(name in fabric.networks() for name in names)
    assert not netns.names(f"syn-{host}-many")


def test_a_network_in_use_is_not_removed(fabric: NamespaceFabric, web: Guest) -> None:
    with pytest.raises(BackendError, match="in use by nic5"):
        fabric.remove("net")
    assert web.dhcp()["ip"] == "10.0.0.5"


def test_removing_twice_and_unplugging_twice_is_fine(fabric: NamespaceFabric) -> None:
    fabric.apply(replace(NET, name="brief"))
    for _ in range(2):
        fabric.remove("brief")
        fabric.unplug("no-such-nic")
    assert "brief" not in fabric.networks()


def test_a_nic_needs_its_network(fabric: NamespaceFabric) -> None:
    with pytest.raises(BackendError, match="the network nowhere is not there"):
        fabric.plug(Nic("nic1", "nowhere", "aa:00:00:00:00:01", "10.0.0.9"))


def test_qemu_opens_the_tap_where_it_was_plugged(fabric: NamespaceFabric, host: str, web: Guest) -> None:
    netdev = fabric.plug(Nic("nic6", "net", DB.mac, DB.ip))
    bridge = netns.links(f"syn-{host}-fab")["nic5"].master
    qemu = [
        "qemu-system-x86_64",
        "-machine",
        "none",
        "-nodefaults",
        "-display",
        "none",
        "-monitor",
        "stdio",
        *netdev,
    ]
    told = run(*fabric.wrap(qemu), stdin="info network\nquit\n").stdout
    assert "nic6: index=0,type=tap,ifname=nic6" in told
    assert netns.links(f"syn-{host}-fab")["nic6"].master == bridge
    fabric.unplug("nic6")
    assert "nic6" not in netns.links(f"syn-{host}-fab")


def test_a_second_installation_on_the_same_ranges_is_refused(fabric: NamespaceFabric, tmp_path: Path) -> None:
    other = NamespaceFabric("other1", tmp_path)
    assert "198.18.0.0/24 is in use on this host" in (other.available() or "")
    elsewhere = NamespaceFabric("other1", tmp_path, transit="100.64.0.0/16", floating="100.65.0.0/24")
    assert elsewhere.available() is None
    assert netns.names("syn-other1-") == []


def test_rules_of_others_that_stand_in_the_way_are_named(fabric: NamespaceFabric) -> None:
    assert "Another rule set" not in fabric.describe()
    run(
        "nft",
        "-f",
        "-",
        stdin="table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }",
    )
    try:
        assert "ip filter FORWARD" in fabric.describe()
    finally:
        run("nft", "delete", "table", "ip", "filter")


def test_teardown_leaves_nothing_and_restore_brings_it_back(fabric: NamespaceFabric, host: str) -> None:
    fabric.apply(NET)
    fabric.plug(Nic("nic6", "net", DB.mac, DB.ip))
    pids = [daemon(host), daemon(host, "host")]
    assert all(pids)
    fabric.teardown()
    assert netns.names(f"syn-{host}") == []
    assert list(netns.links()) == ["lo", "eth0"]
    assert run("nft", "list", "tables").stdout == ""
    assert not Path(f"/run/synnefo-{host}").exists()
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    fabric.teardown()
    fabric.restore()
    assert fabric.namespace("net") == f"syn-{host}-net"


def test_what_an_earlier_version_plugged_is_known_and_gets_todays_rules(
    fabric: NamespaceFabric, host: str, web: Guest
) -> None:
    plugged = Path(f"/run/synnefo-{host}/nics.json")
    old = [
        {key: value for key, value in nic.items() if key != "more_ips"}
        for nic in json.loads(plugged.read_text())["nics"]
    ]
    plugged.write_text(json.dumps(old))
    run("nsenter", f"--net=/run/netns/syn-{host}-fab", "nft", "flush", "ruleset")
    fabric.restore()
    assert web.dhcp()["ip"] == "10.0.0.5"
    with pytest.raises(BackendError, match="in use by nic5"):
        fabric.remove("net")
