"""Statements that are made once: two queries as one, a row with the one above it; the cursor that is kept."""

from __future__ import annotations

import datetime

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import BigIntegerField, Value
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from synnefo.astakos.models import Delta, Holding
from synnefo.common import locks
from synnefo.common.locks import Kind, Lock
from synnefo.common.prepared import (
    Blank,
    Prepared,
    PreparedAddition,
    PreparedChild,
    PreparedModels,
    PreparedPair,
    PreparedUpsert,
    run,
)
from synnefo.pithos.namespace.models import Account, Container, Object, Share, Version

NOW = datetime.datetime(2031, 5, 1, tzinfo=datetime.UTC)

pytestmark = pytest.mark.django_db(transaction=True)
on_postgresql = pytest.mark.postgresql

_containers = PreparedModels(
    lambda account, name: Container.objects.select_related("account").filter(account=account, name=name),
    -1, "name",
)  # fmt: skip
_objects = PreparedModels(
    lambda account, name: Object.objects.filter(container__account=account, name=name), -2, "path"
)
_pair = PreparedPair(_containers, _objects)
_times = Prepared(lambda name: Container.objects.filter(name=name).values_list("created"), "name")


@pytest.fixture
def box() -> Container:
    account = Account.objects.create(name="ada")
    return Container.objects.create(account=account, name="box", attributes={"a": "b"})


def test_a_pair_brings_both_the_first_alone_or_nothing(box: Container) -> None:
    there, here = Object.objects.create(container=box, name="x"), box.account_id
    with CaptureQueriesContext(connection) as queries:
        assert _pair((here, "box"), (here, "x")) == (box, there)
        found = _pair((here, "box"), (here, "y"))
        assert found is not None
        assert found[1] is None
        assert (found[0], found[0].attributes, found[0].account.name) == (box, {"a": "b"}, "ada")
        assert _pair((here, "other"), (here, "x")) is None
    assert len(queries) == 3


def test_a_row_is_made_with_the_one_above_it_or_below_the_one_that_is_there(box: Container) -> None:
    path = PreparedUpsert(Object, "container", "name", unique=2)
    made = PreparedChild(path, Share, "object", "who", "write")
    above, first, is_new = made((box.pk, "new"), ("ada", False))
    again, second, is_new_again = made((box.pk, "new"), ("eve", True))
    assert (is_new, is_new_again) == (True, False)
    assert above == again == Object.objects.get(container=box, name="new").pk
    rows = Share.objects.filter(object=above).order_by("pk").values_list("pk", "who", "write")
    assert list(rows) == [(first, "ada", False), (second, "eve", True)]
    with pytest.raises(IntegrityError), transaction.atomic():
        made((box.pk, "new"), ("ada", True))


def test_what_is_sent_often_is_seen_by_who_counts_statements(box: Container) -> None:
    with CaptureQueriesContext(connection) as queries:
        _times("box")
    assert len(queries) == 1


def test_times_are_those_that_models_have(box: Container) -> None:
    box.refresh_from_db()
    ((created,),) = _times("box")
    assert (created, created.tzinfo) == (box.created, datetime.UTC)


def test_the_kept_cursor_survives_errors_and_lost_connections(box: Container) -> None:
    with pytest.raises(DatabaseError):
        run("SELECT nothing FROM nowhere", [])
    assert len(_times("box")) == 1
    connection.close()
    assert len(_times("box")) == 1
    changed = run("UPDATE pithos_container SET name = %s WHERE name = %s", ["crate", "box"])
    assert changed == ([], 1)


def test_nothing_is_sent_in_a_transaction_that_is_broken(box: Container) -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            _times("box")


@on_postgresql
def test_locks_of_several_kinds_are_one_statement_in_one_order() -> None:
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        locks.lock(Lock(Kind.CONTAINER, [7], alone=True), Lock(Kind.USAGE, {5, 3}))
    (statement,) = queries.captured_queries
    words = [word.strip(" (),'") for word in statement["sql"].replace(",", " ").replace("(", " ").split()]
    assert [word for word in words if word.isdigit()] == ["1", "3", "1", "5", "2", "7"]
    with transaction.atomic():
        locks.lock(Lock(Kind.CONTAINER, [7], alone=True), Lock(Kind.USAGE, {5, 3}))
        held, _ = run(
            "SELECT classid::int, objid::int, mode FROM pg_locks"
            " WHERE locktype = 'advisory' AND pid = pg_backend_pid() ORDER BY 1, 2",
            [],
        )
    assert held == [(1, 3, "ShareLock"), (1, 5, "ShareLock"), (2, 7, "ExclusiveLock")]


@on_postgresql
def test_locks_need_a_transaction() -> None:
    with pytest.raises(RuntimeError):
        locks.share(Kind.USAGE, [1])


def test_an_amount_is_added_to_the_row_that_is_there() -> None:
    holding = Holding.rows.create(holder="user:u", source="project:p", resource="vm", limit=9)
    add = PreparedAddition(Delta, "holding", "writer", "quantity")
    (first, other) = add.many([(holding.pk, 1, 5), (holding.pk, 2, 7)])
    assert add(holding.pk, 1, -2) == first != other
    assert sorted(Delta.objects.values_list("writer", "quantity")) == [(1, 3), (2, 7)]


def test_amounts_are_added_to_what_a_query_finds_which_tells_what_was_before() -> None:
    holding = Holding.rows.create(holder="user:u", source="project:p", resource="vm", limit=9)
    found = Prepared(
        lambda name, amount: (
            Holding.objects.filter(holder=name)
            .annotate(writer=Value(1), amount=Value(amount, output_field=BigIntegerField()))
            .values_list("pk", "writer", "amount", "appended")
        ),
        "name",
        -1,
    )
    add = PreparedAddition(Delta, "holding", "writer", "quantity")
    assert [add.of(found, "user:u", amount) for amount in (5, -2)] == [
        [(holding.pk, 1, 5, 0)],
        [(holding.pk, 1, -2, 5)],
    ]
    assert add.of(found, "nobody", 5) == []
    assert list(Delta.objects.values_list("writer", "quantity")) == [(1, 3)]


def test_a_blank_is_what_the_model_makes() -> None:
    version = Blank(Version)(uuid="u", modified=NOW, size_bytes=3)
    expected = Version(uuid="u", modified=NOW, size_bytes=3)
    assert {**vars(version), "_state": None} == {**vars(expected), "_state": None}
    assert version._state.adding
    assert vars(Blank(Version)())["attributes"] is not vars(Blank(Version)())["attributes"]


@on_postgresql
def test_statements_may_have_percent_signs(box: Container) -> None:
    found = run("SELECT name FROM pithos_container WHERE name LIKE 'b%%' AND id = %s", [box.pk])
    assert found == ([("box",)], 1)
