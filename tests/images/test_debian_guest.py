"""The Debian image, built for real and booted in QEMU."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synnefo.cyclades.images.build import BUILDERS

from .conftest import child_disk
from .guest import booted, eventually, make_seed

pytestmark = [pytest.mark.host, pytest.mark.slow]


@pytest.fixture(scope="module")
def debian_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("debian")
    BUILDERS["debian-12"].build(out=folder / "debian.qcow2", workdir=folder / "work")
    return folder / "debian.qcow2"


def test_debian_boots_with_cloud_init_and_starts_again_after_update_grub(
    debian_image: Path, ssh_key: tuple[Path, str], tmp_path: Path
) -> None:
    key, public = ssh_key
    disk = child_disk(debian_image, tmp_path / "disk.qcow2", "5G")
    config = {
        "hostname": "deb1",
        "ssh_authorized_keys": [public],
        "chpasswd": {"expire": False, "list": "root:console-pw\n"},
        "runcmd": [["sh", "-c", "echo ran > /root/ran"]],
    }
    seed = make_seed(
        tmp_path / "seed.iso",
        meta_data="instance-id: i-1\nlocal-hostname: deb1\n",
        user_data="#cloud-config\n" + json.dumps(config),
        network_config="version: 2\nethernets:\n  eth0:\n    dhcp4: true\n",
    )
    with booted(disk, tmp_path / "vm", key, seed=seed, ram_mib=512, tb_size_mib=256, vcpus=2) as guest:
        guest.wait_for_ssh(user="debian", timeout_s=300)
        status = guest.run("cloud-init status --wait", user="debian", timeout_s=240)
        assert status.splitlines()[-1] == "status: done"
        assert guest.run("hostname", user="debian") == "deb1"
        assert guest.run("sudo cat /root/ran", user="debian") == "ran"
        assert 4500 < int(guest.run("df -m --output=size / | tail -n 1", user="debian")) <= 5120
        assert guest.run("systemctl list-units --failed --plain --no-legend", user="debian") == ""
        # What an upgrade of the kernel does; the next start uses its result.
        guest.run("sudo update-grub", user="debian", timeout_s=300)
        assert "root=UUID=" in guest.run("sudo cat /boot/grub/grub.cfg", user="debian")
        guest.run("sudo systemctl reboot", user="debian", check=False)
        eventually(lambda: guest.serial().count("deb1 login:") == 2, timeout_s=300, what="a second start")
        guest.wait_for_ssh(user="debian", timeout_s=120)
        assert "root=UUID=" in guest.run("cat /proc/cmdline", user="debian")
        guest.qmp("system_powerdown")
        eventually(guest.ended, timeout_s=60, what="the power button ends QEMU")
