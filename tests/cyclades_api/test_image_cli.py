"""The unmodified ``openstack`` command line brings images in, changes, saves and removes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import People

OPENSTACK = Path(sys.executable).parent / "openstack"


@pytest.fixture
def openstack(live_server: Any, cloud: People, tmp_path: Path) -> Callable[..., Any]:
    """Alice's; returns what it prints, as JSON where it has any."""

    def run(*arguments: str, as_json: bool = True, fails: bool = False) -> Any:
        done = subprocess.run(
            [str(OPENSTACK), *arguments, *(("-f", "json") if as_json else ())],
            env={
                "PATH": os.defpath, "HOME": str(tmp_path), "OS_AUTH_TYPE": "token",
                "OS_AUTH_URL": f"{live_server.url}/astakos/identity/v3", "OS_IDENTITY_API_VERSION": "3",
                "OS_TOKEN": cloud.alice.token, "OS_PROJECT_ID": cloud.alice.caller.project,
            },
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert bool(done.returncode) is fails, f"openstack {arguments}: {said}"
        return json.loads(done.stdout) if as_json and not fails else said

    return run


def test_an_images_life(openstack: Callable[..., Any], cloud: People, tmp_path: Path) -> None:
    disk, saved = tmp_path / "disk.raw", tmp_path / "saved.raw"
    disk.write_bytes(b"\xeb\x63\x90" + os.urandom(9 * 1024 * 1024))
    about = (
        "--disk-format",
        "raw",
        "--container-format",
        "bare",
        "--private",
        "--property",
        "os_distro=debian",
    )
    made = openstack("image", "create", "--file", str(disk), *about, "--min-disk", "2", "mine")
    assert (made["status"], made["size"], made["visibility"]) == ("active", disk.stat().st_size, "private")
    assert made["properties"]["os_distro"] == "debian"
    assert [row["Name"] for row in openstack("image", "list", "--private")] == ["mine"]
    openstack(
        "image", "set", "--property", "users=root", "--name", "ours", "--min-ram", "64", "mine", as_json=False
    )
    openstack("image", "unset", "--property", "os_distro", "ours", as_json=False)
    shown = openstack("image", "show", "ours")
    assert (shown["min_disk"], shown["min_ram"], shown["properties"]["users"]) == (2, 64, "root")
    assert "os_distro" not in shown["properties"]
    openstack("image", "save", "--file", str(saved), "ours", as_json=False)
    assert saved.read_bytes() == disk.read_bytes()
    assert openstack("image", "member", "list", "ours") == []
    assert "403" in openstack("image", "set", "--public", "ours", as_json=False, fails=True)
    openstack("image", "delete", "ours", as_json=False)
    assert [row["Name"] for row in openstack("image", "list")] == ["tiny"]


def test_what_is_no_disk_is_said(openstack: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "x.vmdk").write_bytes(b"KDMV" + bytes(1000))
    said = openstack("image", "create", "--file", str(tmp_path / "x.vmdk"), "x", as_json=False, fails=True)
    assert "This is no usable disk image: its vmdk header makes no sense." in said


def test_an_image_is_shared_with_a_project_that_one_may_not_look_at(
    openstack: Callable[..., Any], cloud: People, tmp_path: Path
) -> None:
    disk = tmp_path / "disk.raw"
    disk.write_bytes(b"\xeb\x63\x90" + bytes(1024 * 1024))
    about = ("--disk-format", "raw", "--container-format", "bare", "--shared")
    openstack("image", "create", "--file", str(disk), *about, "mine")
    bobs = cloud.bob.caller.project
    assert openstack("image", "add", "project", "mine", bobs)["member_id"] == bobs
    assert [row["Member ID"] for row in openstack("image", "member", "list", "mine")] == [bobs]
    openstack("image", "remove", "project", "mine", bobs, as_json=False)
    assert openstack("image", "member", "list", "mine") == []
