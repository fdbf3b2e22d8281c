"""Processes and threads charge the same few holdings: no limit is ever exceeded, and the end is exact."""

from __future__ import annotations

import collections
import multiprocessing
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import Pool

import pytest
from django.db import connection, connections

from synnefo.astakos.models import Commission, Holding, Provision
from synnefo.astakos.quotas import rules
from synnefo.common.accounts import provisions_for
from synnefo.common.faults import OverLimit

PROCESSES, THREADS, ROUNDS = 4, 50, 8
PROJECTS, USERS, RESOURCES = ("p1", "p2"), ("u1", "u2", "u3"), ("vm", "cpu", "ram")
SHARE_LIMIT, POOL_LIMIT = 12, 20

Totals = collections.Counter[tuple[str, str, str]]


def limits() -> dict[rules.Key, int]:
    pools = {(f"project:{project}", "", name): POOL_LIMIT for project in PROJECTS for name in RESOURCES}
    shares = {
        (f"user:{user}", f"project:{project}", name): SHARE_LIMIT
        for user in USERS
        for project in PROJECTS
        for name in RESOURCES
    }
    return pools | shares


def charge(seed: int) -> Totals:
    """One thread's life: take, give back what it holds, settle at random; returns what it kept."""
    chance, kept = random.Random(seed), Totals()
    try:
        for _ in range(ROUNDS):
            user, project = chance.choice(USERS), chance.choice(PROJECTS)
            amounts = {name: chance.randint(1, 4) for name in chance.sample(RESOURCES, chance.randint(1, 3))}
            if chance.random() < 0.4:
                amounts = {name: -min(amount, kept[user, project, name]) for name, amount in amounts.items()}
            provisions = provisions_for(user, project, amounts)
            if not provisions:
                continue
            try:
                serial = rules.issue(provisions, client="load")
            except OverLimit:
                continue
            accept = chance.random() < 0.8
            rules.resolve([serial] if accept else [], [] if accept else [serial], client="load")
            if accept:
                kept.update({(user, project, name): amount for name, amount in amounts.items()})
    finally:
        connection.close()
    return kept


def process(first_seed: int) -> Totals:
    total = Totals()
    with ThreadPoolExecutor(THREADS // PROCESSES + 1) as pool:
        for kept in pool.map(charge, range(first_seed, first_seed + THREADS)):
            total.update(kept)
    return total


def watch(stop: threading.Event, seen: list[str]) -> None:
    try:
        while not stop.wait(0.01):
            for row in Holding.objects.all():
                if row.usage_max > row.limit or not 0 <= row.usage_min <= row.usage_max:
                    seen.append(f"{row}: {row.usage_min}..{row.usage_max} of {row.limit}")
    finally:
        connection.close()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_fifty_threads_in_four_processes_never_exceed_a_limit() -> None:
    rules.set_limits(limits())
    connections.close_all()
    context = multiprocessing.get_context("fork")
    with Pool(PROCESSES, context=context) as pool:
        work = pool.map_async(process, range(0, PROCESSES * 1000, 1000))
        stop, seen = threading.Event(), list[str]()
        watcher = threading.Thread(target=watch, args=(stop, seen))
        watcher.start()
        try:
            totals = work.get(timeout=120)
        finally:
            stop.set()
            watcher.join()
    assert seen == []
    _compare(sum(totals, Totals()))


def _compare(kept: Totals) -> None:
    assert not Commission.objects.exists()
    assert not Provision.objects.exists()
    expected: collections.Counter[rules.Key] = collections.Counter()
    for (user, project, name), amount in kept.items():
        expected[f"user:{user}", f"project:{project}", name] += amount
        expected[f"project:{project}", "", name] += amount
    for row in Holding.objects.all():
        amount = expected[row.holder, row.source, row.resource]
        assert (row.usage_min, row.usage_max) == (amount, amount), str(row)
    assert sum(expected.values()) > 0
