"""Real clients: litmus (the protocol's own suite), rclone, cadaver, and davfs2 where disks can be mounted."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pithos_server.servers import Cloud, Group, prepared
from tests.up.cloud import database

pytestmark = pytest.mark.host

USER = "a@example.org"
MIB = 1024 * 1024


@dataclasses.dataclass
class Disk:
    """A cloud whose objects are served over WebDAV, and where its files are kept for a client."""

    cloud: Cloud
    objects: Group
    home: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.objects.port}/pithos/dav"

    def container(self, name: str) -> str:
        assert self.objects.request("MKCOL", f"/pithos/dav/{name}")[0] == 201
        return f"{self.url}/{name}/"

    def run(self, *command: str, given: str = "", **more: str) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C.UTF-8", **more}
        done = subprocess.run(
            command, env=environment, cwd=self.home, input=given, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def rclone(self, *arguments: str) -> str:
        hidden = subprocess.run(
            ["rclone", "obscure", "-"],
            input=self.cloud.token,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stdout.strip()
        return self.run(
            "rclone", *arguments, RCLONE_CONFIG_DAV_TYPE="webdav", RCLONE_CONFIG_DAV_URL=self.url,
            RCLONE_CONFIG="/dev/null", RCLONE_CONFIG_DAV_VENDOR="owncloud", RCLONE_CONFIG_DAV_USER=USER,
            RCLONE_CONFIG_DAV_PASS=hidden,
        )  # fmt: skip


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    with database() as settings:
        cloud = prepared(tmp_path_factory.mktemp("cloud"), **settings)
        with cloud.group("granian", "objects") as objects:
            yield Disk(cloud, objects, tmp_path_factory.mktemp("home"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Files as people have them."""
    top = tmp_path / "tree"
    sizes = {"a.txt": 5, "empty": 0, "photos/καφές & more.jpg": 300_000, "photos/2026/b": 5 * MIB + 7}
    for name, size in sizes.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
        os.utime(path, (1_000_000_000 + size, 1_000_000_000 + size))
    return top


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} on this machine")


def test_the_protocol_s_own_suite_passes(disk: Disk) -> None:
    needs("litmus")
    url = disk.container("litmus")
    told = disk.run(
        "litmus", "-k", "--", url, USER, disk.cloud.token, TESTS="basic copymove props locks http"
    )
    summaries = [line for line in told.splitlines() if line.startswith("<- summary")]
    assert len(summaries) == 5
    assert all("100.0%" in line for line in summaries), told


def test_rclone_copies_checks_syncs_moves_and_purges(disk: Disk, tree: Path, tmp_path: Path) -> None:
    needs("rclone")
    disk.rclone("mkdir", "dav:rclone/in")
    disk.rclone("copy", str(tree), "dav:rclone/in")
    assert "0 differences found" in disk.rclone("check", str(tree), "dav:rclone/in")
    listed = disk.rclone("lsf", "-R", "--format", "pst", "dav:rclone/in")
    assert "photos/2026/b;5242887;2001-11-08" in listed
    assert "There was nothing to transfer" in disk.rclone("sync", "-v", str(tree), "dav:rclone/in")
    (tree / "a.txt").write_text("changed")
    (tree / "empty").unlink()
    disk.rclone("sync", str(tree), "dav:rclone/in")
    disk.rclone("moveto", "dav:rclone/in/photos", "dav:rclone/out/pictures")
    disk.rclone("copy", "dav:rclone/out/pictures", str(tmp_path / "back"))
    assert digests(tmp_path / "back") == digests(tree / "photos")
    assert disk.rclone("cat", "dav:rclone/in/a.txt") == "changed"
    disk.rclone("purge", "dav:rclone/out")
    assert disk.rclone("lsf", "-R", "dav:rclone").split() == ["in/", "in/a.txt"]


def test_rclone_sends_what_it_does_not_know_the_length_of(disk: Disk) -> None:
    needs("rclone")
    disk.container("stream")
    disk.rclone("copyto", __file__, "dav:stream/file")
    text = Path(__file__).read_text(encoding="utf-8")
    assert disk.rclone("cat", "--offset", "10", "--count", "20", "dav:stream/file") == text[10:30]


def test_cadaver_does_as_it_is_told(disk: Disk, tmp_path: Path) -> None:
    needs("cadaver")
    url = disk.container("cadaver")
    (disk.home / ".netrc").write_text(f"machine 127.0.0.1 login {USER} password {disk.cloud.token}\n")
    (disk.home / "x.txt").write_text("from cadaver")
    script = "\n".join((
        "mkcol f", "cd f", "put x.txt", "copy x.txt y.txt", "lock y.txt", "discover y.txt", "unlock y.txt",
        "propset y.txt color red", "propget y.txt color", "move y.txt z.txt", "ls", "get z.txt back.txt",
        "delete x.txt", "ls", "quit",
    ))  # fmt: skip
    told = disk.run("cadaver", url, given=script + "\n")
    assert "failed" not in told, told
    assert "Value of color is: red" in told
    assert (disk.home / "back.txt").read_text() == "from cadaver"
    status, _, body = disk.objects.request("GET", "/pithos/dav/cadaver/f/")
    assert (status, body) == (200, b"z.txt\n")


def test_davfs2_mounts_it_as_a_disk(disk: Disk, tree: Path, tmp_path: Path) -> None:
    needs("mount.davfs")
    url = disk.container("davfs")
    where, settings = tmp_path / "disk", tmp_path / "davfs2.conf"
    where.mkdir()
    cache = Path(tempfile.mkdtemp(prefix="davfs-"))  # its own user gets there, not into directories of tests
    cache.chmod(0o777)
    secrets = tmp_path / "secrets"
    secrets.write_text(f'{url} {USER} "{disk.cloud.token}"\n')
    secrets.chmod(0o600)
    settings.write_text(f"secrets {secrets}\ncache_dir {cache}\ndelay_upload 0\nuse_locks 1\n")
    mount = ["mount.davfs", "-o", f"conf={settings}", url, str(where)]
    mounted = subprocess.run(mount, capture_output=True, text=True, timeout=60, check=False)
    if mounted.returncode:
        pytest.skip(f"disks cannot be mounted here, by design: {mounted.stderr.strip()}")
    try:
        shutil.copytree(tree, where / "tree", copy_function=shutil.copyfile)
        # By name: davfs2 1.6 and Linux 6.18 do not agree on how directories are read.
        for name in digests(tree):
            assert (where / "tree" / name).read_bytes() == (tree / name).read_bytes()
        (where / "tree" / "a.txt").rename(where / "tree" / "b.txt")
        (where / "tree" / "empty").unlink()
    finally:
        subprocess.run(["umount", str(where)], check=True, timeout=120, capture_output=True)
        shutil.rmtree(cache)
    _, _, body = disk.objects.request("GET", "/pithos/dav/davfs/tree/")
    assert body == b"b.txt\nphotos/\n"
    got = disk.objects.request("GET", "/pithos/dav/davfs/tree/photos/2026/b")[2]
    assert got == (tree / "photos/2026/b").read_bytes()


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
