"""Charges in the very process: a server's six resources as two-phase commissions, and stored bytes as usage
that is appended; by one thread, and by eight that charge one project.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bench.common import Figure, median, percentile, tell, web_alone

SERVER = ("vm", "cpu", "total_cpu", "ram", "total_ram", "disk")
ROUNDS, THREADS, WARM_UP = 300, 8, 20

Charge = Callable[[int], None]


def main() -> None:
    with web_alone():
        measure()


def measure() -> None:
    from bench import seed
    from synnefo.common.accounts import provisions_for
    from synnefo.engine import charging

    owner = seed.person("charging")
    amounts = {f"cyclades.{name}": 1 for name in SERVER}

    def commission(sign: int) -> None:
        wanted = {name: sign * amount for name, amount in amounts.items()}
        with charging.charging(owner.uuid, owner.uuid, wanted, name="bench") as serial:
            charging.decide(serial, accept=True)

    def append(sign: int) -> None:
        with charging.charged(
            provisions_for(owner.uuid, owner.uuid, {"pithos.diskspace": 1024 * sign}), name="bench"
        ):
            pass

    for name, charge in (("six resources, commissioned", commission), ("bytes, appended", append)):
        _tell(name, charge)


def _tell(name: str, charge: Charge) -> None:
    from django.db import connection

    def pairs(count: int) -> list[float]:
        """Milliseconds of every pair."""
        try:
            return [_pair_ms(charge) for _ in range(count)]
        finally:
            connection.close()

    pairs(WARM_UP)
    alone = pairs(ROUNDS)
    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        together = [taken for found in pool.map(pairs, [ROUNDS // THREADS] * THREADS) for taken in found]
    rate = len(together) / (time.perf_counter() - started)
    more = {"p95_ms": round(percentile(alone, 95), 2), "threads": THREADS, "pairs_per_s": round(rate, 1)}
    tell(Figure(f"taking and giving back {name}", round(median(alone), 2), "ms", more=more))


def _pair_ms(charge: Charge) -> float:
    started = time.perf_counter()
    charge(1)
    charge(-1)
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
