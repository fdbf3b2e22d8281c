"""``GET /v3/auth/tokens`` with distinct tokens: how fast a service learns whose token it was given."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import load
from bench.common import Client, Figure, median, tell, web_alone

USERS, TOKENS_EACH = 500, 4
ROUNDS, SECONDS, WARM_UP_S, CONNECTIONS = 3, 8, 6, 16
AIM_PER_SECOND = 2000
PATH = "/astakos/identity/v3/auth/tokens"


def main() -> None:
    with web_alone() as web:
        from bench import seed

        subjects = seed.people(USERS, tokens_each=TOKENS_EACH)
        admin = seed.login(seed.administrator())
        for figure in _measured(web.place, subjects, admin):
            tell(figure)


def _measured(place: str, tokens: Sequence[str], admin: str) -> Iterator[Figure]:
    """Every token validating itself, then an administrator validating every token.

    Warming up opens the connections and notes the tokens' first use.
    """
    check_answer(place, PATH, tokens[0])
    url = f"http://{place}{PATH}"
    for kind, pairs in (
        ("one's own", [(token, token) for token in tokens]),
        ("of users by an administrator", [(admin, token) for token in tokens]),
    ):
        yield _figure(f"GET v3/auth/tokens, {kind}", url, pairs)


def check_answer(place: str, path: str, token: str) -> None:
    """What is measured is the whole answer: roles and catalog in it."""
    client = Client(place, token)
    client.headers["X-Subject-Token"] = token
    shown = client.call("GET", path)[1]["token"]
    assert shown["roles"], shown
    assert shown["catalog"], shown


def _figure(name: str, url: str, pairs: Sequence[tuple[str, str]]) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        load.run(url, pairs, place, seconds=WARM_UP_S, connections=CONNECTIONS)
        rounds = [
            load.run(url, pairs, place, seconds=SECONDS, connections=CONNECTIONS) for _ in range(ROUNDS)
        ]
    assert not any(one.failed for one in rounds), rounds
    more = {
        "rounds": [one.per_second for one in rounds],
        "p50_ms": median([one.p50_ms for one in rounds]),
        "p99_ms": median([one.p99_ms for one in rounds]),
    }
    return Figure(name, median([one.per_second for one in rounds]), "requests/s", AIM_PER_SECOND, more)


if __name__ == "__main__":
    main()
