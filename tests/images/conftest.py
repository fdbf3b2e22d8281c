from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from synnefo.cyclades.images.build import tiny

from .guest import make_key


@pytest.fixture(scope="session")
def tiny_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    tiny.build(folder / "tiny.qcow2", workdir=folder / "work")
    return folder / "tiny.qcow2"


@pytest.fixture(scope="session")
def ssh_key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The private file and the public line."""
    return make_key(tmp_path_factory.mktemp("key"))


def child_disk(image: Path, disk: Path, size: str) -> Path:
    """A copy-on-write child of an image, as the local backend makes one."""
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(image), "-F", "qcow2", str(disk), size]
    subprocess.run(command, check=True, timeout=30)
    return disk
