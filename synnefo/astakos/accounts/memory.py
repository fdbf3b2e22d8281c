"""What tokens said a moment ago, for processes that are asked by the same ones all the time.

PostgreSQL tells whoever listens of every change of what a token may say, when that is committed (triggers of
migration 0012); SQLite says to a connection whether others have written since it asked last. At each such
word everything is forgotten, and while nobody can hear it nothing is remembered.
"""

from __future__ import annotations

import threading
import time
from typing import Generic, TypeVar

import psycopg
import structlog
from django.db import connection

from synnefo.common.prepared import run

log = structlog.get_logger("synnefo.astakos")

CHANNEL = "synnefo_identities"
#: Should a word get lost with a broken line, it is not for long.
_KEPT_S = 10.0
_MOST = 10_000
_AGAIN_AFTER_S = 1.0

T = TypeVar("T")


class Memory(Generic[T]):
    """Values by the digests of tokens. All methods may be called by any thread.

    ``turn`` counts the words: what was looked up before the last of them is not kept.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._kept: dict[str, tuple[float, T]] = {}
        self.is_open = False
        self.turn = 0

    def get(self, digest: str) -> T | None:
        kept = self._kept.get(digest)
        return kept[1] if kept is not None and kept[0] > time.monotonic() else None

    def keep(self, digest: str, value: T, turn: int) -> None:
        """``turn`` is what it was before the value was looked up."""
        with self._guard:
            if self.is_open and turn == self.turn:
                if len(self._kept) >= _MOST:
                    self._kept.clear()
                self._kept[digest] = time.monotonic() + _KEPT_S, value

    def forget(self) -> None:
        with self._guard:
            self.turn += 1
            self._kept.clear()

    def open(self, is_open: bool) -> None:
        """Whether anything is remembered from now on."""
        self.is_open = is_open
        self.forget()


class Heard(Memory[T]):
    """A memory of this process', which hears of changes from when it ``begins``."""

    def __init__(self) -> None:
        super().__init__()
        self._asks = False
        self._version = -1

    def begin(self) -> None:
        if connection.vendor == "postgresql":
            threading.Thread(target=self._listen_for_ever, name="identities", daemon=True).start()
        else:
            self._asks = True
            self.open(True)

    def get(self, digest: str) -> T | None:
        """What is remembered, where nobody need be asked whether it is true yet."""
        return None if self._asks else super().get(digest)

    def get_in_loop(self, digest: str) -> T | None:
        """The same for who always has the same connection, and writes nothing over it: SQLite is asked."""
        if self._asks:
            ((version,),), _ = run("PRAGMA data_version", [])
            if version != self._version:
                self._version = version
                self.forget()
        return super().get(digest)

    def listen(self) -> None:
        """Listen to PostgreSQL as long as the line holds. Raises psycopg.Error."""
        from synnefo.common.postgresql import listening

        with listening.connect(CHANNEL) as line:
            self.open(True)
            for _ in line.notifies():
                self.forget()

    def _listen_for_ever(self) -> None:
        while True:
            try:
                self.listen()
            except psycopg.Error as error:
                log.warning("cannot listen for changes of tokens", error=str(error))
            finally:
                self.open(False)
            time.sleep(_AGAIN_AFTER_S)
