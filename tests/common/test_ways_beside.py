"""Where something is tried before the application."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from synnefo.webproject.objects import lane_of_the_loop, unhurried_lane, ways_beside


@pytest.mark.parametrize(
    ("serves", "more", "expected"),
    [
        (["objects"], {}, (1, 1)),
        (["pages"], {}, (0, 0)),
        (["pages", "objects"], {}, (0, 0)),
        (["s3"], {}, (0, 0)),
        (["objects"], {"SECURE_HSTS_SECONDS": 60}, (0, 0)),
        (["objects"], {"SECURE_SSL_REDIRECT": True}, (0, 0)),
        (["objects"], {"SYNNEFO_SERVICES": ["astakos"]}, (0, 0)),
    ],
)
def test_plain_requests_go_beside_it_in_processes_for_objects_where_the_scheme_makes_no_difference(
    settings: Any, serves: list[str], more: dict[str, Any], expected: tuple[int, int]
) -> None:
    settings.SYNNEFO_WEB_SERVES = serves
    for name, value in more.items():
        setattr(settings, name, value)
    prompts, lanes = ways_beside()
    assert (len(prompts), len(lanes)) == expected


def test_what_breaks_beside_the_application_is_left_to_it() -> None:
    class Broken:
        def asked(self, scope: Any, body: memoryview | None) -> str:
            return "question"

        def answers(self, asked: Any) -> Any:
            raise ZeroDivisionError

    with ThreadPoolExecutor(1) as elsewhere:  # this thread's connection is the test's
        for lane in (lane_of_the_loop(Broken()), unhurried_lane(Broken())):
            assert elsewhere.submit(lane.answers, ["question"] * 2).result() == [None] * 2


class Sessions:
    """A lane that answers with the number of its session with the database."""

    def __init__(self) -> None:
        self.others_may_ask, self.may_go_on = threading.Event(), threading.Event()

    def asked(self, scope: Any, body: memoryview | None) -> str:
        raise NotImplementedError

    def answers(self, asked: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            found = cursor.fetchone()
        if asked == ["wait"]:
            self.others_may_ask.set()
            assert self.may_go_on.wait(30)
        if asked == ["leave"]:
            connection.close()
        return found


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


@pytest.fixture
def lane(sessions: Sessions) -> Iterator[Any]:
    """Nothing is left open: a database cannot be removed while somebody is there."""
    made = unhurried_lane(sessions)
    yield made
    made.answers(["leave"])


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_what_is_asked_alone_goes_over_one_connection_whatever_the_thread(lane: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        own = cursor.fetchone()
    found = []
    for _ in range(3):
        with ThreadPoolExecutor(1) as elsewhere:
            found.append(elsewhere.submit(lane.answers, ["question"]).result())
    assert found == [found[0]] * 3
    assert found[0] != own
    assert lane.answers(["question"]) == found[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone() == own


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_what_is_asked_meanwhile_goes_over_another_one(lane: Any, sessions: Sessions) -> None:
    with ThreadPoolExecutor(1) as elsewhere:
        first = elsewhere.submit(lane.answers, ["wait"])
        assert sessions.others_may_ask.wait(30)
        with ThreadPoolExecutor(1) as further:
            second = further.submit(lane.answers, ["leave"]).result()
        sessions.may_go_on.set()
        assert first.result() not in (second, [None])


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_after_the_server_ended_its_session_a_lane_begins_another(lane: Any) -> None:
    ((pid,),) = [lane.answers(["question"])]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert lane.answers(["question"]) == [None]
    assert lane.answers(["question"]) not in ([None], (pid,))
