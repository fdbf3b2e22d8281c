"""The tiny image: Debian's cloud kernel, busybox and dropbear on a bootable disk of some 30 MB.

The disk has an MBR with two partitions: FAT with syslinux, kernel and initramfs (syslinux installs
itself there without a mount, and reads the kernel faster than GRUB does), then the ext4 root, which
is last so that it can grow with the disk. What runs in the guest stands in ``tiny_guest/``; programs
come out of Debian packages that are downloaded for the build and unpacked, never installed.
"""

from __future__ import annotations

import lzma
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from synnefo.cyclades.images.build import common
from synnefo.cyclades.images.build.common import MIB, SECTOR_BYTES

GUEST_FILES = Path(__file__).with_name("tiny_guest")
MBR_CODE = Path("/usr/lib/syslinux/mbr/mbr.bin")

#: Known to the initramfs, too, which finds the root by it.
ROOT_LABEL = "synnefo-tiny"
#: Room in the root until it grows; most of it is not stored.
ROOT_MIB = 64
FIRST_PARTITION_BYTES = MIB
FAT16_LBA, LINUX = 0x0E, 0x83
KERNEL_ARGUMENTS = "console=tty0 console=ttyS0,115200 quiet loglevel=3 panic=10"

TOOLS = (
    common.Tool("apt-get", "apt"),
    common.Tool("apt-cache", "apt"),
    common.Tool("dpkg-deb", "dpkg"),
    common.Tool("mke2fs", "e2fsprogs"),
    common.Tool("debugfs", "e2fsprogs"),
    common.Tool("syslinux", "syslinux"),
    common.Tool(str(MBR_CODE), "syslinux-common"),
    common.Tool("mformat", "mtools"),
    common.Tool("mcopy", "mtools"),
    common.Tool("qemu-img", "qemu-utils"),
)

#: Program in its package -> place in the guest.
PROGRAMS = {
    "dropbear": "usr/sbin/dropbear",
    "dropbearkey": "usr/bin/dropbearkey",
    "dbclient": "usr/bin/dbclient",
    "resize2fs": "sbin/resize2fs",
    "mke2fs": "sbin/mke2fs",
    "e2fsck": "sbin/e2fsck",
    "sftp-server": "usr/lib/sftp-server",
}
ALIASES = {"usr/bin/ssh": "dbclient", "sbin/mkfs.ext4": "mke2fs"}

INITRAMFS_APPLETS = (
    *("blockdev", "cat", "dd", "mount", "modprobe", "readlink"),
    *("sh", "switch_root", "sync", "tr", "usleep"),
)
INITRAMFS_MODULES = ("virtio_pci", "virtio_blk", "virtio_scsi", "ata_piix", "sd_mod")
GUEST_MODULES = (
    *INITRAMFS_MODULES,
    *("virtio_net", "virtio_rng", "virtio_balloon", "virtio_console", "sr_mod", "isofs"),
    *("evdev", "button", "vfat", "nls_ascii", "nls_cp437", "nls_utf8", "overlay"),
)


def prerequisites() -> list[str]:
    """The Debian packages that the host needs for ``build``."""
    return common.packages_of(TOOLS)


def build(out: Path, *, workdir: Path, log: common.Log = common.logger.info) -> None:
    """Make the image, a qcow2 file ``out``; ``workdir`` holds about 200 MB while it is made.

    Raises BuildError: missing host packages, packages that cannot be fetched, a failed tool.
    """
    common.require(TOOLS)
    common.host_must_be_debian_amd64()
    with common.workspace(workdir, "tiny") as space:
        log("fetching packages")
        debian = space / "debian"
        versions = _fetch(common.Apt(space, log), debian)
        log("making the file system")
        kernel, modules = _kernel(debian)
        root = space / "root"
        _make_root(root, debian, modules, versions)
        initramfs = _make_initramfs(space / "initramfs", debian, modules)
        disk = space / "disk.raw"
        _make_disk(disk, kernel, initramfs, root, space)
        with common.published(out) as partial:
            common.run(["qemu-img", "convert", "-O", "qcow2", disk, partial], timeout_s=300)
        log(f"{out.name}: {out.stat().st_size / 1e6:.1f} MB")


# -- from packages to trees -----------------------------------------------------------------------------
def _fetch(apt: common.Apt, tree: Path) -> list[str]:
    """Unpack all packages that parts of the guest come from; gives their files' names."""
    depends = apt.depends("linux-image-cloud-amd64", recursive=False)
    kernel = [name for name in depends if name.startswith("linux-image-")]
    if not kernel:
        raise common.BuildError("the host's apt sources have no linux-image-cloud-amd64: are they Debian's?")
    libraries = {*apt.depends("dropbear-bin", recursive=True), *apt.depends("e2fsprogs", recursive=True)}
    packages = apt.download(sorted({*libraries, "busybox-static", "openssh-sftp-server", kernel[0]}))
    common.unpack(packages, tree)
    return [package.stem for package in packages]


def _kernel(debian: Path) -> tuple[Path, Path]:
    """The kernel and the folder of its modules, which is named by its release."""
    for kernel in debian.glob("boot/vmlinuz-*"):
        for modules in debian.glob(f"**/modules/{kernel.name.removeprefix('vmlinuz-')}"):
            return kernel, modules
    raise common.BuildError("the kernel's package holds no kernel")


def _find(debian: Path, name: str) -> Path:
    for folder in ("bin", "sbin", "usr/bin", "usr/sbin", "usr/lib/openssh"):
        if (debian / folder / name).is_file():
            return debian / folder / name
    raise common.BuildError(f"the packages hold no program {name}")


def _make_root(root: Path, debian: Path, modules: Path, versions: Sequence[str]) -> None:
    shutil.copytree(GUEST_FILES / "rootfs", root)
    for folder in (
        "bin",
        "dev",
        "home",
        "lib64",
        "mnt",
        "proc",
        "root",
        "run",
        "sbin",
        "sys",
        "tmp",
        "usr/bin",
        "var/log",
    ):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "var/run").symlink_to("/run")
    (root / "etc/mtab").symlink_to("/proc/mounts")
    (root / "usr/lib/synnefo/packages").write_text("".join(f"{version}\n" for version in versions))
    _install_programs(root, debian)
    _install_busybox(root, _find(debian, "busybox"), None)
    _install_modules(root, debian, modules, GUEST_MODULES)
    for licence in debian.glob("usr/share/doc/*/copyright"):
        _copy(licence, root, str(licence.relative_to(debian)))
    _set_modes(root)


def _set_modes(root: Path) -> None:
    """File modes do not survive every way a Python package is installed, so they are given here."""
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            program = path.is_dir() or path.read_bytes()[:4] in (b"\x7fELF", b"#!/b")
            path.chmod(0o755 if program else 0o644)
    (root / "bin/busybox").chmod(0o4755)  # for su and passwd; it drops the privilege for other applets
    (root / "etc/shadow").chmod(0o600)
    (root / "root").chmod(0o700)
    (root / "tmp").chmod(0o1777)


def _copy(source: Path, root: Path, place: str) -> None:
    """Copy to a place inside a guest's tree; never over anything, never through a link out of it."""
    target = root / place
    if not target.parent.resolve().is_relative_to(root.resolve()) or os.path.lexists(target):
        raise common.BuildError(f"{place} cannot be put into the guest's tree")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _install_programs(root: Path, debian: Path) -> None:
    loader = next(
        path for path in debian.glob("**/ld-linux-x86-64.so.2") if path.is_file() and not path.is_symlink()
    )
    folders = sorted({path.parent for path in debian.glob("**/x86_64-linux-gnu/*.so.*")})
    libraries: dict[str, Path] = {}
    for name, place in PROGRAMS.items():
        program = _find(debian, name)
        _copy(program, root, place)
        search = os.pathsep.join(map(str, folders))
        needed = common.run([loader, "--library-path", search, "--list", program], timeout_s=30)
        libraries |= {
            soname: Path(path)
            for soname, path in re.findall(r"^\s+([^/\s]+) => (\S+) \(", needed, re.MULTILINE)
        }
    for soname, library in libraries.items():
        _copy(library, root, f"lib/x86_64-linux-gnu/{soname}")
    _copy(loader, root, "lib64/ld-linux-x86-64.so.2")
    _copy(debian / "etc/mke2fs.conf", root, "etc/mke2fs.conf")
    for link, name in ALIASES.items():
        (root / link).symlink_to(name)


def _install_busybox(root: Path, busybox: Path, applets: Sequence[str] | None) -> None:
    """Busybox with links for the applets: all where it wants them, or some in ``/bin``."""
    _copy(busybox, root, "bin/busybox")
    (root / "bin/busybox").chmod(0o755)
    links = (
        [f"bin/{applet}" for applet in applets]
        if applets
        else common.run([busybox, "--list-full"], timeout_s=30).split()
    )
    for link in links:
        if not os.path.lexists(root / link):
            (root / link).parent.mkdir(parents=True, exist_ok=True)
            (root / link).symlink_to("/bin/busybox")


def _install_modules(root: Path, debian: Path, modules: Path, names: Iterable[str]) -> None:
    target = root / "lib/modules" / modules.name
    target.mkdir(parents=True)
    for listing in ("modules.order", "modules.builtin"):
        shutil.copyfile(modules / listing, target / listing)
    files = {path.name.split(".")[0].replace("-", "_"): path for path in modules.glob("**/*.ko*")}
    for name, content in _with_dependencies(files, names):
        (target / f"{name}.ko").write_bytes(content)
    common.run([_find(debian, "busybox"), "depmod", "-b", root, modules.name], timeout_s=60)


def _with_dependencies(files: dict[str, Path], names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    wanted, seen = list(names), set()
    while wanted:
        name = wanted.pop().replace("-", "_")
        if name in seen:
            continue
        seen.add(name)
        if name not in files:
            raise common.BuildError(f"the kernel has no module {name}")
        content = files[name].read_bytes()
        if files[name].suffix == ".xz":
            content = lzma.decompress(content)
        yield name, content
        depends = re.search(rb"\0depends=([^\0]*)\0", content)
        wanted += [word for word in depends[1].decode().split(",") if word] if depends else []


def _make_initramfs(tree: Path, debian: Path, modules: Path) -> Path:
    """An uncompressed cpio archive: reading 2 MB more is quicker than inflating them."""
    busybox = _find(debian, "busybox")
    _install_busybox(tree, busybox, INITRAMFS_APPLETS)
    _install_modules(tree, debian, modules, INITRAMFS_MODULES)
    for folder in ("dev", "proc", "root", "sys"):
        (tree / folder).mkdir()
    _copy(GUEST_FILES / "initramfs/init", tree, "init")
    (tree / "init").chmod(0o755)
    archive = tree.with_suffix(".cpio")
    names = "".join(f"{path.relative_to(tree)}\n" for path in sorted(tree.rglob("*")))
    common.run([busybox, "cpio", "-o", "-H", "newc", "-F", archive], cwd=tree, stdin=names, timeout_s=60)
    return archive


# -- from trees to a disk -------------------------------------------------------------------------------
def _make_disk(disk: Path, kernel: Path, initramfs: Path, root: Path, space: Path) -> None:
    boot_mib = (kernel.stat().st_size + initramfs.stat().st_size) // MIB + 2
    root_start = FIRST_PARTITION_BYTES + boot_mib * MIB
    partitions = [
        common.Partition(FAT16_LBA, FIRST_PARTITION_BYTES, boot_mib, bootable=True),
        common.Partition(LINUX, root_start, ROOT_MIB),
    ]
    with disk.open("wb") as image:
        image.truncate(FIRST_PARTITION_BYTES + (boot_mib + ROOT_MIB) * MIB)
        image.write(common.mbr(MBR_CODE.read_bytes(), partitions))
    _make_boot_partition(disk, boot_mib, kernel, initramfs, space)
    make = common.mke2fs_command(disk, root_start, ROOT_MIB, ROOT_LABEL, root, bytes_per_inode=32768)
    common.run(make, timeout_s=120)
    if os.geteuid() != 0:
        _give_to_root(disk, root_start, root)


def _make_boot_partition(disk: Path, boot_mib: int, kernel: Path, initramfs: Path, space: Path) -> None:
    drive = f"{disk}@@{FIRST_PARTITION_BYTES}"
    sectors = boot_mib * MIB // SECTOR_BYTES
    configuration = space / "syslinux.cfg"
    configuration.write_text(
        f"DEFAULT linux\nPROMPT 0\nTIMEOUT 0\nLABEL linux\n"
        f"  LINUX /vmlinuz\n  INITRD /initramfs\n  APPEND {KERNEL_ARGUMENTS}\n"
    )
    hidden = FIRST_PARTITION_BYTES // SECTOR_BYTES
    common.run(
        [
            "mformat",
            "-i",
            drive,
            "-v",
            "BOOT",
            "-T",
            str(sectors),
            "-h",
            "64",
            "-s",
            "32",
            "-H",
            str(hidden),
            "::",
        ],
        timeout_s=60,
    )
    for source, name in ((kernel, "vmlinuz"), (initramfs, "initramfs"), (configuration, "syslinux.cfg")):
        common.run(["mcopy", "-i", drive, source, f"::/{name}"], timeout_s=60)
    common.run(["syslinux", "--install", "--offset", str(FIRST_PARTITION_BYTES), disk], timeout_s=60)


def _give_to_root(disk: Path, root_start: int, tree: Path) -> None:
    """An ordinary user's build leaves that user as the owner of every file: correct that."""
    paths = [f"/{path.relative_to(tree)}" for path in tree.rglob("*") if not path.is_symlink()]
    orders = "".join(f'set_inode_field "{path}" {field} 0\n' for path in paths for field in ("uid", "gid"))
    complaints = common.run(
        ["debugfs", "-w", "-f", "-", f"{disk}?offset={root_start}"], stdin=orders, timeout_s=120
    )
    if "not found" in complaints:
        raise common.BuildError(f"debugfs could not set owners: {complaints[-500:]}")
