"""The real kamaki 0.16, unmodified, on a served cloud. It needs CPython 2.7 and is left out without."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synnefo.cyclades.images import rules as images
from synnefo.cyclades.networks.models import IPAddress
from synnefo.cyclades.servers.models import Server
from tests import old_kamaki
from tests.conftest import People
from tests.cyclades_synnefo.conftest import PUBLIC_KEY


@dataclasses.dataclass(frozen=True)
class Kamaki:
    """The command line of somebody."""

    python: str
    packages: Path
    home: Path

    def __call__(self, *arguments: str, fails: bool = False) -> str:
        """What it prints."""
        command = [self.python, str(self.packages / "bin/kamaki"), "-c", str(self.home / "kamakirc")]
        done = subprocess.run(
            [*command, *arguments],
            env={"PYTHONPATH": str(self.packages), "HOME": str(self.home), "PATH": os.defpath},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = done.stdout + done.stderr
        assert bool(done.returncode) is fails, f"kamaki {arguments}: {said}"
        return said if fails else done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--output-format", "json"))


@pytest.fixture(scope="module")
def installed(pytestconfig: pytest.Config) -> tuple[str, Path]:
    """The interpreter, and the directory of kamaki and what it needs."""
    python = old_kamaki.python27()
    if python is None:
        pytest.skip("by design: there is no CPython 2.7 with pip here")
    packages = pytestconfig.cache.mkdir(f"kamaki-{old_kamaki.VERSION}")  # type: ignore[union-attr]
    old_kamaki.install(python, packages)
    return python, packages


@pytest.fixture
def kamaki(installed: tuple[str, Path], live_server: Any, cloud: People, tmp_path: Path) -> Kamaki:
    """Alice's, set up as ``kamakirc`` sets it up."""
    (tmp_path / "kamakirc").write_text(
        '[global]\ndefault_cloud = synnefo\n\n[cloud "synnefo"]\n'
        f"url = {live_server.url}/astakos/identity/v2.0\ntoken = {cloud.alice.token}\n"
    )
    return Kamaki(*installed, tmp_path)


@pytest.fixture
def web(kamaki: Kamaki, flavor: Any, image: Any, settle: Callable[[], None]) -> str:
    """The id of a running server on a network of its own, made by kamaki."""
    kamaki("keypair", "upload", "--key-name", "laptop", "--public-key", PUBLIC_KEY)
    network = kamaki.json("network", "create", "--name", "lan")["id"]
    kamaki("subnet", "create", "--network-id", network, "--cidr", "10.0.0.0/24")
    what = ("--name", "web", "--flavor-id", str(flavor.pk), "--image-id", image.uuid)
    made = kamaki.json("server", "create", *what, "--network", network, "--key-name", "laptop")
    assert made["adminPass"]
    settle()
    return str(made["id"])


def test_what_there_is(kamaki: Kamaki, flavor: Any, image: Any) -> None:
    assert [row["name"] for row in kamaki.json("flavor", "list")] == [flavor.name]
    assert kamaki.json("flavor", "info", str(flavor.pk))["ram"] == flavor.ram
    assert [row["name"] for row in kamaki.json("imagecompute", "list")] == ["tiny"]
    assert kamaki.json("imagecompute", "info", image.uuid)["metadata"] == {"os": "linux"}
    assert kamaki.json("image", "info", image.uuid)["properties"] == {"os": "linux"}
    assert [row["name"] for row in kamaki.json("network", "list")] == ["public"]
    assert kamaki.json("server", "list") == []


def test_a_servers_life(kamaki: Kamaki, web: str, settle: Callable[[], None]) -> None:
    shown = kamaki.json("server", "info", web)
    assert (shown["status"], shown["metadata"]) == ("ACTIVE", {"os": "linux"})
    assert shown["key_name"] == "laptop"
    [row] = kamaki.json("server", "list", "-l")
    assert row["attachments"][0]["ipv4"] == "10.0.0.2"
    kamaki("server", "modify", web, "--name", "renamed")
    kamaki("server", "modify", web, "--metadata-set", "colour=blue")
    kamaki("server", "modify", web, "--metadata-del", "os")
    shown = kamaki.json("server", "info", web)
    assert (shown["name"], shown["metadata"]) == ("renamed", {"colour": "blue"})
    for action, status in (("shutdown", "STOPPED"), ("start", "ACTIVE"), ("reboot", "ACTIVE")):
        kamaki("server", action, web)
        settle()
        assert kamaki.json("server", "info", web)["status"] == status
    assert kamaki.json("server", "info", web, "--diagnostics") == []
    assert "501" in kamaki("server", "info", web, "--stats", fails=True), "there is no statistics service"
    assert "already ACTIVE" in kamaki("server", "start", web, fails=True)
    kamaki("server", "delete", web)
    settle()
    assert kamaki.json("server", "list") == []
    assert Server.objects.get().deleted


def test_networks_ports_addresses_and_keys(kamaki: Kamaki, web: str, settle: Callable[[], None]) -> None:
    [public, lan] = kamaki.json("network", "list", "-l")
    assert (public["type"], lan["type"]) == ("CUSTOM", "MAC_FILTERED")
    kamaki("network", "modify", lan["id"], "--name", "renamed")
    assert kamaki.json("network", "info", lan["id"])["name"] == "renamed"
    assert len(kamaki.json("subnet", "list")) == 2
    [port] = kamaki.json("port", "list")
    shown = kamaki.json("port", "info", port["id"])
    assert (shown["device_id"], shown["fixed_ips"][0]["ip_address"]) == (web, "10.0.0.2")
    [more] = kamaki.json("port", "create", "--network-id", lan["id"], "--device-id", web, "--name", "second")
    settle()
    assert kamaki.json("port", "info", more["id"])["status"] == "ACTIVE"
    kamaki("port", "modify", more["id"], "--name", "other")
    assert kamaki.json("port", "info", more["id"])["name"] == "other"
    kamaki("port", "delete", more["id"])
    settle()
    assert [row["id"] for row in kamaki.json("port", "list")] == [port["id"]]
    assert kamaki.json("subnet", "info", lan["subnets"][0])["subnet"]["cidr"] == "10.0.0.0/24"
    kamaki("subnet", "modify", lan["subnets"][0], "--name", "sub")
    assert "409" in kamaki("network", "delete", lan["id"], fails=True)
    assert [row["name"] for row in kamaki.json("keypair", "list")] == ["laptop"]
    kamaki("keypair", "delete", "laptop")
    assert kamaki.json("keypair", "list") == []


def test_a_floating_ip_is_made_attached_detached_and_given_back(
    kamaki: Kamaki, web: str, settle: Callable[[], None]
) -> None:
    address = kamaki.json("ip", "create")
    assert [row["id"] for row in kamaki.json("ip", "list")] == [address["id"]]
    kamaki("ip", "attach", address["id"], "--server-id", web)
    settle()
    assert kamaki.json("ip", "info", address["id"])["instance_id"] == web
    [_, card] = kamaki.json("server", "info", web, "--nics")["attachments"]
    assert (card["ipv4"], card["OS-EXT-IPS:type"]) == (address["floating_ip_address"], "floating")
    assert "409" in kamaki("ip", "delete", address["id"], fails=True)
    kamaki("ip", "detach", address["id"])
    settle()
    assert kamaki.json("ip", "info", address["id"])["port_id"] is None
    kamaki("ip", "delete", address["id"])
    assert not IPAddress.objects.filter(floating_ip=True).exists()


def test_a_server_is_made_on_the_public_network(
    kamaki: Kamaki, flavor: Any, image: Any, public_network: Any, settle: Callable[[], None]
) -> None:
    address = kamaki.json("ip", "create")["floating_ip_address"]
    what = ("--name", "open", "--flavor-id", str(flavor.pk), "--image-id", image.uuid)
    made = kamaki.json("server", "create", *what, "--network", f"{public_network.pk},{address}")
    settle()
    [card] = kamaki.json("server", "info", str(made["id"]), "--nics")["attachments"]
    assert card["ipv4"] == address


def test_who_i_am_and_what_i_may_use(kamaki: Kamaki, web: str, cloud: People) -> None:
    me = cloud.alice.user
    assert kamaki.json("user", "authenticate")["access"]["user"]["id"] == me.uuid
    assert kamaki.json("user", "info")["id"] == me.uuid
    assert kamaki.json("user", "uuid2name", me.uuid) == {me.uuid: me.username}
    assert kamaki.json("user", "name2uuid", me.username) == {me.username: me.uuid}
    quotas = kamaki.json("quota", "list")[me.uuid]
    assert quotas["cyclades.vm"]["usage"] == 1
    assert "cyclades.vm" in kamaki.json("resource", "list")


def test_files(kamaki: Kamaki, tmp_path: Path) -> None:
    big, small = tmp_path / "big.bin", tmp_path / "small.txt"
    big.write_bytes(os.urandom(9 * 1024 * 1024))
    small.write_text("a few words\n")
    kamaki("container", "create", "box")
    kamaki("file", "mkdir", "/box/docs")
    kamaki("file", "upload", str(big), "/box/docs/big.bin")
    kamaki("file", "upload", str(small), "/box/small.txt")
    listed = kamaki.json("file", "list", "/box")
    assert [row["name"] for row in listed] == ["docs", "docs/big.bin", "small.txt"]
    shown = kamaki.json("file", "info", "/box/docs/big.bin")
    assert shown["content-length"] == str(big.stat().st_size)
    kamaki("file", "download", "/box/docs/big.bin", str(tmp_path / "again.bin"))
    assert (tmp_path / "again.bin").read_bytes() == big.read_bytes()
    assert kamaki("file", "cat", "/box/small.txt").endswith("a few words\n")
    kamaki("file", "copy", "/box/small.txt", "/box/copy.txt")
    kamaki("file", "move", "/box/copy.txt", "/box/moved.txt")
    kamaki("file", "append", str(small), "/box/moved.txt")
    assert kamaki("file", "cat", "/box/moved.txt").count("a few words") == 2
    kamaki("file", "modify", "/box/moved.txt", "--metadata-add", "colour=blue")
    assert "blue" in str(kamaki.json("file", "info", "/box/moved.txt"))
    kamaki("file", "delete", "/box/moved.txt", "--yes")
    assert "404" in kamaki("file", "info", "/box/moved.txt", fails=True)
    assert [row["name"] for row in kamaki.json("container", "list")] == ["box"]
    kamaki("container", "delete", "box", "-r", "--yes")
    assert kamaki.json("container", "list") == []


def test_a_file_is_uploaded_registered_shared_and_unregistered(
    kamaki: Kamaki, cloud: People, tmp_path: Path
) -> None:
    disk = tmp_path / "my disk.raw"
    disk.write_bytes(b"\xeb\x63\x90" + os.urandom(5 * 1024 * 1024))
    kamaki("container", "create", "disks")
    kamaki("file", "upload", str(disk), "/disks/my disk.raw")
    made = kamaki.json(
        "image", "register", "--name", "My Debian", "--location", "/disks/my disk.raw", "-p", "OS=debian",
        "-p", "description=for all", "--no-metafile-upload",
    )  # fmt: skip
    uuid = made["id"]
    assert made["location"] == f"pithos://{cloud.alice.user.uuid}/disks/my disk.raw"
    assert (made["size"], made["disk-format"]) == (str(disk.stat().st_size), "diskdump")
    shown = kamaki.json("image", "info", uuid)
    assert (shown["name"], shown["properties"]) == (
        "My Debian",
        {"os": "debian", "description": "for all"},
    )
    kamaki("image", "modify", uuid, "-p", "users=root", "--name", "Debian")
    kamaki("imagecompute", "modify", uuid, "--property-del", "os")
    shown = kamaki.json("image", "info", uuid)
    assert (shown["name"], shown["properties"]) == ("Debian", {"description": "for all", "users": "root"})
    kamaki("image", "modify", uuid, "--member-add", cloud.bob.user.uuid)
    assert images.get(cloud.bob.caller, uuid).name == "Debian"
    assert "403" in kamaki("image", "modify", uuid, "--public", fails=True), "administrators alone publish"
    kamaki("image", "unregister", uuid)
    assert "404" in kamaki("image", "info", uuid, fails=True)
    assert "my disk.raw" in kamaki("file", "list", "/disks")
