"""What a user does with a new cloud, by the unmodified ``openstack`` command line, on real machines."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from tests.cloud import WORLD_ADDRESS, Cloud, run, wait_until

FLAVOR, IMAGE = "C1R128D1local", "tiny"


def make_network(cloud: Cloud, name: str, cidr: str = "10.0.0.0/24", **how: Any) -> None:
    cloud.openstack("network", "create", name, **how)
    cloud.openstack("subnet", "create", "--network", name, "--subnet-range", cidr, name, **how)


def make_server(cloud: Cloud, name: str, network: str, **how: Any) -> dict[str, Any]:
    what = ("--image", IMAGE, "--flavor", FLAVOR, "--network", network, "--key-name", "me")
    found: dict[str, Any] = cloud.openstack("server", "create", *what, name, **how)
    return found


def let_in(cloud: Cloud, **how: Any) -> None:
    """Have the project's machines answer pings and SSH from everywhere, which its default group does not."""
    rules = cloud.openstack("security", "group", "rule", "list", "default", **how)
    there = {row["IP Protocol"] for row in rules if row["Direction"] == "ingress"}
    for protocol, ports in (("tcp", ("--dst-port", "22")), ("icmp", ())):
        if protocol not in there:
            what = ("security", "group", "rule", "create", "--proto", protocol, *ports, "default")
            cloud.openstack(*what, **how)


def give_address(cloud: Cloud, server: str, **how: Any) -> str:
    let_in(cloud, **how)
    address: str = cloud.openstack("floating", "ip", "create", "public", **how)["floating_ip_address"]
    cloud.openstack("server", "add", "floating", "ip", server, address, **how)
    return address


def fixed_address(cloud: Cloud, server: str, network: str, **how: Any) -> str:
    found: str = cloud.openstack("server", "show", server, **how)["addresses"][network][0]
    return found


def usage(cloud: Cloud, **how: Any) -> dict[str, int]:
    limits = {row["Name"]: row["Value"] for row in cloud.openstack("limits", "show", "--absolute", **how)}
    return {name: limits[name] for name in ("total_instances_used", "total_cores_used", "total_ram_used")}


@pytest.fixture(scope="module")
def web(cloud: Cloud) -> str:
    """A server of the administrator's with a floating IP, up to its SSH."""
    make_network(cloud, "lan")
    make_server(cloud, "web", "lan")
    cloud.wait_for_status("web", "ACTIVE")
    address = give_address(cloud, "web")
    cloud.wait_for_ssh(address)
    return address


def test_a_user_logs_in_over_ssh_through_the_floating_ip(cloud: Cloud, web: str) -> None:
    assert cloud.ssh(web, "hostname").strip() == "web"
    assert "web" in cloud.openstack("console", "log", "show", "web")


def test_the_guest_has_its_name_its_metadata_and_a_way_out(cloud: Cloud, web: str) -> None:
    inside = fixed_address(cloud, "web", "lan")
    assert inside in cloud.ssh(web, "ip -4 addr")
    assert inside in cloud.ssh(web, "wget -qO- http://169.254.169.254/latest/meta-data/local-ipv4")
    assert inside in cloud.ssh(web, "nslookup web")
    assert " 0% packet loss" in cloud.ssh(web, f"ping -c 1 -W 2 {WORLD_ADDRESS}")


def test_reboot_stop_and_start(cloud: Cloud, web: str) -> None:
    before = cloud.ssh(web, "cat /proc/sys/kernel/random/boot_id")
    cloud.openstack("server", "reboot", "--hard", "web")
    wait_until("another boot", lambda: _boot_id(cloud, web) not in ("", before), 90)
    cloud.ssh(web, "echo kept > /root/kept; sync")
    cloud.openstack("server", "stop", "web")
    cloud.wait_for_status("web", "SHUTOFF")
    cores = usage(cloud)["total_cores_used"]
    cloud.openstack("server", "start", "web")
    cloud.wait_for_status("web", "ACTIVE")
    cloud.wait_for_ssh(web)
    assert cloud.ssh(web, "cat /root/kept").strip() == "kept"
    assert usage(cloud)["total_cores_used"] == cores


def test_a_qemu_that_is_killed_is_noticed(cloud: Cloud, web: str) -> None:
    os.kill(_qemu(cloud, "web"), signal.SIGKILL)
    cloud.wait_for_status("web", "SHUTOFF", 15)
    cloud.openstack("server", "start", "web")
    cloud.wait_for_status("web", "ACTIVE")


def test_kill_9_of_any_service_loses_nothing(cloud: Cloud, web: str) -> None:
    qemu = _qemu(cloud, "web")
    for service in ("synnefo.up.web", "synnefo.webproject.dispatcher", "synnefo.webproject.vncauthproxy"):
        victim = cloud.pid_of(service)
        assert victim
        os.kill(victim, signal.SIGKILL)
        another = functools.partial(lambda name, old: cloud.pid_of(name) not in (0, old), service, victim)
        wait_until(f"another {service}", another, 30)
        wait_until("the API", lambda: _answers(cloud), 30)
        assert _qemu(cloud, "web") == qemu
    _pause_and_go_on(cloud)
    cloud.wait_for_ssh(web)


def test_ctrl_c_leaves_the_machines_running_and_up_takes_them_up_again(cloud: Cloud, web: str) -> None:
    qemu = _qemu(cloud, "web")
    cloud.interrupt()
    assert _qemu(cloud, "web") == qemu
    cloud.wait_for_ssh(web, 20)
    seconds = cloud.up()
    assert _qemu(cloud, "web") == qemu
    cloud.wait_for_status("web", "ACTIVE")
    _pause_and_go_on(cloud)
    cloud.wait_for_ssh(web, 20)
    assert seconds < 60


def test_a_second_cloud_on_the_same_data_is_refused(cloud: Cloud) -> None:
    again = cloud.machine.inside(sys.executable, "-m", "synnefo.up.cli", "up")
    done = subprocess.run(
        again, env=cloud.environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "running already" in done.stderr


def test_down_and_up_bring_everything_back(cloud: Cloud, web: str) -> None:
    cloud.interrupt()
    cloud.down()
    assert not _qemus(cloud)
    assert not _left_on_host(cloud)
    cloud.up()
    cloud.wait_for_status("web", "ACTIVE")
    cloud.wait_for_ssh(web)
    assert cloud.ssh(web, "cat /root/kept").strip() == "kept"


def test_a_guest_that_powers_off_is_noticed(cloud: Cloud, web: str) -> None:
    cloud.ssh(web, "poweroff")
    cloud.wait_for_status("web", "SHUTOFF", 30)


def test_deleting_everything_leaves_nothing(cloud: Cloud, web: str) -> None:
    cloud.openstack("server", "delete", "--wait", "web")
    cloud.openstack("floating", "ip", "delete", web)
    cloud.openstack("network", "delete", "lan")
    assert set(usage(cloud).values()) == {0}
    assert not _qemus(cloud)
    wait_until("no instance directory", lambda: not list((cloud.data / "instances").glob("snf-*")), 10)
    wait_until(
        "no namespace of the network", lambda: f"syn-{cloud.tag}-snf-net-" not in run("ip", "netns"), 20
    )
    rows = cloud.manage("quota-list", "--output-format", "json")
    assert "cyclades.vm" in rows


def _pause_and_go_on(cloud: Cloud) -> None:
    """Have all services work together, and quickly: nothing boots."""
    cloud.openstack("server", "pause", "web")
    cloud.wait_for_status("web", "PAUSED")
    cloud.openstack("server", "unpause", "web")
    cloud.wait_for_status("web", "ACTIVE")


def _boot_id(cloud: Cloud, address: str) -> str:
    try:
        return cloud.ssh(address, "cat /proc/sys/kernel/random/boot_id", timeout_s=8)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return ""


def _qemus(cloud: Cloud) -> list[int]:
    """QEMU processes of this cloud: the ones with a file of its data directory open or in their command."""
    return cloud.qemus()


def _qemu(cloud: Cloud, server: str) -> int:
    rows = _qemus(cloud)
    assert len(rows) == 1, f"{server}: {rows}"
    return rows[0]


def _left_on_host(cloud: Cloud) -> list[str]:
    """What carries the mark of an installation in the machine's own namespace, and its namespaces."""
    links = run("ip", "-n", cloud.machine.name, "-o", "link").splitlines()
    tables = run(*cloud.machine.inside("nft", "list", "tables")).splitlines()
    return [line for line in links + tables if "syn" in line and "synnefo-" not in line]


def _answers(cloud: Cloud) -> bool:
    probe = cloud.machine.inside("curl", "-sf", "-m", "3", f"{cloud.url}/readyz")
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0
