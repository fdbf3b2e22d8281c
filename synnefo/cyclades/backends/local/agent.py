"""The agent in the guest (qemu-guest-agent, or what speaks like it): asking it to do something.

Owns one exchange over the socket in the instance's directory. A guest can say anything: nothing that it
says is believed beyond yes, no and a message.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import socket
import time
from pathlib import Path
from typing import Any

from synnefo.cyclades.backends.base import BackendError
from synnefo.cyclades.backends.local.qmp import reachable

ANSWER_S = 10.0
_LINE_MAX = 64 * 1024
_DELIMITER = 0xFF


def set_password(channel: Path, user: str, password: str) -> None:
    """Have a user's password set. Raises BackendError where no agent answers, or it cannot."""
    encoded = base64.b64encode(password.encode()).decode()
    arguments = {"username": user, "password": encoded, "crypted": False}
    execute(channel, "guest-set-user-password", arguments)


def execute(channel: Path, command: str, arguments: dict[str, object]) -> object:
    """Give a command and return its answer. Raises BackendError."""
    deadline = time.monotonic() + ANSWER_S
    try:
        with reachable(channel) as address, socket.socket(socket.AF_UNIX) as line:
            line.settimeout(ANSWER_S)
            line.connect(address)
            with contextlib.closing(line.makefile("rb")) as answers:
                _synchronise(line, answers, deadline)
                _send(line, command, arguments)
                told = _answer(answers, deadline)
    except (OSError, ValueError) as error:
        raise BackendError("No agent answers in the guest; is qemu-guest-agent running there?") from error
    if "error" in told:
        reason = told["error"].get("desc") if isinstance(told["error"], dict) else None
        raise BackendError(f"The agent in the guest refused: {str(reason)[:500]}")
    return told.get("return")


def _synchronise(line: socket.socket, answers: Any, deadline: float) -> None:
    """Skip what earlier askers left unread."""
    token = secrets.randbits(31)
    line.sendall(bytes([_DELIMITER]))
    _send(line, "guest-sync-delimited", {"id": token})
    while _answer(answers, deadline).get("return") != token:
        pass


def _send(line: socket.socket, command: str, arguments: dict[str, object]) -> None:
    line.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")


def _answer(answers: Any, deadline: float) -> dict[str, Any]:
    while time.monotonic() < deadline:
        text = answers.readline(_LINE_MAX)
        if not text:
            break
        try:
            told = json.loads(text.rpartition(bytes([_DELIMITER]))[2])
        except ValueError:
            continue
        if isinstance(told, dict) and ("return" in told or "error" in told):
            return told
    raise TimeoutError("no answer")
