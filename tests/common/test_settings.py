"""Settings: defaults, then *.conf in sorted order, then the environment; faulty files stop start-up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from synnefo.common import conf

ROOT = Path(__file__).resolve().parents[2]


def test_files_run_in_sorted_order_on_what_is_set_so_far(tmp_path: Path) -> None:
    (tmp_path / "20-b.conf").write_text("A = A + 1\nB = A * 2\n")
    (tmp_path / "10-a.conf").write_text("A = A + 10\n")
    (tmp_path / "notes.txt").write_text("A = 0\n")
    settings: dict[str, Any] = {"A": 1}
    conf.overlay_files(settings, tmp_path)
    assert (settings["A"], settings["B"]) == (12, 24)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A = 1\nB = (\n", "10-x.conf:2"),
        ("A = 1\n\nB = 1 / 0\n", "10-x.conf:3: ZeroDivisionError"),
        ("import nothing_of_that_name\n", "10-x.conf:1: ModuleNotFoundError"),
        ("A = UNKNOWN\n", "10-x.conf:1: NameError"),
    ],
)
def test_a_faulty_file_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "10-x.conf").write_text(text)
    with pytest.raises(conf.ConfigurationError, match=message):
        conf.overlay_files({}, tmp_path)


def test_the_environment_wins_and_keeps_types() -> None:
    settings: dict[str, Any] = {"SYNNEFO_MAX_PAGE": 5, "SYNNEFO_DATA": "/a", "CYCLADES_X": [], "OTHER": 1}
    environ = {
        "SYNNEFO_MAX_PAGE": "7",
        "SYNNEFO_DATA": "/b",
        "CYCLADES_X": '["y"]',
        "OTHER": "2",
        "SYNNEFO_NEW": "1",
    }
    conf.overlay_environment(settings, environ)
    assert settings == {"SYNNEFO_MAX_PAGE": 7, "SYNNEFO_DATA": "/b", "CYCLADES_X": ["y"], "OTHER": 1}
    with pytest.raises(conf.ConfigurationError, match="SYNNEFO_MAX_PAGE"):
        conf.overlay_environment(settings, {"SYNNEFO_MAX_PAGE": "many"})


def test_database_urls() -> None:
    made = conf.database_from_url("postgresql://me:p%40ss@db.example.org:5433/cloud?sslmode=require")
    assert (made["USER"], made["PASSWORD"], made["HOST"], made["PORT"], made["NAME"]) == (
        "me", "p@ss", "db.example.org", "5433", "cloud",
    )  # fmt: skip
    assert made["OPTIONS"]["sslmode"] == "require"
    assert conf.database_from_url("sqlite:////var/x.db")["NAME"] == "/var/x.db"
    for bad in ("mysql://x/y", "postgresql://x:port/y", "nonsense"):
        with pytest.raises(conf.ConfigurationError):
            conf.database_from_url(bad)


def manage(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {
        "PATH": os.environ["PATH"],
        "SYNNEFO_SETTINGS_DIR": str(directory),
        "SYNNEFO_DATA": str(directory),
    }
    command = [sys.executable, "-m", "synnefo.webproject.manage", *arguments]
    return subprocess.run(
        command,
        env={**known, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_process_with_a_faulty_file_says_so_in_one_line_and_ends(tmp_path: Path) -> None:
    (tmp_path / "30-mine.conf").write_text("CYCLADES_X = \n")
    done = manage(tmp_path, "check")
    assert done.returncode == 78
    assert done.stderr == f"synnefo: configuration: {tmp_path}/30-mine.conf:1: invalid syntax\n"


def test_a_process_serves_the_services_that_its_settings_name(tmp_path: Path) -> None:
    script = (
        "from synnefo.webproject.start import set_up; set_up();"
        "from django.urls import resolve, Resolver404\n"
        "for path in ('/astakos/identity/v3', '/cyclades/openstack/compute/v2.1/servers'):\n"
        "    try: resolve(path); print('yes')\n"
        "    except Resolver404: print('no')\n"
    )
    environment = {
        "PATH": os.environ["PATH"], "SYNNEFO_SETTINGS_DIR": str(tmp_path), "SYNNEFO_DATA": str(tmp_path),
        "SYNNEFO_SERVICES": '["astakos"]', "DJANGO_SETTINGS_MODULE": "synnefo.settings",
    }  # fmt: skip
    (tmp_path / "secret-key").write_text("x")
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["yes", "no"], done.stderr
    done = manage(tmp_path, "check", SYNNEFO_SERVICES='["astakos", "nonsense"]')
    assert "unknown service nonsense" in done.stderr
