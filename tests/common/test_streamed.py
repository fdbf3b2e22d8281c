"""Long answers of the database in pieces: whole, in order, and nothing is left behind."""

from __future__ import annotations

from contextlib import closing

import pytest
from django.db import DataError, connection, transaction
from django.db.models import IntegerField, Value
from django.db.models.functions import Cast
from django.test.utils import CaptureQueriesContext

from synnefo.common import streamed
from synnefo.pithos.namespace.models import Account

pytestmark = pytest.mark.django_db
COUNT = 2 * streamed.AT_ONCE + 7
NAMES = [f"{number:05}" for number in range(COUNT)]


@pytest.fixture(autouse=True)
def accounts() -> None:
    Account.objects.bulk_create(Account(name=name) for name in NAMES)


def test_all_rows_come_in_pieces() -> None:
    rows = Account.objects.order_by("name").values_list("name", "of_project")
    pieces = list(streamed.pieces(rows))
    assert [len(piece) for piece in pieces] == [streamed.AT_ONCE, streamed.AT_ONCE, 7]
    assert [name for piece in pieces for name, _ in piece] == NAMES


def test_who_watches_queries_sees_it_as_one() -> None:
    with CaptureQueriesContext(connection) as queries:
        pieces = list(streamed.pieces(Account.objects.order_by("name").values_list("name")))
    assert [name for piece in pieces for (name,) in piece] == NAMES
    assert len(queries) == 1


@pytest.mark.parametrize("names", [[], ["absent"]], ids=["impossible", "none"])
def test_nothing_is_no_piece(names: list[str]) -> None:
    assert list(streamed.pieces(Account.objects.filter(name__in=names).values_list("name"))) == []


@pytest.mark.django_db(transaction=True)
def test_the_connection_is_good_for_more_after_one_that_was_not_read_to_its_end() -> None:
    with closing(streamed.pieces(Account.objects.values_list("name"))) as pieces:
        assert len(next(pieces)) == streamed.AT_ONCE
    assert Account.objects.count() == COUNT


@pytest.mark.postgresql
def test_errors_are_those_of_django() -> None:
    wrong = Account.objects.annotate(number=Cast(Value("x"), IntegerField())).values_list("number")
    with pytest.raises(DataError), transaction.atomic():
        list(streamed.pieces(wrong))
    assert Account.objects.count() == COUNT
