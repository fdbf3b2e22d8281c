"""What tokens say is remembered only as long as it is true: PostgreSQL tells of every change."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from synnefo.astakos.accounts import memory as remembering
from synnefo.astakos.accounts import rules, tokens
from synnefo.astakos.accounts.memory import Memory, memory
from synnefo.astakos.accounts.models import Token, User
from synnefo.astakos.projects.models import Membership, Project
from synnefo.common.caller import system_caller
from synnefo.common.faults import Unauthorized
from tests.astakos.conftest import Person
from tests.cloud import wait_until

SYSTEM = system_caller("test")
ROWS = [("a row",)]


def test_nothing_is_remembered_where_nobody_listens() -> None:
    asked: list[int] = []
    kept = Memory()
    for _ in range(2):
        kept.found("digest", lambda: asked.append(1) or ROWS)
    assert len(asked) == 2


def test_what_was_found_is_remembered_until_a_word_comes() -> None:
    asked: list[int] = []
    kept = Memory()
    kept.open(True)

    def ask(digest: str = "digest") -> int:
        assert kept.found(digest, lambda: asked.append(1) or ROWS) == ROWS
        return len(asked)

    assert [ask(), ask()] == [1, 1]
    kept.forget()
    assert [ask(), ask()] == [2, 2]
    assert ask("another") == 3
    kept.forget("another")
    assert [ask(), ask("another")] == [3, 4]
    kept.open(False)
    assert [ask(), ask()] == [5, 6]


def test_what_is_not_there_is_not_remembered() -> None:
    kept = Memory()
    kept.open(True)
    assert kept.found("digest", list) == []
    assert kept.found("digest", lambda: ROWS) == ROWS


def test_what_was_looked_up_before_a_word_came_is_not_kept_after_it() -> None:
    kept = Memory()
    kept.open(True)

    def overtaken() -> list[tuple[str]]:
        kept.forget()
        return ROWS

    assert kept.found("digest", overtaken) == ROWS
    assert kept.found("digest", lambda: [("newer",)]) == [("newer",)]


@pytest.fixture
def listening(transactional_db: None) -> Iterator[None]:
    def listen() -> None:
        with contextlib.suppress(psycopg.Error):
            remembering.listen()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        wait_until("somebody listens", lambda: memory.is_open, 20)
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = %s",
                [f"LISTEN {remembering.CHANNEL}"],
            )
        thread.join(20)
        memory.open(False)


def says(token: str) -> object:
    try:
        return tokens.identify(token)
    except Unauthorized as fault:
        return fault.message


def revoke(person: Person) -> None:
    Token.objects.filter(user=person.user).delete()


def deactivate(person: Person) -> None:
    rules.deactivate(SYSTEM, person.user, reason="gone")


def end(person: Person) -> None:
    Token.objects.filter(user=person.user).update(expires=timezone.now())


def promote(person: Person) -> None:
    User.objects.filter(pk=person.user.pk).update(is_superuser=True)


def leave(person: Person) -> None:
    Membership.objects.filter(person=person.user).delete()


def suspend(person: Person) -> None:
    Project.objects.filter(memberships__person=person.user).update(state=Project.State.SUSPENDED)


def group(person: Person) -> None:
    person.user.groups.add(Group.objects.create(name="helpdesk"))


@pytest.mark.postgresql
@pytest.mark.parametrize("change", [revoke, deactivate, end, promote, leave, suspend, group])
def test_every_change_of_what_a_token_says_is_heard_of(
    listening: None, person: Callable[..., Person], change: Callable[[Person], None]
) -> None:
    ada = person("ada")
    before = tokens.identify(ada.token)
    wait_until("it is remembered", lambda: _asks_nobody(ada.token), 20)
    change(ada)
    wait_until("it is heard of", lambda: says(ada.token) != before, 20)


@pytest.mark.postgresql
def test_that_a_token_was_used_is_no_change(listening: None, person: Callable[..., Person]) -> None:
    ada = person("ada")
    tokens.identify(ada.token)
    wait_until("it is remembered", lambda: _asks_nobody(ada.token), 20)
    Token.objects.update(last_used=timezone.now())
    assert _asks_nobody(ada.token)


def _asks_nobody(token: str) -> bool:
    with CaptureQueriesContext(connection) as asked:
        tokens.identify(token)
    return not asked.captured_queries
