"""What became of clients' commands, as people read it: lines of a log, tables in a page.

A page has a place for each table, between two comments of its name; what stands there is replaced.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Result:
    """``reason`` is why it cannot be done by this client; then it must fail."""

    line: str
    done: bool
    took_s: float
    said: str
    reason: str = ""

    @property
    def good(self) -> bool:
        return self.done != bool(self.reason)

    @property
    def told(self) -> str:
        return "ok" if self.done else self.reason or f"fails: {self.said}"

    @property
    def line_of_log(self) -> str:
        verdict, said = ("ok" if self.good else "FAILED"), ("" if self.done else self.said)
        return f"{verdict:8} {self.took_s:5.1f} s  {self.line}  {said}".rstrip()


def tell(page: Path | None, name: str, head: str, results: Sequence[Result], by: str) -> None:
    """Print the table, and put it into a page if there is one. ``by`` says which client it is."""
    lines = [f"| {head} | Result |", "|---|---|"]
    lines += [f"| `{row.line}` | {row.told} |" for row in results]
    done = sum(row.done for row in results)
    table = "\n".join([*lines, "", f"{done} of {len(results)} succeed ({by})."])
    print(table)
    if page is not None:
        put(page, name, table)


def put(page: Path, name: str, table: str) -> None:
    text = page.read_text(encoding="utf-8")
    begin, end = (f"<!-- {name}: {edge} -->" for edge in ("begin", "end"))
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"interop: {page} has no place for {name}")
    page.write_text(f"{before}{begin}\n\n{table}\n\n{end}{after}", encoding="utf-8")
