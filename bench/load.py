"""Load by ``wrk``: requests that differ, from a file of tokens, over connections that stay open."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

SCRIPT = Path(__file__).with_name("tokens.lua")


@dataclasses.dataclass(frozen=True)
class Load:
    """What a run of ``wrk`` saw; ``failed`` counts answers that were no 2xx, and broken connections."""

    per_second: float
    requests: int
    failed: int
    p50_ms: float
    p99_ms: float


def run(url: str, pairs: Iterable[tuple[str, str]], folder: Path, *, seconds: int, connections: int) -> Load:
    """GET ``url`` with one (X-Auth-Token, X-Subject-Token) of the pairs after the other."""
    tokens = folder / "tokens"
    tokens.write_text("".join(f"{token} {subject}\n" for token, subject in pairs), encoding="ascii")
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--timeout",
        "20s",
        "--latency",
        "-s",
        str(SCRIPT),
        url,
    ]
    done = subprocess.run(
        [*command, "--", str(tokens)], capture_output=True, text=True, timeout=seconds + 60, check=True
    )
    return Load(**json.loads(done.stdout.splitlines()[-1]))
