"""The tiny image, built for real and booted in QEMU."""

from __future__ import annotations

import http.server
import json
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from .conftest import child_disk
from .guest import Guest, booted, eventually, make_key, make_seed

pytestmark = pytest.mark.host

MIB = 1024 * 1024


def cloud_config(**values: object) -> str:
    return "#cloud-config\n" + json.dumps(values)


def root_mib(guest: Guest) -> int:
    return int(guest.run("df -m / | awk 'NR == 2 { print $2 }'"))


def test_the_image_is_small(tiny_image: Path) -> None:
    assert tiny_image.stat().st_size < 40 * MIB


def test_first_boot_sets_up_the_machine_and_a_reboot_keeps_it(
    tiny_image: Path, ssh_key: tuple[Path, str], tmp_path: Path
) -> None:
    key, public = ssh_key
    disk = child_disk(tiny_image, tmp_path / "disk.qcow2", "2G")
    user_data = f"""#cloud-config
hostname: web1
ssh_authorized_keys:
  - {public}
ssh_pwauth: true
chpasswd:
  expire: false
  list: |
    root:console-pw
write_files:
- path: /etc/app/one.conf
  permissions: '0640'
  content: |
    first
      second \\n
- path: /etc/app/two
  encoding: b64
  content: aGVsbG8=
runcmd:
- [sh, -c, "echo \\"it's $1\\" > /root/list", x, "two words"]
- echo line >> /root/line
"""
    seed = make_seed(
        tmp_path / "seed.iso", meta_data="instance-id: i-1\nlocal-hostname: ignored\n", user_data=user_data
    )
    with booted(disk, tmp_path / "vm", key, seed=seed) as guest:
        guest.wait_for_ssh()
        guest.wait_for_console("synnefo-tiny: ready web1 10.0.2.15")
        assert guest.run("hostname") == "web1"
        assert guest.run("id -un", user="user") == "user"
        assert 1800 < root_mib(guest) <= 2048
        assert guest.run("cat /etc/app/one.conf") == "first\n  second \\n"
        assert guest.run("stat -c %a /etc/app/one.conf") == "640"
        assert guest.run("cat /etc/app/two") == "hello"
        eventually(lambda: guest.run("cat /root/line", check=False), timeout_s=20, what="runcmd")
        assert guest.run("cat /root/list") == "it's two words"
        assert guest.accepts_password("root", "console-pw")
        assert not guest.accepts_password("root", "another")
        assert not guest.accepts_password("user", "")
        host_key = guest.host_key()

        guest.run("echo kept > /root/file && reboot")
        eventually(lambda: guest.serial().count("ready web1") == 2, timeout_s=90, what="a second start")
        guest.wait_for_ssh()
        assert guest.run("cat /root/file") == "kept"
        assert guest.run("cat /root/line") == "line"
        assert guest.host_key() == host_key

        type_login(guest, "root", "console-pw", "touch /root/typed\n")

        guest.qmp("system_powerdown")
        eventually(guest.ended, timeout_s=15, what="the power button ends QEMU")
        assert guest.process.returncode == 0


def type_login(guest: Guest, name: str, password: str, then: str) -> None:
    """Log in on the screen, as somebody at the VNC console does."""

    def on_screen() -> str:
        return guest.run("tr -d '\\0' < /dev/vcs1 | fold -w 80 | sed 's/ *$//' | grep .", check=False)

    eventually(lambda: on_screen().endswith("login:"), timeout_s=20, what="a prompt on the screen")
    guest.type_keys(f"{name}\n")
    eventually(lambda: on_screen().endswith("Password:"), timeout_s=20, what="the question for the password")
    guest.type_keys(f"{password}\n")
    eventually(lambda: on_screen().endswith("#"), timeout_s=20, what="a shell on the screen")
    guest.type_keys(then)
    eventually(
        lambda: guest.ssh("test -e /root/typed").returncode == 0, timeout_s=20, what="the typed command"
    )


def test_a_new_instance_gets_its_own_name_keys_and_host_keys_and_a_larger_disk_is_used(
    tiny_image: Path, ssh_key: tuple[Path, str], tmp_path: Path
) -> None:
    key, public = ssh_key
    first = child_disk(tiny_image, tmp_path / "first.qcow2", "1G")
    seed = make_seed(
        tmp_path / "a.iso",
        meta_data=json.dumps(
            {"instance-id": "i-1", "local-hostname": "one", "public-keys": {"mine": public}}
        ),
    )
    # An IDE CD-ROM on the older machine type; only metadata, no user-data.
    with booted(first, tmp_path / "a", key, seed=seed, cdrom=True, machine="pc") as guest:
        guest.wait_for_ssh()
        assert guest.run("hostname") == "one"
        assert not guest.accepts_password("root", "")
        host_key = guest.host_key()
        guest.qmp("system_powerdown")
        eventually(guest.ended, timeout_s=15, what="power off")

    other_key, other_public = make_key(tmp_path)
    second = child_disk(first, tmp_path / "second.qcow2", "20G")
    seed = make_seed(
        tmp_path / "b.iso",
        meta_data="instance-id: i-2\nlocal-hostname: two.example.org\n",
        user_data=cloud_config(users=["default", {"name": "ann", "ssh_authorized_keys": [other_public]}]),
    )
    with booted(second, tmp_path / "b", other_key, seed=seed) as guest:
        guest.wait_for_ssh(user="ann")
        assert guest.run("hostname", user="ann") == "two"
        assert guest.host_key() != host_key
        guest.wait_for_console("ready two")
        assert 19000 < int(guest.run("df -m / | awk 'NR == 2 { print $2 }'", user="ann")) <= 20480
        assert guest.ssh("true").returncode == 255, "root's keys of the former instance are gone"
        guest.key = key
        assert guest.ssh("true").returncode == 255, "the former key opens nothing"
        guest.qmp("system_powerdown")
        eventually(guest.ended, timeout_s=15, what="power off")


class _Metadata(http.server.BaseHTTPRequestHandler):
    answers: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        body = self.answers.get(self.path.removeprefix("/2009-04-04/"))
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len((body or "").encode())))
        self.end_headers()
        self.wfile.write((body or "").encode())

    def log_message(self, *_: object) -> None:
        """Keep the test's output readable."""


@pytest.fixture
def metadata_port(ssh_key: tuple[Path, str]) -> Iterator[int]:
    _Metadata.answers = {
        "meta-data/instance-id": "i-m",
        "meta-data/local-hostname": "from-metadata",
        "meta-data/public-keys/": "0=mine",
        "meta-data/public-keys/0/openssh-key": ssh_key[1] + "\n",
        "user-data": '#!/bin/sh\necho "$(id -un) at $(hostname)" > /root/ran\necho said on the console\n',
    }
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Metadata)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_without_a_seed_the_metadata_service_is_asked_and_a_script_is_run(
    tiny_image: Path, ssh_key: tuple[Path, str], tmp_path: Path, metadata_port: int
) -> None:
    disk = child_disk(tiny_image, tmp_path / "disk.qcow2", "1G")
    pipe = f"{sys.executable} {Path(__file__).with_name('pipe.py')} {metadata_port}"
    forward = f"guestfwd=tcp:169.254.169.254:80-cmd:{pipe}"
    network = f"net=169.254.0.0/16,dhcpstart=169.254.0.15,{forward}"
    with booted(disk, tmp_path / "vm", ssh_key[0], network=network) as guest:
        guest.wait_for_ssh()
        guest.wait_for_console("synnefo-tiny: ready from-metadata")
        guest.wait_for_console("said on the console")
        assert guest.run("cat /root/ran") == "root at from-metadata"


def test_a_card_plugged_in_later_gets_its_address(
    tiny_image: Path, ssh_key: tuple[Path, str], tmp_path: Path
) -> None:
    key, public = ssh_key
    disk = child_disk(tiny_image, tmp_path / "disk.qcow2", "1G")
    keys = cloud_config(ssh_authorized_keys=[public])
    seed = make_seed(tmp_path / "seed.iso", meta_data="instance-id: i\n", user_data=keys)
    with booted(disk, tmp_path / "vm", key, seed=seed, machine="pc") as guest:
        guest.wait_for_ssh()
        guest.qmp("netdev_add", type="user", id="net1", net="10.9.9.0/24")
        guest.qmp("device_add", driver="virtio-net-pci", id="nic1", netdev="net1")
        eventually(lambda: "10.9.9.15" in guest.run("ip -4 addr"), timeout_s=20, what="the second address")
        assert guest.run("ip route get 1.1.1.1").split()[2] == "10.0.2.2", "the first card stays the way out"
        guest.qmp("device_del", id="nic1")
        is_there = "ip link; ls /run/synnefo/net"
        eventually(lambda: "eth1" not in guest.run(is_there), timeout_s=20, what="its removal")


def test_a_machine_that_nobody_tells_anything_has_a_prompt_and_lets_nobody_in(
    tiny_image: Path, ssh_key: tuple[Path, str], tmp_path: Path
) -> None:
    disk = child_disk(tiny_image, tmp_path / "disk.qcow2", "1G")
    with booted(disk, tmp_path / "vm", ssh_key[0], network="restrict=on", ram_mib=96) as guest:
        guest.wait_for_console("synnefo-tiny login:")
        guest.wait_for_console("synnefo-tiny: ready synnefo-tiny")
        with socket.create_connection(("127.0.0.1", guest.port), timeout=10) as probe:
            assert probe.recv(3) == b"SSH"
        assert guest.ssh("true").returncode == 255
