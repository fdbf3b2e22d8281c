"""The record of operators' commands: what stands in it, who reads it, and what never does."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import execute_from_command_line
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from synnefo.common.command_log import without_secrets

pytestmark = pytest.mark.django_db

SECRET = "Tr0ub4dor&3-secret"


@pytest.fixture
def logs(settings: Settings, tmp_path: Path) -> Path:
    settings.LOG_DIR = str(tmp_path / "log")
    return tmp_path / "log" / "commands"


def run(*words: str) -> None:
    execute_from_command_line(["snf-manage", *words])


def test_a_command_is_recorded_without_its_secrets_for_its_user_alone(logs: Path) -> None:
    run("user-add", "ada@example.org", "Ada", "Byron", "--password", SECRET)
    (file,) = logs.iterdir()
    text = file.read_text()
    assert "_user-add_" in file.name
    assert file.stat().st_mode & 0o777 == 0o600
    assert logs.stat().st_mode & 0o777 == 0o700
    assert "snf-manage user-add ada@example.org Ada Byron --password '***'" in text
    assert SECRET not in text
    assert text.endswith(" done\n")


def test_a_failure_is_recorded_as_one(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("user-modify", "nobody", "--verify")
    (file,) = logs.iterdir()
    assert file.read_text().endswith(" failed with status 1\n")


@pytest.mark.parametrize("command", [("user-list",), ("group-list", "--no-headers")])
def test_looking_is_not_recorded(
    logs: Path, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    run(*command)
    assert not logs.exists()


def test_a_directory_that_cannot_be_written_stops_no_command(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    settings.LOG_DIR = str(tmp_path / "file")
    run("group-add", "helpers")
    assert "helpers" in capsys.readouterr().out


@given(
    before=st.lists(st.sampled_from(["ada", "--renew-token", "-f", "x=y"])),
    option=st.sampled_from(["--password", "--pass", "--secret", "--auth-token", "--token", "--tok"]),
    glued=st.booleans(),
    after=st.lists(st.sampled_from(["ada", "--verify"])),
)
def test_no_way_of_giving_a_secret_shows_it(
    before: list[str], option: str, glued: bool, after: list[str]
) -> None:
    given_so = [f"{option}={SECRET}"] if glued else [option, SECRET]
    shown = without_secrets([*before, *given_so, *after])
    assert SECRET not in " ".join(shown)
    assert shown[: len(before)] == before
    assert shown[len(shown) - len(after) :] == after


def test_words_that_are_no_secrets_stay() -> None:
    words = ["snf-manage", "user-modify", "7", "--renew-token", "--add-group", "a=b", "--set-email", "x@y"]
    assert without_secrets(words) == words
