"""``scripts/setup.sh`` installs what the code says that it needs."""

from __future__ import annotations

import re
from pathlib import Path

from synnefo.cyclades.backends.local import fabric, tools
from synnefo.cyclades.images.build import debian, tiny
from tests.contract import ganeti_cluster

ROOT = Path(__file__).resolve().parents[2]
#: Every Debian has these.
ESSENTIAL = {"apt", "coreutils", "dpkg", "tar", "util-linux"}


def packages() -> tuple[set[str], set[str]]:
    """For running, and besides for developing."""
    script = (ROOT / "scripts" / "setup.sh").read_text()
    run, develop = re.findall(r"^ *packages\+?=\(\n(.*?)^ *\)", script, re.MULTILINE | re.DOTALL)
    return set(run.split()), set(develop.split())


def test_what_guests_networks_and_images_need_is_installed_for_running() -> None:
    needed = {*tools._PACKAGES.values(), *fabric._TOOLS.values(), *tiny.prerequisites()}
    needed |= {tool.package for tool in debian.TOOLS}
    assert needed <= packages()[0] | ESSENTIAL


def test_what_tests_need_is_installed_for_developing() -> None:
    needed = {*ganeti_cluster.PACKAGES, *(tool.package for tool in debian.UNPRIVILEGED_TOOLS)}
    run, develop = packages()
    assert needed <= run | develop | ESSENTIAL


def test_lock_files_pin_everything_by_hash_and_name_no_place() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-node.lock"):
        text = (ROOT / name).read_text()
        entries = re.findall(r"^[a-z0-9][^\n]*(?:\n +--hash=[^\n]*)*", text, re.MULTILINE)
        assert entries, name
        assert all("==" in entry and "--hash=sha256:" in entry for entry in entries), name
        assert not re.search(r"https?://|file:|--index|--find-links| @ ", text), name


def test_the_lock_for_developing_agrees_with_the_one_for_running() -> None:
    pins = [
        set(re.findall(r"^\S+==\S+", (ROOT / f"requirements{kind}.lock").read_text(), re.MULTILINE))
        for kind in ("", "-dev")
    ]
    assert pins[0] <= pins[1]


def test_browser_assets_are_pinned_by_hash_and_name_no_registry() -> None:
    text = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert text.count('"integrity": "sha512-') == len(re.findall(r'"node_modules/[^"]+": \{', text))
