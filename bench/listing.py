"""Pages of 1,000 out of 10,000 servers with all about them, ports, and floating IPs.

Every server has a card with a fixed and a floating address, a disk and two metadata.
"""

from __future__ import annotations

from bench.common import Client, Figure, Web, median, percentile, tell, web_alone

SERVERS, PAGE, ROUNDS = 10_000, 1_000, 3
AIM_MS = 150
LISTS = {
    "servers": "compute/v2.1/servers/detail",
    "ports": "network/v2.0/ports",
    "floatingips": "network/v2.0/floatingips",
}


def main() -> None:
    with web_alone() as web:
        measure(web)


def measure(web: Web) -> None:
    from bench import seed

    owner = seed.person("listing")
    seed.servers(owner, SERVERS)
    client = Client(web.place, seed.login(owner))
    for name, path in LISTS.items():
        times_ms = [each for _ in range(ROUNDS) for each in _pages(client, name, path)]
        more = {"p95_ms": round(percentile(times_ms, 95), 1), "best_ms": round(min(times_ms), 1)}
        what = f"GET {path}, {PAGE:,} of {SERVERS:,}"
        tell(Figure(what, round(median(times_ms), 1), "ms", AIM_MS, more))


def _pages(client: Client, name: str, path: str) -> list[float]:
    """Milliseconds of each page, from the first to the last."""
    times_ms, marker, seen = [], "", set[str]()
    while len(seen) < SERVERS:
        took_s, answer = client.call("GET", f"/cyclades/openstack/{path}?limit={PAGE}{marker}")
        ids = [each["id"] for each in answer[name]]
        assert len(ids) == PAGE
        seen.update(ids)
        marker = f"&marker={ids[-1]}"
        times_ms.append(1000 * took_s)
    assert len(seen) == SERVERS
    return times_ms


if __name__ == "__main__":
    main()
