"""What the builders share."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from synnefo.cyclades.images.build import BUILDERS, BuildError, common


def test_missing_tools_are_named_by_package_with_the_command_that_installs_them() -> None:
    tools = [
        common.Tool("sh", "dash"),
        common.Tool("no-such-command", "package-b"),
        common.Tool("/no/such/file", "package-a"),
    ]
    with pytest.raises(
        BuildError, match=r"apt-get install --no-install-recommends package-a package-b"
    ) as error:
        common.require(tools)
    assert "dash" not in str(error.value)


def test_a_failing_command_tells_what_it_complained_of() -> None:
    with pytest.raises(BuildError, match=r"ls .*status 2.*/no/such/folder"):
        common.run(["ls", "/no/such/folder"], timeout_s=10)


def test_a_hanging_command_is_ended() -> None:
    with pytest.raises(BuildError, match="did not end within"):
        common.run(["sleep", "60"], timeout_s=0.2)


def test_a_workspace_is_empty_at_the_start_and_gone_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "left by a killed build").touch()
    with common.workspace(tmp_path, "one") as space:
        assert list(space.iterdir()) == []
        (space / "file").touch()
    assert not space.exists()
    with contextlib.suppress(ZeroDivisionError), common.workspace(tmp_path, "one") as space:
        raise ZeroDivisionError
    assert not space.exists()


def test_one_build_at_a_time_uses_a_workspace(tmp_path: Path) -> None:
    with common.workspace(tmp_path, "one") as space:
        with pytest.raises(BuildError, match="being built already"), common.workspace(tmp_path, "one"):
            pass
        assert space.exists()
        with common.workspace(tmp_path, "two"):
            pass


def test_a_failed_build_leaves_the_former_image_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "image"
    out.write_text("old")
    with contextlib.suppress(ZeroDivisionError), common.published(out) as partial:
        partial.write_text("half")
        raise ZeroDivisionError
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]
    with common.published(out) as partial:
        partial.write_text("new")
        assert out.read_text() == "old"
    assert out.read_text() == "new"
    assert list(tmp_path.iterdir()) == [out]


def test_the_partition_table_is_one_that_sfdisk_reads(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with disk.open("wb") as image:
        image.truncate(8 * common.MIB)
        image.write(
            common.mbr(
                b"code",
                [
                    common.Partition(0x0E, common.MIB, 2, bootable=True),
                    common.Partition(0x83, 3 * common.MIB, 5),
                ],
            )
        )
    fields = "start,sectors,type,boot"
    argv = ["/sbin/sfdisk", "--list", "--output", fields, str(disk)]
    listing = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
    assert [line.split()[:3] for line in listing[-2:]] == [
        ["2048", "4096", "W95"],
        ["6144", "10240", "Linux"],
    ]
    assert "*" in listing[-2]


def test_every_builder_says_what_it_needs_and_what_clients_see() -> None:
    assert set(BUILDERS) == {"tiny", "debian-12"}
    for name, builder in BUILDERS.items():
        assert builder.name == name
        assert "qemu-utils" in builder.prerequisites()
        assert builder.properties["osfamily"] == "linux"
        assert builder.properties["root_partition"] in {"1", "2"}
        assert builder.default_user in builder.properties["users"].split()


def test_an_image_cannot_be_built_into_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        target = Path("/proc/image")
    else:
        tmp_path.chmod(0o500)
        target = tmp_path / "image"
    with pytest.raises(OSError, match="image"), common.published(target) as partial:
        partial.write_text("x")
