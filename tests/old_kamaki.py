"""The real kamaki 0.16 and the CPython 2.7 that it needs, where there is one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

VERSION = "0.16"


def python27() -> str | None:
    """A CPython 2.7 that runs and has pip."""
    versions = sorted(Path.home().glob(".pyenv/versions/2.7*/bin/python2.7"))
    for candidate in (*map(str, versions), shutil.which("python2.7")):
        if candidate is not None:
            tried = subprocess.run([candidate, "-m", "pip", "--version"], capture_output=True, check=False)
            if tried.returncode == 0:
                return candidate
    return None


def install(python: str, packages: Path) -> None:
    """Put it, and what it needs, into a directory that may have it already."""
    if not (packages / "bin/kamaki").exists():
        command = [python, "-m", "pip", "install", "--quiet", "--target", str(packages), f"kamaki=={VERSION}"]
        subprocess.run(command, check=True, timeout=300, capture_output=True)
