"""What tokens said a moment ago, for processes that are asked by the same ones all the time.

PostgreSQL tells whoever listens of every change of what a token may say, when that is committed (triggers of
migration 0012). Only while a process listens does it remember anything, and it forgets everything at each
such word. What depends on time is not remembered: whoever asks looks at the clock himself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg
import structlog
from django.db import connection

from synnefo.common.prepared import Row

log = structlog.get_logger("synnefo.astakos")

CHANNEL = "synnefo_identities"
#: Should a word get lost with a broken line, it is not for long.
_KEPT_S = 10.0
_MOST = 10_000
_AGAIN_AFTER_S = 1.0


class Memory:
    """Rows of ``tokens``' look-up by the digests of tokens. All methods may be called by any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: dict[str, tuple[float, list[Row]]] = {}
        self.is_open = False
        self._turn = 0

    def found(self, digest: str, look: Callable[[], list[Row]]) -> list[Row]:
        """What is remembered, or else what ``look`` finds."""
        kept = self._kept.get(digest)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        turn = self._turn
        rows = look()
        if rows and self.is_open:
            self._keep(digest, rows, turn)
        return rows

    def forget(self, digest: str = "") -> None:
        """Of one token, or everything."""
        with self._guard:
            self._turn += 1
            if digest:
                self._kept.pop(digest, None)
            else:
                self._kept.clear()

    def open(self, is_open: bool) -> None:
        """Whether anything is remembered from now on."""
        self.is_open = is_open
        self.forget()

    def _keep(self, digest: str, rows: list[Row], turn: int) -> None:
        """Unless there was a word since somebody looked: what he found may be older."""
        with self._guard:
            if turn == self._turn and self.is_open:
                if len(self._kept) >= _MOST:
                    self._kept.clear()
                self._kept[digest] = time.monotonic() + _KEPT_S, rows


memory = Memory()


def begin() -> None:
    """Remember from now on, in this process. Nothing tells of changes but PostgreSQL: else it does not."""
    if connection.vendor == "postgresql":
        threading.Thread(target=_listen_for_ever, name="identities", daemon=True).start()


def _listen_for_ever() -> None:
    while True:
        try:
            listen()
        except psycopg.Error as error:
            log.warning("cannot listen for changes of tokens", error=str(error))
        finally:
            memory.open(False)
        time.sleep(_AGAIN_AFTER_S)


def listen() -> None:
    """Listen as long as the line holds. Raises psycopg.Error."""
    from synnefo.common.postgresql import listening

    with listening.connect(CHANNEL) as line:
        memory.open(True)
        for _ in line.notifies():
            memory.forget()
