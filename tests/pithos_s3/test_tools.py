"""Tools that people use, as they come: what one of them writes is the same through Pithos and Swift."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.pithos_s3.server import MIB, Server
from tests.pithos_s3.test_boto_multipart import pattern
from tests.pithos_server.servers import Group

pytestmark = pytest.mark.host

FILES = {
    "empty": b"", "small.txt": b"hello", "dir/with space": b"x" * 5000, "dir/sub/ümlaut": "ä".encode() * 100,
    "block": pattern(4 * MIB), "large": pattern(17 * MIB + 3, 7),
}  # fmt: skip


@pytest.fixture(scope="module")
def objects(server: Server) -> Iterator[Group]:
    """The other faces, on the same data."""
    with server.cloud.group("granian", "objects") as group:
        yield group


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "tree"


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def run(*command: str, timeout_s: float = 120, **environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout_s, env={**inherited, **environment}
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def check_other_faces(objects: Group, bucket: str, expected: dict[str, bytes]) -> None:
    """Each object is read whole through Pithos' and Swift's face."""
    account = objects.cloud.account
    for base in (f"/pithos/object-store/v1/{account}", f"/pithos/object-store/swift/v1/AUTH_{account}"):
        for name, data in expected.items():
            status, _headers, found = objects.request("GET", f"{base}/{bucket}/{quote(name)}")
            assert (status, hashlib.sha256(found).digest()) == (200, hashlib.sha256(data).digest())
        status, _, listed = objects.request("GET", f"{base}/{bucket}")
        assert listed.decode().splitlines() == sorted(expected, key=str.encode)


def test_rclone(server: Server, objects: Group, bucket: str, tree: Path, tmp_path: Path) -> None:
    config = tmp_path / "rclone.conf"
    config.write_text(
        f"[cloud]\ntype = s3\nprovider = Other\nendpoint = {server.url}\nforce_path_style = true\n"
        f"access_key_id = {server.alice.access}\nsecret_access_key = {server.alice.secret}\n"
    )

    def rclone(*arguments: str) -> str:
        return run("rclone", "--config", str(config), "--retries", "1", *arguments)

    rclone("sync", str(tree), f"cloud:{bucket}", "--s3-upload-cutoff", "6M", "--s3-chunk-size", "5M")
    rclone("check", str(tree), f"cloud:{bucket}")
    check_other_faces(objects, bucket, FILES)
    assert "0 differences" in rclone("check", "--download", str(tree), f"cloud:{bucket}")
    (tree / "small.txt").write_bytes(b"changed")
    (tree / "block").unlink()
    rclone("sync", str(tree), f"cloud:{bucket}")
    rclone("copy", f"cloud:{bucket}/dir", f"cloud:{bucket}-copy/dir")
    rclone("moveto", f"cloud:{bucket}/large", f"cloud:{bucket}/moved", "--s3-copy-cutoff", "6M")
    rclone("copy", f"cloud:{bucket}", str(tmp_path / "back"))
    (tree / "large").rename(tree / "moved")
    assert contents(tmp_path / "back") == contents(tree)
    assert rclone("lsf", f"cloud:{bucket}-copy/dir").split("\n")[:2] == ["sub/", "with space"]
    rclone("purge", f"cloud:{bucket}-copy")
    check_other_faces(objects, bucket, contents(tree))


def test_s3cmd(server: Server, objects: Group, bucket: str, tree: Path, tmp_path: Path) -> None:
    host = server.url.removeprefix("http://")
    config = tmp_path / "s3cfg"
    config.write_text(
        f"[default]\naccess_key = {server.alice.access}\nsecret_key = {server.alice.secret}\n"
        f"host_base = {host}\nhost_bucket = {host}\nuse_https = False\nsignature_v2 = False\n"
    )
    program = shutil.which("s3cmd", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert program

    def s3cmd(*arguments: str) -> str:
        return run(program, "-c", str(config), "--no-progress", *arguments)

    other = f"s3://{bucket}-2"
    s3cmd("mb", other)
    s3cmd("put", "--multipart-chunk-size-mb=5", str(tree / "large"), f"{other}/large")
    s3cmd("put", str(tree / "small.txt"), f"{other}/small", "--acl-public", "--mime-type=text/x")
    assert f"{17 * MIB + 3}" in s3cmd("ls", other)
    s3cmd("get", f"{other}/large", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == FILES["large"]
    assert "text/x" in s3cmd("info", f"{other}/small")
    s3cmd("cp", f"{other}/small", f"{other}/copy")
    s3cmd("mv", f"{other}/copy", f"{other}/moved")
    check_other_faces(
        objects,
        f"{bucket}-2",
        {"large": FILES["large"], "small": FILES["small.txt"], "moved": FILES["small.txt"]},
    )
    s3cmd("sync", f"{tree}/", f"s3://{bucket}/")
    check_other_faces(objects, bucket, FILES)
    s3cmd("sync", f"s3://{bucket}/", f"{tmp_path / 'synced'}/")
    assert contents(tmp_path / "synced") == contents(tree)
    s3cmd("del", f"{other}/small")
    s3cmd("rb", "--recursive", "--force", other)
    assert other not in s3cmd("ls")


def test_restic(server: Server, objects: Group, bucket: str, tree: Path, tmp_path: Path) -> None:
    def restic(*arguments: str) -> str:
        return run(
            "restic", "-r", f"s3:{server.url}/{bucket}/backup", "--no-cache", *arguments,
            AWS_ACCESS_KEY_ID=server.alice.access, AWS_SECRET_ACCESS_KEY=server.alice.secret,
            RESTIC_PASSWORD="secret",
        )  # fmt: skip

    restic("init")
    restic("backup", str(tree))
    (tree / "small.txt").write_bytes(b"changed")
    (tree / "block").unlink()
    restic("backup", str(tree))
    restic("check", "--read-data")
    restic("forget", "--keep-last", "1", "--prune")
    restic("check")
    restic("restore", "latest", "--target", str(tmp_path / "back"))
    assert contents(tmp_path / "back" / str(tree).lstrip("/")) == contents(tree)
    s3 = server.client(server.alice)
    listed = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    check_other_faces(
        objects, bucket, {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in listed}
    )
