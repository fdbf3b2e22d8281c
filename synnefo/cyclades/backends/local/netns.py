"""Network namespaces: making them, joining them, and running the system's tools in them.

Owns how a command is run (argument list, time-out, clear error) and how a thread enters a namespace.
It knows nothing of tenants, addresses or rules.

A namespace is named by a file in ``/run/netns``, as ``ip netns`` does it, so that operators see the
same names. Where a function takes ``netns=None`` it acts in the namespace of the calling thread.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from synnefo.cyclades.backends.base import BackendError, BackendUnavailable

T = TypeVar("T")

NAMED = Path("/run/netns")
CLONE_NEWNET = 0x40000000
TIMEOUT_S = 15.0

_libc = ctypes.CDLL(None, use_errno=True)


def run(*argv: str, stdin: str = "", timeout_s: float = TIMEOUT_S) -> str:
    """Run a command and return its standard output.

    Raises BackendError with the command's own words if it fails or is not installed, and
    BackendUnavailable if it did not end in time.
    """
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except FileNotFoundError as error:
        raise BackendError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise BackendUnavailable(f"{' '.join(argv)} did not end within {timeout_s:g} s") from error
    if done.returncode != 0:
        raise BackendError(f"{' '.join(argv)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout


def path(name: str) -> Path:
    return NAMED / name


def exists(name: str) -> bool:
    """Whether the namespace lives; a name left over from before a reboot is an ordinary file."""
    try:
        return path(name).stat().st_dev != NAMED.stat().st_dev
    except FileNotFoundError:
        return False


def names(prefix: str) -> list[str]:
    """Names of the namespaces that begin with ``prefix``."""
    return sorted(entry.name for entry in NAMED.glob(f"{prefix}*")) if NAMED.is_dir() else []


def add(name: str) -> None:
    """Create the namespace; one that exists is kept."""
    if not exists(name):
        path(name).unlink(missing_ok=True)
        run("ip", "netns", "add", name)


def delete(name: str) -> None:
    """Remove the name; the namespace ends when its last process and socket do."""
    if exists(name):
        run("ip", "netns", "delete", name)
    path(name).unlink(missing_ok=True)


def inside(name: str | None, function: Callable[[], T]) -> T:
    """Call ``function`` in a thread that has joined the namespace; commands it starts are born there."""
    if name is None:
        return function()

    def joined() -> T:
        handle = os.open(path(name), os.O_RDONLY | os.O_CLOEXEC)
        try:
            if _libc.setns(handle, CLONE_NEWNET) != 0:
                raise BackendError(f"Namespace {name} cannot be joined: {os.strerror(ctypes.get_errno())}")
        finally:
            os.close(handle)
        return function()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(joined).result()


def ip_batch(commands: Iterable[str], netns: str | None = None, family: int | None = None) -> None:
    """Run many ``ip`` commands in one process; the first that fails ends it."""
    if lines := "".join(f"{command}\n" for command in commands):
        run("ip", *_named(netns), *([f"-{family}"] if family else []), "-batch", "-", stdin=lines)


@dataclass(frozen=True)
class Link:
    """A network interface as it is; addresses look like ``10.0.0.1/24``, ``master`` is its bridge.

    Addresses that are of the link alone (IPv6) are not among them.
    """

    addresses: frozenset[str]
    master: str | None
    up: bool


def links(netns: str | None = None) -> dict[str, Link]:
    """The interfaces by name."""
    shown: list[dict[str, Any]] = json.loads(run("ip", *_named(netns), "-json", "address", "show") or "[]")
    return {entry["ifname"]: _link(entry) for entry in shown if entry}


def is_bridge(name: str) -> bool:
    """Whether the calling namespace has a bridge of this name."""
    shown = json.loads(run("ip", "-json", "-details", "link", "show", "type", "bridge") or "[]")
    return any(entry.get("ifname") == name for entry in shown)


def delete_links(wanted: Iterable[str], netns: str | None = None) -> None:
    """Remove interfaces; absent ones, and those that vanish with a namespace that just ends, are fine."""
    present = links(netns)
    for name in wanted:
        if name in present:
            try:
                run("ip", *_named(netns), "link", "delete", name)
            except BackendError:
                if name in links(netns):
                    raise


def routes(netns: str | None = None, family: int = 4) -> list[dict[str, Any]]:
    """The routes of a family, as iproute2 words them (``dst``, ``dev``, ...)."""
    shown: list[dict[str, Any]] = json.loads(
        run("ip", *_named(netns), "-json", f"-{family}", "route") or "[]"
    )
    return shown


def policies(netns: str) -> dict[str, int]:
    """The tables that rules of IPv4 routing send by incoming interface to."""
    shown: list[dict[str, Any]] = json.loads(run("ip", *_named(netns), "-json", "rule") or "[]")
    return {rule["iif"]: int(rule["table"]) for rule in shown if "iif" in rule}


def sysctl(values: Mapping[str, str], netns: str | None = None) -> None:
    """Set kernel parameters (``net/ipv4/ip_forward``); those of absent features are passed over."""

    def write() -> None:
        for key, value in values.items():
            file = Path("/proc/sys", key)
            if file.exists() and file.read_text().strip() != value:
                file.write_text(value)

    inside(netns, write)


def _link(entry: Mapping[str, Any]) -> Link:
    addresses = (
        f"{each['local']}/{each['prefixlen']}"
        for each in entry["addr_info"]
        if each["family"] == "inet" or each["scope"] == "global"
    )
    return Link(frozenset(addresses), entry.get("master"), "UP" in entry["flags"])


def _named(netns: str | None) -> tuple[str, ...]:
    return () if netns is None else ("-n", netns)
