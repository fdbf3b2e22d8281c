"""The units of systemd under which a cloud is started with its host."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = ("synnefo.service", "synnefo-guests.service")
COMMAND = "/opt/synnefo/.venv/bin/synnefo"


def settings_of(unit: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / unit).read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_systemd_understands_them(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd is not installed")
    for unit in UNITS:
        text = (DEPLOY / unit).read_text().replace(COMMAND, "/bin/true").replace("/opt/synnefo", "/")
        (tmp_path / unit).write_text(text)
    units = [str(tmp_path / unit) for unit in UNITS]
    done = subprocess.run(
        [analyze, "verify", *units], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_commands_are_the_program_s() -> None:
    for unit in UNITS:
        settings = settings_of(unit)
        for line in settings["ExecStart"] + settings.get("ExecStop", []):
            program, *words = line.split()
            if program == COMMAND:
                told = [sys.executable, "-m", "synnefo.up.cli", *words, "--help"]
                subprocess.run(told, capture_output=True, timeout=60, check=True)


def test_machines_outlive_the_services_and_go_down_before_the_host() -> None:
    services, machines = (settings_of(unit) for unit in UNITS)
    assert services["KillMode"] == ["process"], "machines are in the unit's group"
    assert "synnefo-guests.service" in services["After"][0], "what starts later is stopped first"
    assert machines["ExecStop"] == [f"{COMMAND} down"]
    assert int(machines["TimeoutStopSec"][0]) > 60 + 120, "as long as that command takes at most"
