"""Commissions against the database: all or nothing, refusals with their data, settling once, few queries."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from synnefo.astakos.models import Commission, Holding, Provision, ProvisionLog
from synnefo.astakos.quotas import reading, rules
from synnefo.common.accounts import Provision as Wish
from synnefo.common.accounts import provisions_for
from synnefo.common.faults import ItemNotFound, OverLimit

pytestmark = pytest.mark.django_db

USER, PROJECT = "u1", "p1"
POOL = ("project:p1", "", "vm")
SHARE = ("user:u1", "project:p1", "vm")


@pytest.fixture(autouse=True)
def limits() -> None:
    rules.set_limits(
        {POOL: 10, SHARE: 6, ("project:p1", "", "cpu"): 100, ("user:u1", "project:p1", "cpu"): 100}
    )


def levels(key: rules.Key) -> tuple[int, int]:
    row = Holding.objects.get(holder=key[0], source=key[1], resource=key[2])
    return row.usage_min, row.usage_max


def issue(amounts: dict[str, int], **options: bool) -> int:
    return rules.issue(provisions_for(USER, PROJECT, amounts), client="test", name="n", **options)


def test_a_commission_charges_the_user_and_the_pool() -> None:
    serial = issue({"vm": 4})
    assert levels(SHARE) == levels(POOL) == (0, 4)
    assert rules.resolve([serial], [], client="test").accepted == [serial]
    assert levels(SHARE) == levels(POOL) == (4, 4)
    assert not Commission.objects.exists()
    assert not Provision.objects.exists()


def test_a_rejected_commission_leaves_nothing_but_its_log() -> None:
    serial = issue({"vm": 4})
    assert rules.resolve([], [serial], client="test").rejected == [serial]
    assert levels(SHARE) == levels(POOL) == (0, 0)
    entries = ProvisionLog.objects.filter(serial=serial)
    assert {(row.holder, row.quantity, row.accepted) for row in entries} == {
        ("user:u1", 4, False),
        ("project:p1", 4, False),
    }


def test_one_refused_provision_refuses_all() -> None:
    with pytest.raises(OverLimit) as refusal:
        issue({"cpu": 1, "vm": 7})
    assert refusal.value.data == {
        "name": "NoCapacityError",
        "provision": {"holder": "user:u1", "source": "project:p1", "resource": "vm", "quantity": 7},
        "limit": 6,
        "usage": 0,
    }
    assert levels(SHARE) == (0, 0)
    assert not Commission.objects.exists()


def test_the_pool_limits_too() -> None:
    rules.set_limits({POOL: 3})
    with pytest.raises(OverLimit) as refusal:
        issue({"vm": 4})
    assert refusal.value.data is not None
    assert refusal.value.data["provision"]["source"] is None


def test_giving_back_more_than_there_is_is_refused_even_by_force() -> None:
    with pytest.raises(OverLimit) as refusal:
        issue({"vm": -1}, force=True)
    assert refusal.value.data is not None
    assert refusal.value.data["name"] == "NoQuantityError"
    assert (refusal.value.data["limit"], refusal.value.data["usage"]) == (0, 0)


def test_an_unknown_holding_is_named() -> None:
    with pytest.raises(ItemNotFound) as refusal:
        rules.issue([Wish("user:u1", None, "vm", 1)], client="test")
    assert refusal.value.data == {
        "name": "NoHoldingError",
        "provision": {"holder": "user:u1", "source": None, "resource": "vm", "quantity": 1},
    }


def test_equal_keys_are_summed() -> None:
    wishes = [Wish("project:p1", None, "vm", 6), Wish("project:p1", None, "vm", 5)]
    with pytest.raises(OverLimit) as refusal:
        rules.issue(wishes, client="test")
    assert refusal.value.data is not None
    assert refusal.value.data["provision"]["quantity"] == 11


def test_force_goes_over_the_limit_and_the_way_back_is_open() -> None:
    rules.resolve([issue({"vm": 20}, force=True)], [], client="test")
    assert levels(POOL) == (20, 20)
    rules.resolve([issue({"vm": -1})], [], client="test")
    assert levels(POOL) == (19, 19)


def test_a_commission_can_be_accepted_at_once() -> None:
    issue({"vm": 2}, auto_accept=True)
    assert levels(SHARE) == (2, 2)
    assert not Commission.objects.exists()


def test_settling_twice_or_anothers_changes_nothing() -> None:
    serial = issue({"vm": 2})
    assert rules.resolve([serial], [], client="somebody else").missing == [serial]
    rules.resolve([serial], [], client="test")
    assert rules.resolve([], [serial], client="test").missing == [serial]
    assert levels(SHARE) == (2, 2)


def test_a_pending_commission_survives_a_lowered_limit() -> None:
    serial = issue({"vm": 4})
    rules.set_limits({SHARE: 0, POOL: 0})
    rules.resolve([serial], [], client="test")
    assert levels(SHARE) == (4, 4)


def test_limits_change_without_touching_usage_or_other_holdings() -> None:
    issue({"vm": 3}, auto_accept=True)
    rules.set_limits({SHARE: 1, ("user:u2", "project:p1", "vm"): 5})
    assert levels(SHARE) == (3, 3)
    assert Holding.objects.get(holder="user:u1", resource="vm").limit == 1
    assert Holding.objects.get(holder="user:u2").limit == 5
    assert Holding.objects.get(holder="user:u1", resource="cpu").limit == 100


def test_a_holding_without_source_is_unique_too() -> None:
    rules.set_limits({POOL: 7})
    assert Holding.objects.filter(holder="project:p1", resource="vm").count() == 1


def test_pending_lists_the_old_ones_of_a_client() -> None:
    serial = issue({"vm": 1})
    now = timezone.now()
    assert rules.pending("test") == [serial]
    assert rules.pending("test", issued_before=now - datetime.timedelta(seconds=60)) == []
    assert rules.pending("test", issued_before=now + datetime.timedelta(seconds=1)) == [serial]
    assert rules.pending("somebody else") == []


def test_reading_shows_the_pessimistic_usage() -> None:
    issue({"vm": 4}, auto_accept=True)
    issue({"vm": 1})
    use = reading.of_user(USER)[PROJECT]["vm"]
    assert (use.limit, use.usage, use.pending) == (6, 5, 1)
    assert (use.project_limit, use.project_usage, use.project_pending) == (10, 5, 1)
    assert use.effective_limit == 6


def test_a_share_without_a_pool_reads_as_empty() -> None:
    rules.set_limits({("user:u1", "project:gone", "vm"): 5})
    assert reading.of_user(USER)["gone"]["vm"].project_limit == 0


def test_six_resources_cost_few_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    names = ["vm", "cpu", "ram", "disk", "total_cpu", "total_ram"]
    rules.set_limits({("project:p1", "", name): 99 for name in names})
    rules.set_limits({("user:u1", "project:p1", name): 99 for name in names})
    savepoint = 2 if connection.in_atomic_block else 0
    locks = 1 if connection.vendor == "postgresql" else 0
    with django_assert_num_queries(5 + locks + savepoint):
        serial = issue(dict.fromkeys(names, 1))
    with django_assert_num_queries(7 + savepoint):
        rules.resolve([serial], [], client="test")


def test_very_many_holdings_are_set_at_once() -> None:
    keys = {(f"user:{number}", "project:p1", "vm"): number for number in range(700)}
    rules.set_limits(keys)
    rules.set_limits(dict.fromkeys(keys, 3))
    assert Holding.objects.filter(source="project:p1", resource="vm", limit=3).count() == 700
