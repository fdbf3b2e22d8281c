"""``POST servers`` until the answer 202: checks, quota, rows, a network card with its address, the operation.

No dispatcher runs here, so that what is measured is the request alone; what is asked for piles up.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.common import Client, Figure, Web, median, percentile, tell, web_alone

SERVERS, AT_ONCE = 200, 20
AIM_MS = 60
PATH = "/cyclades/openstack/compute/v2.1/servers"


def main() -> None:
    with web_alone() as web:
        measure(web)


def measure(web: Web) -> None:
    from bench import seed

    owner = seed.person("creating")
    wanted = {
        **seed.what_servers_need(owner),
        "metadata": {"role": "bench", "stage": "test"},
    }
    client = Client(web.place, seed.login(owner))
    times_ms = [
        1000 * client.call("POST", PATH, {"server": {**wanted, "name": f"server-{number}"}})[0]
        for number in range(SERVERS)
    ]
    more = {
        "p95_ms": round(percentile(times_ms, 95), 1),
        "p99_ms": round(percentile(times_ms, 99), 1),
        "first_ms": round(times_ms[0], 1),
        "last_50_ms": round(median(times_ms[-50:]), 1),
    }
    tell(Figure("POST servers, to the answer 202", round(median(times_ms), 1), "ms", AIM_MS, more))
    _at_once(web, seed.login(owner), wanted)


def _at_once(web: Web, token: str, wanted: dict[str, Any]) -> None:
    """So many clients, each asking for a server at the same moment."""

    def ask(number: int) -> float:
        client = Client(web.place, token)
        return 1000 * client.call("POST", PATH, {"server": {**wanted, "name": f"at-once-{number}"}})[0]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = time.perf_counter()
        times_ms = list(pool.map(ask, range(AT_ONCE)))
        whole_ms = 1000 * (time.perf_counter() - started)
    more = {"median_ms": round(median(times_ms), 1), "slowest_ms": round(max(times_ms), 1)}
    tell(Figure(f"{AT_ONCE} POST servers at once, to the last answer", round(whole_ms, 1), "ms", None, more))


if __name__ == "__main__":
    main()
