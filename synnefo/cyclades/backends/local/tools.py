"""The programs of the host that instances need, and how they are run.

Owns the list of what must be installed and the wording when it is not.
"""

from __future__ import annotations

import shutil
import subprocess

from synnefo.cyclades.backends.base import BackendError, BackendUnavailable

QEMU = "qemu-system-x86_64"
#: So much of what a program said stands in an error, and in the operation that failed by it.
WORDS_MAX = 4000
_PACKAGES = {
    QEMU: "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "setsid": "util-linux",
    "setpriv": "util-linux",
    "nice": "coreutils",
}


def missing_packages() -> list[str]:
    """The Debian packages to install before an instance can run."""
    return sorted({package for tool, package in _PACKAGES.items() if shutil.which(tool) is None})


def require() -> None:
    """Raise BackendError with the command to run if something is not installed."""
    if missing := missing_packages():
        command = f"apt-get install --no-install-recommends {' '.join(missing)}"
        raise BackendError(f"Programs are missing on this host; run: {command}")


def run(*argv: str, timeout_s: float = 120.0) -> str:
    """Run a program and return what it printed.

    Raises BackendError with all that it said if it fails, BackendUnavailable if it did not end in time.
    """
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except FileNotFoundError as error:
        require()
        raise BackendError(f"{argv[0]} cannot be run: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise BackendUnavailable(f"{argv[0]} did not end within {timeout_s:g} s") from error
    if done.returncode != 0:
        words = " ".join(part.strip() for part in (done.stderr, done.stdout) if part.strip())
        raise BackendError(f"{argv[0]}: {words[-WORDS_MAX:] or f'exit code {done.returncode}'}")
    return done.stdout
