"""Reading the tables of ``docs/*.md``."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def rows(page: str) -> list[list[str]]:
    """The cells of every table row of a page whose first cell is code; backquotes are taken off."""
    found = []
    for line in (DOCS / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            found.append([cell.strip("`") if cell.count("`") == 2 else cell for cell in cells])
    return found
