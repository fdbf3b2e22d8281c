"""``synnefo down`` and up again, with a machine that runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cloud import Cloud, run, running_cloud
from tests.e2e.test_story import let_in

pytestmark = pytest.mark.host


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud("down") as running:
        yield running


def test_down_leaves_nothing_on_the_host_and_up_brings_the_machines_back(cloud: Cloud) -> None:
    cloud.openstack("keypair", "create", "--public-key", f"{cloud.key}.pub", "me")
    what = ("--image", "tiny", "--flavor", "C1R128D1local", "--network", "default-net", "--key-name", "me")
    cloud.openstack("server", "create", *what, "kept")
    cloud.wait_for_status("kept", "ACTIVE")
    address = cloud.openstack("floating", "ip", "create", "public")["floating_ip_address"]
    cloud.openstack("server", "add", "floating", "ip", "kept", address)
    let_in(cloud)
    cloud.wait_for_ssh(address)
    cloud.ssh(address, "echo written > /root/note; sync")

    cloud.down()
    assert cloud.qemus() == []
    assert (
        run(*cloud.machine.inside("ip", "-br", "link", "show", "type", "veth")).split()[0].startswith("out0")
    )
    assert "synnefo" not in run(*cloud.machine.inside("nft", "list", "tables"))

    cloud.up()
    cloud.wait_for_status("kept", "ACTIVE")
    cloud.wait_for_ssh(address)
    assert cloud.ssh(address, "cat /root/note").strip() == "written"
