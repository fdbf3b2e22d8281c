"""Where something is tried before the application."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

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
