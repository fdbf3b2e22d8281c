"""``GET /v3/auth/tokens`` with distinct tokens: how fast a service learns whose token it was given."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import load
from bench.common import Client, Figure, Web, tell, web_alone

USERS, TOKENS_EACH = 500, 4
ROUNDS, SECONDS, CONNECTIONS = 3, 8, 16
AIM_PER_SECOND = 2000
PATH = "/astakos/identity/v3/auth/tokens"


def main() -> None:
    with web_alone() as web:
        from bench import seed

        subjects = seed.people(USERS, tokens_each=TOKENS_EACH)
        admin = seed.login(seed.administrator())
        _check_answer(web, subjects[0])
        own = [(token, token) for token in subjects]
        tell(_measured("validate one's own token", web, own))
        tell(
            _measured("validate a user's token as administrator", web, [(admin, token) for token in subjects])
        )


def _check_answer(web: Web, token: str) -> None:
    """What is measured is the whole answer: roles and catalog in it."""
    client = Client(web.place, token)
    client.headers["X-Subject-Token"] = token
    _, answer = client.call("GET", PATH)
    assert answer["token"]["roles"], json.dumps(answer)
    assert answer["token"]["catalog"], json.dumps(answer)


def _measured(name: str, web: Web, pairs: Sequence[tuple[str, str]]) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        url, place = f"{web.url}{PATH}", Path(folder)
        load.run(
            url, pairs, place, seconds=3, connections=CONNECTIONS
        )  # connections opened, first uses noted
        rounds = [
            load.run(url, pairs, place, seconds=SECONDS, connections=CONNECTIONS) for _ in range(ROUNDS)
        ]
    assert not any(one.failed for one in rounds), rounds
    best = max(rounds, key=lambda one: one.per_second)
    more = {"rounds": [one.per_second for one in rounds], "p50_ms": best.p50_ms, "p99_ms": best.p99_ms}
    return Figure(f"GET v3/auth/tokens, {name}", best.per_second, "requests/s", AIM_PER_SECOND, more)


if __name__ == "__main__":
    main()
