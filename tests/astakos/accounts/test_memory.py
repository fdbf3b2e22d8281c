"""What tokens say is remembered only as long as it is true: PostgreSQL tells of every change."""

from __future__ import annotations

import contextlib
import datetime
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
from synnefo.astakos.accounts.memory import Memory
from synnefo.astakos.accounts.models import Token, User
from synnefo.astakos.accounts.tokens import memory
from synnefo.astakos.projects.models import Membership, Project
from synnefo.common.caller import system_caller
from synnefo.common.faults import Unauthorized
from tests.astakos.conftest import Person
from tests.cloud import wait_until

SYSTEM = system_caller("test")


def opened() -> Memory[str]:
    made = Memory[str]()
    made.open(True)
    return made


def test_nothing_is_remembered_where_nobody_listens() -> None:
    kept = Memory[str]()
    kept.keep("digest", "value", kept.turn)
    assert kept.get("digest") is None


def test_what_is_kept_is_remembered_until_a_word_comes() -> None:
    kept = opened()
    kept.keep("digest", "value", kept.turn)
    kept.keep("another", "else", kept.turn)
    assert [kept.get(digest) for digest in ("digest", "another", "third")] == ["value", "else", None]
    kept.forget()
    assert [kept.get(digest) for digest in ("digest", "another")] == [None, None]


def test_what_is_remembered_is_forgotten_when_nobody_listens_any_more() -> None:
    kept = opened()
    kept.keep("digest", "value", kept.turn)
    kept.open(False)
    assert kept.get("digest") is None


def test_what_was_looked_up_before_a_word_came_is_not_kept_after_it() -> None:
    kept = opened()
    turn = kept.turn
    kept.forget()
    kept.keep("digest", "value", turn)
    assert kept.get("digest") is None


def test_nothing_is_remembered_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "_KEPT_S", 0)
    kept = opened()
    kept.keep("digest", "value", kept.turn)
    assert kept.get("digest") is None


def test_there_is_a_bound_to_how_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "_MOST", 3)
    kept = opened()
    for number in range(10):
        kept.keep(str(number), "value", kept.turn)
    assert [number for number in range(10) if kept.get(str(number))] == [9]


@pytest.fixture
def listening(transactional_db: None) -> Iterator[None]:
    def listen() -> None:
        with contextlib.suppress(psycopg.Error):
            memory.listen()

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


CHANGES = (revoke, deactivate, end, promote, leave, suspend, group)


@pytest.mark.postgresql
@pytest.mark.parametrize("change", CHANGES)
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


@pytest.mark.postgresql
def test_what_falls_due_is_due_without_a_word(
    listening: None, person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = person("ada")
    soon = timezone.now() + datetime.timedelta(seconds=0.5)
    Token.objects.filter(user=ada.user).update(expires=soon)
    wait_until("it is remembered", lambda: _asks_nobody(ada.token), 20)
    wait_until("it has ended", lambda: says(ada.token) == "Authentication expired", 20)


def _asks_nobody(token: str) -> bool:
    with CaptureQueriesContext(connection) as asked:
        tokens.identify(token)
    return not asked.captured_queries
