"""What the processes say: kept as it came in bounded files, shown to people in readable lines.

A line that is a JSON object of ours (``event``, ``level``, ``timestamp``) is shown as words; whatever
else a process prints is shown as it is.
"""

from __future__ import annotations

import datetime
import json
import logging
import os
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

_FILE_BYTES = 8 * 1024 * 1024
_OLD_FILES = 3
_LINE_BYTES = 64 * 1024
_OPENING_LINES = 100
_COLOURS = {"web": "36", "objects": "32", "dispatcher": "35", "console": "34", "setup": "33", "synnefo": "1"}
_LEVELS = {"warning": "33", "error": "31", "critical": "31"}
_OWN_KEYS = ("event", "level", "timestamp", "logger", "exception")


class Terminal:
    """Lines with a coloured prefix, on whatever standard output is."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._coloured = self._stream.isatty() and "NO_COLOR" not in os.environ

    def say(self, source: str, text: str, level: str = "info") -> None:
        prefix = self._in_colour(_COLOURS.get(source, "0"), f"{source:>10} |")
        clock = time.strftime("%H:%M:%S")
        for line in text.splitlines() or [""]:
            shown = self._in_colour(_LEVELS[level], line) if level in _LEVELS else line
            self._write(f"{clock} {prefix} {shown}\n")

    def print(self, text: str) -> None:
        """Text for the user himself, without a prefix."""
        self._write(f"{text}\n")

    def _in_colour(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._coloured else text

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (BrokenPipeError, ValueError):  # the reader is gone; the files go on
            self._stream = open(os.devnull, "w")  # noqa: SIM115
            self._coloured = False


class Journal:
    """One process' output: cut into lines, written to its file, shown on the terminal.

    ``opening`` holds the first lines since ``begin``: a process tells there that it is ready.
    """

    def __init__(self, source: str, directory: Path, terminal: Terminal) -> None:
        self.source = source
        self.path = directory / f"{source}.log"
        self.opening: list[str] = []
        self._terminal = terminal
        self._rest = b""
        self._file = RotatingFileHandler(
            self.path, maxBytes=_FILE_BYTES, backupCount=_OLD_FILES, encoding="utf-8", errors="replace"
        )

    def begin(self) -> None:
        """A process starts to speak."""
        self.opening.clear()

    def feed(self, data: bytes) -> None:
        """Take a piece of output. A line longer than 64 KiB is cut."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LINE_BYTES:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._line(line.decode("utf-8", "replace").rstrip("\r"))

    def remark(self, text: str) -> None:
        """What the supervisor has to say about the process."""
        self._line(
            json.dumps({"event": text, "level": "warning", "logger": "synnefo.up", "timestamp": _now()})
        )

    def end(self) -> None:
        """The process is gone; what it had begun to say is all there is."""
        if self._rest:
            self.feed(b"\n")

    def close(self) -> None:
        self._file.close()

    def _line(self, line: str) -> None:
        self._file.emit(logging.makeLogRecord({"msg": line}))
        text, level = readable(line)
        self._terminal.say(self.source, text, level)
        if len(self.opening) < _OPENING_LINES:
            self.opening.append(line)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z")


def readable(line: str) -> tuple[str, str]:
    """A log line as people read it, and its level."""
    entry = _entry(line)
    if entry is None:
        return line, "info"
    details = " ".join(
        f"{key}={_value(value)}"
        for key, value in entry.items()
        if key not in _OWN_KEYS and value not in (None, "")
    )
    text = f"{entry['event']}  {details}".rstrip()
    if entry.get("exception"):
        text = f"{text}\n{entry['exception']}"
    return text, str(entry.get("level", "info"))


def _entry(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "event" in found else None


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text) if " " in text else text
