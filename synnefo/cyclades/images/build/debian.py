"""Images of Debian with cloud-init: what a user expects of a Debian cloud image.

mmdebstrap installs the packages from the mirrors of the host's own apt sources; the disk has one
partition and GRUB, which is put into the gap before it by hand, as that needs no mount. Kernel
upgrades in the guest run update-grub as usual. Configuration files stand in ``debian_guest/``.
"""

from __future__ import annotations

import os
import platform
import shlex
from pathlib import Path

from synnefo.cyclades.images.build import common

GUEST_FILES = Path(__file__).with_name("debian_guest")
RELEASES = ("bookworm",)
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

ROOT_LABEL = "root"
DISK_MIB = 1792
FIRST_PARTITION_BYTES = common.MIB

TOOLS = (
    common.Tool("apt-get", "apt"),
    common.Tool("dpkg", "dpkg"),
    common.Tool("mmdebstrap", "mmdebstrap"),
    common.Tool(KEYRING, "debian-archive-keyring"),
    common.Tool("mke2fs", "e2fsprogs"),
    common.Tool("qemu-img", "qemu-utils"),
    common.Tool("tar", "tar"),
)
#: An ordinary user needs a range of user ids, and something that remembers the owners of files.
UNPRIVILEGED_TOOLS = (*TOOLS, common.Tool("newuidmap", "uidmap"), common.Tool("fakeroot", "fakeroot"))

PACKAGES = (
    *("linux-image-cloud-amd64", "initramfs-tools", "lz4", "grub-pc-bin", "grub2-common", "e2fsprogs"),
    *("systemd-sysv", "systemd-resolved", "systemd-timesyncd", "udev", "dbus", "libpam-systemd"),
    *("cloud-init", "cloud-guest-utils", "fdisk", "openssh-server", "qemu-guest-agent", "sudo"),
    *("ca-certificates", "curl", "iproute2", "iputils-ping", "less", "nano", "netbase", "procps"),
)
#: Left out of the guest: half of what small packages weigh.
EXCLUDED_PATHS = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")


def prerequisites() -> list[str]:
    """The Debian packages that the host needs for ``build``."""
    return common.packages_of(TOOLS if os.geteuid() == 0 else UNPRIVILEGED_TOOLS)


def build(
    release: str = "bookworm",
    *,
    out: Path,
    workdir: Path,
    log: common.Log = common.logger.info,
) -> None:
    """Make the image of a release, a qcow2 file ``out``; ``workdir`` needs about 3 GB meanwhile.

    Raises BuildError: unknown release, missing host packages, no Debian mirror, a failed tool.
    """
    if release not in RELEASES:
        raise common.BuildError(f"there is no builder for {release!r}; there is for: {', '.join(RELEASES)}")
    common.require(TOOLS if os.geteuid() == 0 else UNPRIVILEGED_TOOLS)
    common.host_must_be_debian_amd64()
    sources = _sources(release)
    with common.workspace(workdir, f"debian-{release}") as space:
        log(f"installing the packages of {release}")
        archive = space / "root.tar"
        _install(release, sources, archive)
        log("making the disk")
        disk = space / "disk.raw"
        _make_disk(archive, disk, space)
        with common.published(out) as partial:
            options = ["-c", "-W", "-O", "qcow2", "-o", "compression_type=zstd"]
            common.run(["qemu-img", "convert", *options, disk, partial], timeout_s=900)
        log(f"{out.name}: {out.stat().st_size / 1e6:.0f} MB")


def _sources(release: str) -> list[str]:
    """The release's apt sources on the mirrors that the host takes its own Debian packages from."""
    host = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    fields = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    argv = ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"]
    targets = common.run(argv, timeout_s=60)
    sources: list[str] = []
    for line in targets.splitlines():
        uri, suite, component = line.split()
        ours, _, pocket = suite.partition("-")
        if ours == host and pocket in ("", "updates", "security") and component == "main":
            source = f"deb [signed-by={KEYRING}] {uri} {suite.replace(host, release)} main"
            sources += [] if source in sources else [source]
    if not sources:
        raise common.BuildError(
            "the host's apt sources name no Debian mirror (component main of its release)"
        )
    return sources


def _install(release: str, sources: list[str], archive: Path) -> None:
    options = [
        *("--variant=minbase", "--mode=root" if os.geteuid() == 0 else "--mode=unshare", "--quiet"),
        *("--include=" + ",".join(PACKAGES), '--aptopt=Apt::Install-Recommends "false"'),
        *(f"--dpkgopt=path-exclude={path}" for path in EXCLUDED_PATHS),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    ]
    # Some files must be there before the kernel's package makes its initramfs. mmdebstrap's own copy
    # commands read as the user who builds, which its other hooks may not be.
    early, late = (shlex.quote(str(GUEST_FILES / name)) for name in ("early", "late"))
    script = shlex.quote(str(GUEST_FILES / "customize"))
    hooks = [
        f"--essential-hook=sync-in {early} /",
        f"--customize-hook=sync-in {late} /",
        f"--customize-hook=copy-in {script} /run",
        '--customize-hook=sh "$1/run/customize" "$1"',
        '--customize-hook=rm "$1/run/customize"',
    ]
    environment = {"TMPDIR": str(archive.parent)}
    common.run(["mmdebstrap", *options, *hooks, release, archive, *sources], timeout_s=1800, env=environment)


def _make_disk(archive: Path, disk: Path, space: Path) -> None:
    """One ext4 partition after a MiB of gap; the boot code goes to where grub-bios-setup puts it."""
    tree = space / "root"
    tree.mkdir()
    root_mib = DISK_MIB - FIRST_PARTITION_BYTES // common.MIB
    with disk.open("wb") as image:
        image.truncate(DISK_MIB * common.MIB)
    make = common.mke2fs_command(
        disk, FIRST_PARTITION_BYTES, root_mib, ROOT_LABEL, tree, bytes_per_inode=16384
    )
    keep = ["--numeric-owner", "--preserve-permissions", "--xattrs", "--xattrs-include=*"]
    unpack = ["tar", "--extract", *keep, "--file", str(archive), "--directory", str(tree)]
    script = f"{shlex.join(unpack)} && {shlex.join(make)}"
    common.run([*([] if os.geteuid() == 0 else ["fakeroot"]), "sh", "-c", script], timeout_s=900)
    grub = tree / "boot/grub/i386-pc"
    code, core = (grub / "boot.img").read_bytes(), (grub / "core.img").read_bytes()
    if len(core) > FIRST_PARTITION_BYTES - common.SECTOR_BYTES:
        raise common.BuildError("GRUB does not fit before the first partition")
    root = common.Partition(0x83, FIRST_PARTITION_BYTES, root_mib, bootable=True)
    with disk.open("r+b") as image:
        image.write(common.mbr(code, [root]))
        image.write(core)
