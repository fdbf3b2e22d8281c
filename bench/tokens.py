"""``GET /v3/auth/tokens`` with distinct tokens: how fast a service learns whose token it was given."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import load
from bench.common import Client, Figure, median, tell, web_alone

USERS, TOKENS_EACH = 500, 4
ROUNDS, SECONDS, CONNECTIONS = 3, 8, 16
AIM_PER_SECOND = 2000
PATH = "/astakos/identity/v3/auth/tokens"


def main() -> None:
    with web_alone() as web:
        from bench import seed

        subjects = seed.people(USERS, tokens_each=TOKENS_EACH)
        admin = seed.login(seed.administrator())
        for figure in measured("GET v3/auth/tokens", web.place, PATH, subjects, admin, aim=AIM_PER_SECOND):
            tell(figure)


def measured(
    name: str,
    place: str,
    path: str,
    tokens: Sequence[str],
    admin: str,
    *,
    aim: float | None = None,
    warm_up_s: int = 6,
) -> Iterator[Figure]:
    """Every token validating itself, then an administrator validating every token.

    Warming up opens the connections and notes (the product) or caches (a peer) the tokens' first use.
    """
    _check_answer(place, path, tokens[0])
    url = f"http://{place}{path}"
    for kind, pairs in (
        ("one's own", [(token, token) for token in tokens]),
        ("of users by an administrator", [(admin, token) for token in tokens]),
    ):
        yield _figure(f"{name}, {kind}", url, pairs, aim, warm_up_s)


def _check_answer(place: str, path: str, token: str) -> None:
    """What is measured is the whole answer: roles and catalog in it."""
    client = Client(place, token)
    client.headers["X-Subject-Token"] = token
    shown = client.call("GET", path)[1]["token"]
    assert shown["roles"], shown
    assert shown["catalog"], shown


def _figure(
    name: str, url: str, pairs: Sequence[tuple[str, str]], aim: float | None, warm_up_s: int
) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        load.run(url, pairs, place, seconds=warm_up_s, connections=CONNECTIONS)
        rounds = [
            load.run(url, pairs, place, seconds=SECONDS, connections=CONNECTIONS) for _ in range(ROUNDS)
        ]
    assert not any(one.failed for one in rounds), rounds
    more = {
        "rounds": [one.per_second for one in rounds],
        "p50_ms": median([one.p50_ms for one in rounds]),
        "p99_ms": median([one.p99_ms for one in rounds]),
    }
    return Figure(name, median([one.per_second for one in rounds]), "requests/s", aim, more)


if __name__ == "__main__":
    main()
