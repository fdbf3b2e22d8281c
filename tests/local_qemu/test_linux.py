"""What a real Linux sees: files of its user's, a configuration drive, an agent's work, a disk that grows."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from synnefo.cyclades.backends.base import (
    BackendError,
    DiskImage,
    Fence,
    GuestFile,
    GuestSetup,
    InstanceSpec,
    VolumeSpec,
)
from synnefo.cyclades.backends.local import LocalBackend, agent
from tests.cloud import tiny_disk
from tests.contract.kit import wait_until

from . import guests
from .conftest import finish, make_spec

pytestmark = pytest.mark.host

BOOT_S = 300
#: Tells on the console what is asked for, as often as it changes.
TELL = b"""#!/bin/sh
mkdir -p /tmp/c && modprobe isofs && mount -t iso9660 -o ro /dev/vdc /tmp/c
{
echo "TOLD motd $(cat /etc/motd)"
echo "TOLD mode $(stat -c %a /etc/motd)"
echo "TOLD drive $(grep -c '"uuid": "i-linux"' /tmp/c/openstack/latest/meta_data.json)"
echo "TOLD keys $(wc -l < /root/.ssh/authorized_keys)"
echo "TOLD root $(grep -c '^root:.6' /etc/shadow)"
} > /dev/ttyS0
while sleep 1; do
    now="NOW $(cat /sys/block/vdd/size 2>/dev/null) $(cut -d: -f2 /etc/shadow | head -n 1)"
    [ "$now" = "$last" ] || echo "$now" > /dev/ttyS0
    last=$now
done
"""


def test_a_linux_finds_what_it_was_given(backend: LocalBackend, tmp_path: Path) -> None:
    setup = GuestSetup(
        hostname="linux",
        instance_id="i-linux",
        ssh_keys=["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"],
        user_data=TELL,
        files=[GuestFile("/etc/motd", b"welcome", mode=0o640)],
        admin_password="first-secret",
    )
    root = VolumeSpec("linux-root", 1, DiskImage(tiny_disk(), "qcow2"))
    spec = InstanceSpec("linux", 1, 128, [], setup, [root], config_drive=True)
    finish(backend, backend.create(spec, Fence(1, 1)))

    def told(words: str, patience_s: float = 60) -> None:
        shown = lambda: words.encode() in backend.console_log("linux", 65536)  # noqa: E731
        wait_until(shown, patience_s, f"{words!r} on the console")

    for words in ("motd welcome", "mode 640", "drive 1", "keys 2", "root 1"):
        told(f"TOLD {words}", BOOT_S)
    finish(backend, backend.attach_volume("linux", VolumeSpec("data", 1), Fence(2, 1)))
    told(f"NOW {2**21} $6$")
    finish(backend, backend.extend_volume("data", 2, Fence(3, 1)))
    told(f"NOW {2**22} $6$")
    before = backend.console_log("linux", 65536).rstrip().splitlines()[-1]
    finish(backend, backend.set_password("linux", "root", "second-secret", Fence(4, 1)))
    last = lambda: backend.console_log("linux", 65536).rstrip().splitlines()[-1]  # noqa: E731
    wait_until(lambda: last() != before, 60, "another password")
    with pytest.raises(BackendError, match="no such user"):
        backend.set_password("linux", "nobody-here", "third-secret", Fence(5, 1))


def test_without_an_agent_that_is_said(
    backend: LocalBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "ANSWER_S", 1.0)
    spec = dataclasses.replace(make_spec("vm-1", guests.image(tmp_path, guests.DEAF)), vcpus=1)
    finish(backend, backend.create(spec, Fence(1, 1)))
    with pytest.raises(BackendError, match="No agent answers"):
        backend.set_password("vm-1", "root", "secret-1", Fence(2, 1))
