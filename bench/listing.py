"""``GET servers/detail`` of 1,000 servers with their cards, addresses and metadata, in one page."""

from __future__ import annotations

from bench.common import Client, Figure, Web, median, percentile, tell, web_alone

SERVERS, ROUNDS = 1000, 30
AIM_MS = 150
PATH = f"/cyclades/openstack/compute/v2.1/servers/detail?limit={SERVERS}"


def main() -> None:
    with web_alone() as web:
        measure(web)


def measure(web: Web) -> None:
    from bench import seed

    owner = seed.person("listing")
    seed.servers(owner, SERVERS)
    client = Client(web.place, seed.login(owner))
    _, answer = client.call("GET", PATH)
    assert len(answer["servers"]) == SERVERS
    shown = answer["servers"][0]
    assert len(shown["addresses"]["bench"]) == 2, shown
    assert len(shown["metadata"]) == 2, shown
    times_ms = [1000 * client.call("GET", PATH)[0] for _ in range(ROUNDS)]
    more = {"p95_ms": round(percentile(times_ms, 95), 1), "best_ms": round(min(times_ms), 1)}
    tell(Figure(f"GET servers/detail of {SERVERS:,} servers", round(median(times_ms), 1), "ms", AIM_MS, more))


if __name__ == "__main__":
    main()
