"""Programs of others, each in a virtual environment of its own below the user's cache directory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "synnefo-interop"


def environment(name: str, packages: Sequence[str]) -> Path:
    """The directory of the programs of an environment that has these packages; made if it is not there."""
    programs = CACHE / name / "bin"
    whole = programs.parent / "whole"
    if not whole.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(programs.parent)], check=True)
        subprocess.run([str(programs / "pip"), "install", "-q", *packages], check=True, stdout=sys.stderr)
        whole.touch()
    return programs
