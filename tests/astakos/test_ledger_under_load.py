"""Many workers take and give back, some are killed while they do: usage and ledger are what they did."""

from __future__ import annotations

import collections
import multiprocessing
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.pool import Pool

import pytest
from django.db import connection, connections

from synnefo.astakos.models import Commission, Delta, Holding, ProvisionLog
from synnefo.astakos.quotas import deltas, ledger, rules
from synnefo.common.accounts import Provision, provisions_for
from synnefo.common.transactions import atomic
from tests.cloud import wait_until

PROCESSES, THREADS, PAIRS = 4, 8, 1024
USERS, PROJECT = [f"u{number}" for number in range(5)], "p"
VM, SPACE = "vm", "space"
LIMIT = 10**9

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
Kept = collections.Counter[tuple[str, str]]


@pytest.fixture(autouse=True)
def limits() -> None:
    for resource in (VM, SPACE):
        pool = {(f"project:{PROJECT}", "", resource): LIMIT}
        rules.set_limits(pool | {(f"user:{user}", f"project:{PROJECT}", resource): LIMIT for user in USERS})


def take(chance: random.Random, provisions: list[Provision]) -> None:
    """In one of the ways in which services charge: in two steps, at once, or appended."""
    way = chance.choice(("settled", "at once", "appended"))
    if way == "appended":
        with atomic():
            if deltas.append(provisions):
                return
    serial = rules.issue(provisions, client="load", auto_accept=way == "at once")
    if way == "settled":
        rules.resolve([serial], [], client="load")


def pairs(seed: int) -> Kept:
    """One worker's part; returns what it kept: of every tenth pair a bit is not given back."""
    chance, kept = random.Random(seed), Kept()
    try:
        for number in range(PAIRS // (PROCESSES * THREADS)):
            user, resource, amount = chance.choice(USERS), chance.choice((VM, SPACE)), chance.randint(2, 9)
            back = amount - (number % 10 == 0)
            take(chance, provisions_for(user, PROJECT, {resource: amount}))
            take(chance, provisions_for(user, PROJECT, {resource: -back}))
            kept[user, resource] += amount - back
    finally:
        connection.close()
    return kept


def process(first_seed: int) -> Kept:
    with ThreadPoolExecutor(THREADS) as workers:
        return sum(workers.map(pairs, range(first_seed, first_seed + THREADS)), Kept())


def test_after_a_thousand_pairs_of_32_workers_usage_and_ledger_are_the_model() -> None:
    connections.close_all()
    with Pool(PROCESSES, context=multiprocessing.get_context("fork")) as pool:
        kept = sum(pool.map(process, range(0, PROCESSES * 1000, 1000)), Kept())
    deltas.fold_all()
    expected: collections.Counter[rules.Key] = collections.Counter()
    for (user, resource), amount in kept.items():
        expected[f"user:{user}", f"project:{PROJECT}", resource] += amount
        expected[f"project:{PROJECT}", "", resource] += amount
    assert sum(kept.values()) > PROCESSES * THREADS
    assert not Commission.objects.exists()
    for row in Holding.objects.all():
        key = (row.holder, row.source, row.resource)
        assert (row.usage_min, row.usage_max, _noted(key)) == (expected[key],) * 3, str(row)
    assert ledger.differences() == {}


def _noted(key: rules.Key) -> int:
    holder, source, resource = key
    rows = ledger.of_user(holder[5:], source[8:]) if source else ledger.of_pool(holder[8:])
    return sum(event.quantity for event in ledger.read(rows.filter(resource=resource)))


def _all_is_folded() -> bool:
    deltas.fold_all()
    return not Delta.objects.exists()


def charge_until_killed(seed: int, told: Connection) -> None:
    chance = random.Random(seed)
    while True:
        take(chance, provisions_for(chance.choice(USERS), PROJECT, {SPACE: chance.randint(1, 9)}))
        told.send(True)


def test_who_is_killed_while_he_charges_leaves_usage_and_ledger_in_agreement() -> None:
    connections.close_all()
    context = multiprocessing.get_context("fork")
    for seed in range(5):
        here, there = context.Pipe()
        worker = context.Process(target=charge_until_killed, args=(seed, there))
        worker.start()
        for _ in range(10 + seed):
            assert here.poll(30)
            here.recv()
        worker.kill()
        worker.join(30)
    rules.resolve([], rules.pending("load"), client="load")
    # PostgreSQL may notice a little later that somebody is gone, and folding passes over what he has locked
    wait_until("all usage to be folded", _all_is_folded, 30)
    assert ProvisionLog.objects.count() >= 50
    shares = Holding.objects.filter(source=f"project:{PROJECT}", resource=SPACE)
    pool = Holding.objects.get(source="", resource=SPACE)
    assert sum(row.usage_max for row in shares) == pool.usage_max == pool.usage_min > 0
    assert ledger.differences() == {}


def test_what_one_connection_appends_is_one_delta_that_leaves_nothing_behind() -> None:
    holding = Holding.objects.get(holder=f"project:{PROJECT}", resource=VM)
    for _ in range(500):
        with atomic():
            assert deltas.append([Provision(holding.holder, None, VM, 2)])
    assert [delta.quantity for delta in holding.deltas.all()] == [1000]
    assert _entries_passed(holding) < 10


def test_what_is_given_back_waits_for_what_others_have_taken() -> None:
    """Theirs is not folded while they add to it."""
    holding = Holding.objects.get(holder=f"project:{PROJECT}", resource=VM)
    may_end, is_adding = threading.Event(), threading.Event()

    def take_more() -> None:
        try:
            with atomic():
                assert deltas.append([Provision(holding.holder, None, VM, 100)])
            with atomic():
                assert deltas.append([Provision(holding.holder, None, VM, 1)])
                is_adding.set()
                assert may_end.wait(30)
        finally:
            connection.close()

    other = threading.Thread(target=take_more)
    other.start()
    try:
        assert is_adding.wait(30)
        with atomic():
            assert deltas.append([Provision(holding.holder, None, VM, -80)])
        deltas.fold_all()
        assert Holding.objects.get(pk=holding.pk).usage_max == 20
    finally:
        may_end.set()
        other.join(30)
    deltas.fold_all()
    assert not Delta.objects.exists()
    assert Holding.objects.get(pk=holding.pk).usage_min == 21
    assert ledger.differences() == {}


def _entries_passed(holding: Holding) -> int:
    """How many entries of the index a query of a holding's deltas sees, of rows that are gone, too."""
    with atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        cursor.execute(
            "EXPLAIN (ANALYZE, FORMAT JSON) SELECT quantity FROM astakos_delta WHERE holding_id = %s",
            [holding.pk],
        )
        (plan,) = cursor.fetchone()[0]
    return int(plan["Plan"]["Plans"][0]["Actual Rows"])
