"""What the builders of guest images share: host tools, Debian packages, work space, publishing a result.

Must not know any particular image. Everything works for an ordinary user; nothing is mounted and
nothing is installed on the host.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import logging
import os
import secrets
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

Log = Callable[[str], None]
logger = logging.getLogger(__name__)

MIB = 1024 * 1024
SECTOR_BYTES = 512

#: Named one by one, so that the host's mke2fs.conf does not decide what boot loader and guest can read.
EXT4_FEATURES = (
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,flex_bg,"
    "sparse_super,large_file,huge_file,metadata_csum,64bit"
)

ADMIN_PATH = os.pathsep.join([os.environ.get("PATH", "/usr/bin:/bin"), "/usr/sbin", "/sbin"])


class BuildError(Exception):
    """The image cannot be built; ``str(error)`` tells the operator why and what to do."""


@dataclasses.dataclass(frozen=True)
class Tool:
    """Something a builder needs of the host: a command, or a file by its absolute path."""

    name: str
    package: str

    def path(self) -> str | None:
        if self.name.startswith("/"):
            return self.name if Path(self.name).exists() else None
        return shutil.which(self.name, path=ADMIN_PATH)


def packages_of(tools: Sequence[Tool]) -> list[str]:
    """The Debian packages that bring the tools, sorted."""
    return sorted({tool.package for tool in tools})


def require(tools: Sequence[Tool]) -> None:
    """Check that all tools are there.

    Raises BuildError naming the missing Debian packages and the command that installs them.
    """
    missing = packages_of([tool for tool in tools if tool.path() is None])
    if missing:
        names = " ".join(missing)
        raise BuildError(
            f"missing Debian packages: {names}; install them with: "
            f"apt-get install --no-install-recommends {names}"
        )


def run(
    argv: Sequence[str | Path],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a command of the host and give its standard output; BuildError with what it complained."""
    environment = {**os.environ, "PATH": ADMIN_PATH, "LC_ALL": "C.UTF-8", **(env or {})}
    command = [str(word) for word in argv]
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, input=stdin, text=True, capture_output=True, timeout=timeout_s
        )
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{command[0]} did not end within {timeout_s:.0f} s") from error
    except OSError as error:
        raise BuildError(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        complaint = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise BuildError(f"{' '.join(command[:3])} failed with status {done.returncode}: {complaint}")
    return done.stdout


@contextlib.contextmanager
def workspace(workdir: Path, name: str) -> Iterator[Path]:
    """An empty directory ``workdir/name`` for one build, removed at the end whatever happens.

    What a killed build left there is removed first. Raises BuildError while another build of the
    same name runs in ``workdir``.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    space = workdir / name
    with (workdir / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BuildError(f"{name} is being built already in {workdir}") from error
        if space.exists():
            shutil.rmtree(space)
        space.mkdir()
        try:
            yield space
        finally:
            shutil.rmtree(space)


@contextlib.contextmanager
def published(out: Path) -> Iterator[Path]:
    """A temporary path beside ``out`` that becomes ``out``, whole and on the disk, or vanishes."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        yield partial
        _fsync(partial)
        partial.replace(out)
        _fsync(out.parent)
    finally:
        partial.unlink(missing_ok=True)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Apt:
    """Packages of the Debian release that this host's apt sources point to.

    Uses the host's package lists; where these are absent or out of date it fetches lists of its own
    into ``space``, so that the host is not touched and no privilege is needed.
    """

    def __init__(self, space: Path, log: Log) -> None:
        self._space = space
        self._log = log
        self._options = ["-o", "APT::Sandbox::User=root"]

    def depends(self, package: str, *, recursive: bool) -> list[str]:
        """The names of real packages that ``package`` depends on; with ``recursive`` itself, too."""
        how = ["--important", "--recurse"] if recursive else ["--important"]
        output = self._with_lists("apt-cache", "depends", *how, package)
        if recursive:
            return [line for line in output.splitlines() if line and line[0].isalnum()]
        return [line.split()[-1] for line in output.splitlines() if line.startswith("  Depends: ")]

    def download(self, packages: Sequence[str]) -> list[Path]:
        """The packages' files, fetched and checked by apt, in a directory of their own."""
        folder = self._space / "downloads"
        folder.mkdir()
        self._with_lists("apt-get", "download", "-q", *packages, cwd=folder)
        return sorted(folder.glob("*.deb"))

    def _with_lists(self, command: str, *arguments: str, cwd: Path | None = None) -> str:
        try:
            return run([command, *self._options, *arguments], timeout_s=600, cwd=cwd)
        except BuildError:
            if len(self._options) > 2:
                raise
        self._log("package lists of this host are missing or old: fetching them")
        lists = self._space / "apt-lists"
        (lists / "partial").mkdir(parents=True)
        cache = self._space / "apt-cache"
        (cache / "archives" / "partial").mkdir(parents=True)
        self._options += ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}"]
        run(["apt-get", *self._options, "update", "-q"], timeout_s=600)
        return run([command, *self._options, *arguments], timeout_s=600, cwd=cwd)


def unpack(packages: Sequence[Path], tree: Path) -> None:
    """Unpack the files of Debian packages into a directory, as dpkg does, without installing them."""
    tree.mkdir(exist_ok=True)
    for package in packages:
        run(["dpkg-deb", "--extract", package, tree], timeout_s=300)


def host_must_be_debian_amd64() -> None:
    """Raises BuildError on a host whose packages would not make a guest for an x86-64 machine."""
    require([Tool("dpkg", "dpkg")])
    architecture = run(["dpkg", "--print-architecture"], timeout_s=30).strip()
    if architecture != "amd64":
        raise BuildError(f"images are built on amd64 hosts only, this one is {architecture}")


@dataclasses.dataclass(frozen=True)
class Partition:
    """A primary partition; ``kind`` is the MBR's type byte."""

    kind: int
    start_bytes: int
    size_mib: int
    bootable: bool = False

    def entry(self) -> bytes:
        """As in the table: addresses in sectors, the old ones by cylinder saying "too large"."""
        beyond = b"\xfe\xff\xff"
        start, size = self.start_bytes // SECTOR_BYTES, self.size_mib * MIB // SECTOR_BYTES
        return struct.pack("<B3sB3sII", 0x80 if self.bootable else 0, beyond, self.kind, beyond, start, size)


def mbr(code: bytes, partitions: Sequence[Partition]) -> bytes:
    """The first sector of a disk: boot code (its first 440 bytes), a random disk id, the table."""
    table = b"".join(partition.entry() for partition in partitions).ljust(64, b"\0")
    return code[:440].ljust(440, b"\0") + secrets.token_bytes(4) + bytes(2) + table + b"\x55\xaa"


def mke2fs_command(
    disk: Path, start_bytes: int, size_mib: int, label: str, tree: Path, *, bytes_per_inode: int
) -> list[str]:
    """The command that makes an ext4 with the files of ``tree`` inside a disk; it can grow a thousandfold."""
    kind = f"-q -t ext4 -O {EXT4_FEATURES} -b 4096 -I 256 -i {bytes_per_inode} -m 1 -J size=16 -L {label}"
    extended = f"offset={start_bytes},root_owner=0:0,lazy_itable_init=1"
    return ["mke2fs", *kind.split(), "-E", extended, "-d", str(tree), str(disk), f"{size_mib}m"]
