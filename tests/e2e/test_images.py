"""Images as users bring them in, on real machines: uploaded, registered, booted, removed under a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud import Cloud, run, tiny_disk, wait_until
from tests.e2e.test_story import FLAVOR, give_address, make_network


@pytest.fixture(scope="module")
def lan(cloud: Cloud) -> Iterator[str]:
    make_network(cloud, "image-lan")
    yield "image-lan"
    cloud.openstack("network", "delete", "image-lan")


@pytest.fixture(scope="module")
def token(cloud: Cloud) -> dict[str, Any]:
    found: dict[str, Any] = cloud.openstack("token", "issue")
    return found


def kept(cloud: Cloud) -> dict[str, int]:
    """The contents on the host with the files' numbers."""
    directory = cloud.data / "images-cache"
    return {path.name: path.stat().st_ino for path in directory.iterdir() if path.is_file()}


def curl(cloud: Cloud, token: dict[str, Any], *arguments: str) -> str:
    said = ("-sSf", "-m", "120", "-H", f"X-Auth-Token: {token['id']}", *arguments)
    return run(*cloud.machine.inside("curl", *said), timeout_s=150)


def start(cloud: Cloud, name: str, image: str, network: str) -> str:
    """A server made of an image; returns its address, at once."""
    what = ("--image", image, "--flavor", FLAVOR, "--network", network, "--key-name", "me")
    cloud.openstack("server", "create", *what, name)
    cloud.wait_for_status(name, "ACTIVE", 180)
    return give_address(cloud, name)


def name_at(cloud: Cloud, address: str) -> str:
    cloud.wait_for_ssh(address)
    return cloud.ssh(address, "hostname").strip()


@pytest.fixture(scope="module")
def uploaded(cloud: Cloud, lan: str) -> str:
    """The address of a server of an image that was uploaded by the command line."""
    about = ("--disk-format", "qcow2", "--private", "--property", "os=alpine")
    made = cloud.openstack("image", "create", "--file", str(tiny_disk()), *about, "uploaded")
    assert (made["status"], made["size"]) == ("active", tiny_disk().stat().st_size)
    return start(cloud, "third", "uploaded", lan)


def test_a_file_is_uploaded_registered_and_booted(
    cloud: Cloud, lan: str, token: dict[str, Any], uploaded: str
) -> None:
    [endpoint] = [
        row["url"]
        for row in cloud.openstack("catalog", "show", "object-store")["endpoints"]
        if row["interface"] == "public"
    ]
    curl(cloud, token, "-X", "PUT", f"{endpoint}/disks")
    curl(cloud, token, "-T", str(tiny_disk()), "-H", "Content-Type: x/disk", f"{endpoint}/disks/own.qcow2")
    location = f"pithos://{token['project_id']}/disks/own.qcow2"
    headers = ("-H", "X-Image-Meta-Name: own", "-H", f"X-Image-Meta-Location: {location}")
    said = curl(cloud, token, "-i", "-X", "POST", *headers, f"{cloud.url}/cyclades/image/v1.0/images/")
    assert "X-Image-Meta-Status: AVAILABLE".lower() in said.lower()

    first = start(cloud, "first", "own", lan)
    assert name_at(cloud, first) == "first"
    before = kept(cloud)

    curl(cloud, token, "-X", "DELETE", f"{endpoint}/disks/own.qcow2")
    second = start(cloud, "second", "own", lan)
    assert kept(cloud) == before, "the second one found its content on the host"
    curl(cloud, token, "-X", "DELETE", f"{cloud.url}/cyclades/image/v1.0/images/{_id_in(said)}")
    cloud.openstack("server", "reboot", "--hard", "first")
    cloud.wait_for_status("first", "ACTIVE")
    assert name_at(cloud, second) == "second", "the image outlives its file"
    assert name_at(cloud, first) == "first", "and servers their image"
    cloud.openstack("server", "delete", "--wait", "first", "second")
    cloud.openstack("floating", "ip", "delete", first, second)


def test_an_image_is_uploaded_and_booted_by_the_command_line(cloud: Cloud, uploaded: str) -> None:
    assert name_at(cloud, uploaded) == "third"
    cloud.openstack("image", "delete", "uploaded")
    cloud.openstack("server", "delete", "--wait", "third")
    cloud.openstack("floating", "ip", "delete", uploaded)


def test_the_sample_image_is_a_file_of_the_administrator(cloud: Cloud) -> None:
    rows = json.loads(cloud.manage("image-list", "-o", "name,location", "--output-format", "json"))
    [location] = [row["location"] for row in rows if row["name"] == "tiny"]
    assert location.startswith("pithos://")
    assert wait_until("blocks", lambda: list((cloud.data / "pithos" / "blocks").glob("[0-9a-f]*/*")), 5)


def _id_in(said: str) -> str:
    [line] = [line for line in said.splitlines() if line.lower().startswith("x-image-meta-id:")]
    return line.partition(":")[2].strip()
