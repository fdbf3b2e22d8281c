"""What pages of all services show alike: states, places to go, notices. Words and colours, no decisions."""

from __future__ import annotations

import dataclasses
import datetime


@dataclasses.dataclass(frozen=True)
class State:
    """A word and a colour; a busy one changes soon by itself."""

    word: str
    colour: str
    busy: bool = False


@dataclasses.dataclass(frozen=True)
class Place:
    """A place in the navigation, current for all paths below its own. ``count`` things wait there."""

    title: str
    icon: str
    url: str
    count: int = 0

    @property
    def path(self) -> str:
        return self.url.partition("?")[0]


@dataclasses.dataclass(frozen=True)
class Notice:
    """Something that one should know; if it can be put aside, by posting ``key`` to ``dismiss_url``."""

    title: str
    words: str
    url: str
    at: datetime.datetime
    colour: str
    dismiss_url: str = ""
    key: str = ""
