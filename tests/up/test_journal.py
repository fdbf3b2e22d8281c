"""What processes say: lines, files, colours."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from synnefo.up.journal import Journal, Terminal, readable


@pytest.fixture
def shown() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def journal(tmp_path: Path, shown: io.StringIO) -> Journal:
    return Journal("web", tmp_path, Terminal(shown))


def test_pieces_become_lines(journal: Journal, shown: io.StringIO) -> None:
    journal.feed(b"one\ntw")
    journal.feed(b"o\nthr")
    journal.end()
    assert journal.path.read_text() == "one\ntwo\nthr\n"
    assert [line.partition("| ")[2] for line in shown.getvalue().splitlines()] == ["one", "two", "thr"]


def test_an_endless_line_is_cut(journal: Journal) -> None:
    journal.feed(b"x" * 200_000)
    assert journal.path.read_text().startswith("x" * 65537)


def test_bytes_that_are_no_text_do_no_harm(journal: Journal) -> None:
    journal.feed(b"\xff\xfe\n")
    assert journal.path.read_text() == "\ufffd\ufffd\n"


def test_files_are_bounded(journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(journal._file, "maxBytes", 1000)
    for number in range(1000):
        journal.feed(f"line {number}\n".encode())
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["web.log", "web.log.1", "web.log.2", "web.log.3"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())


def test_a_log_entry_is_shown_in_words() -> None:
    line = json.dumps(
        {
            "event": "operation finished",
            "level": "info",
            "timestamp": "x",
            "state": "failed",
            "error": "no room",
        }
    )
    assert readable(line) == ('operation finished  state=failed error="no room"', "info")


def test_an_exception_is_shown_below_its_entry() -> None:
    text, level = readable(
        json.dumps({"event": "boom", "level": "error", "exception": "Traceback\n  ValueError"})
    )
    assert text.splitlines() == ["boom", "Traceback", "  ValueError"]
    assert level == "error"


@pytest.mark.parametrize("line", ["plain words", "{not json", '{"no": "event"}', "[1]"])
def test_whatever_else_is_shown_as_it_is(line: str) -> None:
    assert readable(line) == (line, "info")


def test_a_reader_that_went_away_does_not_stop_the_files(journal: Journal, shown: io.StringIO) -> None:
    shown.close()
    journal.feed(b"still written\n")
    assert journal.path.read_text() == "still written\n"
