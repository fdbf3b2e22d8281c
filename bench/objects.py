"""PUT and GET of objects of 1 KiB, 1 MiB and 64 MiB over 8 connections, and a JSON list of 10,000.

Every PUT makes a new object of content that nobody has stored yet. What is read is in the page cache.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from bench.common import Client, Figure, Web, median, percentile, tell, web_alone
from bench.object_load import Load, Work, run

KIB, MIB = 1024, 1024 * 1024
ROUNDS, SECONDS, WARM_UP_S = 3, 8, 3
LISTED, LIST_ROUNDS, LIST_AIM_MS = 10_000, 20, 100

#: Size, how many are there to be read, and the aims of PUT and GET: requests a second, or MB a second.
SIZES = (
    ("1 KiB", KIB, 1000, 600.0, 1500.0),
    ("1 MiB", MIB, 64, None, 300.0),
    ("64 MiB", 64 * MIB, 8, 300.0, 500.0),
)


def main() -> None:
    with web_alone("objects") as web:
        measure(web)


def measure(web: Web) -> None:
    from bench import seed

    owner = seed.person("objects")
    token = seed.login(owner)
    client, base = Client(web.place, token), f"/pithos/object-store/v1/{owner.uuid}"
    for name, size_bytes, count, put_aim, get_aim in SIZES:
        container = f"{base}/{name.replace(' ', '')}"
        for made in (container, f"{container}-read"):
            client.call("PUT", made)
        writing = Work(web.place, token, f"{container}/", "PUT", size_bytes, SECONDS)
        _tell_rate(web, f"PUT {name}", writing, put_aim)
        reading = replace(writing, path=f"{container}-read/", method="GET", count=count)
        _fill(reading)
        _tell_rate(web, f"GET {name}", reading, get_aim)
        client.call("DELETE", f"{container}?delimiter=/")
    _list(web, token, client, f"{base}/listed")


def _fill(reading: Work) -> None:
    """Make the objects that are read, by requests of one connection."""
    from bench.object_load import Connection

    writer = Connection(replace(reading, method="PUT", connections=1), 0)
    for number in range(reading.count):
        assert writer.put(number) == 201


def _tell_rate(web: Web, name: str, work: Work, aim: float | None) -> None:
    run(replace(work, path=f"{work.path}w" if work.method == "PUT" else work.path, seconds=WARM_UP_S))
    before_s = _cpu_s(web)
    rounds = [
        run(replace(work, path=f"{work.path}{number}-" if work.method == "PUT" else work.path))
        for number in range(ROUNDS)
    ]
    assert not any(one.rejected for one in rounds), rounds
    more = {
        "rounds": [_value(one, work) for one in rounds],
        "web_cpu_ms": round(1000 * (_cpu_s(web) - before_s) / sum(one.requests for one in rounds), 2),
        "p50_ms": median([one.p50_ms for one in rounds]),
        "p99_ms": median([one.p99_ms for one in rounds]),
    }
    unit = "requests/s" if work.size_bytes < MIB else "MB/s"
    tell(Figure(name, median([_value(one, work) for one in rounds]), unit, aim, more))


def _cpu_s(web: Web) -> float:
    """Processor time that the web processes have used up: it tells more than rates on a busy machine."""
    children = Path(f"/proc/{web.process.pid}/task/{web.process.pid}/children").read_text().split()
    ticks = 0
    for pid in (str(web.process.pid), *children):
        ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _value(load: Load, work: Work) -> float:
    return load.per_second if work.size_bytes < MIB else round(load.bytes_per_second / 1e6, 1)


def _list(web: Web, token: str, client: Client, container: str) -> None:
    client.call("PUT", container)
    _fill(Work(web.place, token, f"{container}/photos/2031/holidays-", "PUT", 0, 0, count=LISTED))
    path = f"{container}?format=json&limit={LISTED}"
    assert len(client.call("GET", path)[1]) == LISTED
    times_ms = [1000 * client.call("GET", path)[0] for _ in range(LIST_ROUNDS)]
    more = {"p95_ms": round(percentile(times_ms, 95), 1), "best_ms": round(min(times_ms), 1)}
    tell(Figure(f"GET a list of {LISTED:,} objects", round(median(times_ms), 1), "ms", LIST_AIM_MS, more))


if __name__ == "__main__":
    main()
