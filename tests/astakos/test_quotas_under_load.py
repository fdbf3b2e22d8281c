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

from synnefo.astakos.models import Commission, Delta, Holding, Provision
from synnefo.astakos.quotas import deltas, rules
from synnefo.common.accounts import provisions_for
from synnefo.common.faults import OverLimit
from synnefo.common.transactions import atomic

PROCESSES, THREADS, ROUNDS = 4, 50, 10
PROJECTS, USERS, RESOURCES = ("p1", "p2"), ("u1", "u2", "u3"), ("vm", "cpu", "ram")
SHARE_LIMIT, POOL_LIMIT = 12, 20
#: A resource that many small writes take from; it is nearly used up when the test begins.
SPACE, SPACE_LIMIT, SPACE_POOL_LIMIT, SPACE_USED = "space", 40_000, 112_000, 30_000

APPENDED = "", "", "how often amounts were appended"

Totals = collections.Counter[tuple[str, str, str]]


def limits() -> dict[rules.Key, int]:
    pools = {(f"project:{project}", "", name): POOL_LIMIT for project in PROJECTS for name in RESOURCES}
    shares = {
        (f"user:{user}", f"project:{project}", name): SHARE_LIMIT
        for user in USERS
        for project in PROJECTS
        for name in RESOURCES
    }
    space = {(f"project:{project}", "", SPACE): SPACE_POOL_LIMIT for project in PROJECTS} | {
        (f"user:{user}", f"project:{project}", SPACE): SPACE_LIMIT for user in USERS for project in PROJECTS
    }
    return pools | shares | space


def charge(seed: int) -> Totals:
    """One thread's life: take, give back what it holds, settle at random; returns what it kept."""
    chance, kept = random.Random(seed), Totals()
    try:
        for _ in range(ROUNDS):
            user, project = chance.choice(USERS), chance.choice(PROJECTS)
            if chance.random() < 0.6:
                write(chance, user, project, kept)
                continue
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


def write(chance: random.Random, user: str, project: str, kept: Totals) -> None:
    """Take or give back space as the object store does: appended where that may be."""
    held = kept[user, project, SPACE]
    amount = -chance.randint(0, held) if chance.random() < 0.3 else chance.choice([1, 5, 10, 300, 900])
    provisions = provisions_for(user, project, {SPACE: amount})
    with atomic():
        appended = bool(provisions) and deltas.append(provisions)
    if chance.random() < 0.1:
        deltas.fold_all()
    if provisions and not appended:
        try:
            rules.issue(provisions, client="load", auto_accept=True)
        except OverLimit:
            return
    kept[user, project, SPACE] += amount
    kept[APPENDED] += appended


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
    for user in USERS:
        for project in PROJECTS:
            used = provisions_for(user, project, {SPACE: SPACE_USED})
            rules.issue(used, client="before", auto_accept=True)
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
    assert kept.pop(APPENDED) > 50
    for (user, project, name), amount in kept.items():
        expected[f"user:{user}", f"project:{project}", name] += amount
        expected[f"project:{project}", "", name] += amount
    for user in USERS:
        for project in PROJECTS:
            expected[f"user:{user}", f"project:{project}", SPACE] += SPACE_USED
            expected[f"project:{project}", "", SPACE] += SPACE_USED
    deltas.fold_all()
    assert not Delta.objects.exists()
    for row in Holding.objects.all():
        amount = expected[row.holder, row.source, row.resource]
        assert (row.usage_min, row.usage_max) == (amount, amount), str(row)
    assert sum(expected.values()) > 0
