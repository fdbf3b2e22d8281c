"""Answers that take long: blanks keep clients waiting; what comes at once is as it always was."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from synnefo.common.caller import anonymous_caller
from synnefo.common.faults import Conflict
from synnefo.pithos.faces.s3 import kit
from synnefo.pithos.faces.s3.errors import S3Error
from synnefo.pithos.faces.s3.kit import Asked
from synnefo.pithos.faces.s3.patience import patiently
from tests.pithos_s3.conftest import texts


@pytest.fixture
def asked() -> Asked:
    return Asked(RequestFactory().post("/b/k"), anonymous_caller(), "", "b", "k", {}, None)


def answer(_: Asked) -> HttpResponse:
    return kit.answer("Done", {"Key": "k"})


class Slow:
    """A view that answers when ``go`` is set."""

    def __init__(self, outcome: Any) -> None:
        self.go, self.outcome = threading.Event(), outcome

    def __call__(self, asked: Asked) -> HttpResponse:
        assert self.go.wait(30)
        return self.outcome(asked)


def refuse(_: Asked) -> HttpResponse:
    raise Conflict("Too much going on.")


def test_what_comes_at_once_is_answered_as_it_is(asked: Asked) -> None:
    assert patiently(asked, answer).content == answer(asked).content
    with pytest.raises(Conflict):
        patiently(asked, refuse)


def read_slowly(asked: Asked, view: Slow) -> tuple[int, bytes]:
    """All of the answer; the view goes on after some blanks."""
    response: Any = patiently(asked, view, at_once_s=0.001, every_s=0.001)
    pieces = []
    for piece in response.streaming_content:
        pieces.append(piece)
        if pieces[1:].count(b" ") == 3:
            view.go.set()
    return response.status_code, b"".join(pieces)


def test_what_takes_long_begins_with_blanks(asked: Asked) -> None:
    status, found = read_slowly(asked, Slow(answer))
    head, _, rest = found.partition(b"?>\n")
    assert (status, rest[:3]) == (200, b"   ")
    assert head + b"?>\n" + rest.lstrip() == answer(asked).content


@pytest.mark.parametrize(
    ("error", "code"), [(Conflict("x"), "OperationAborted"), (S3Error("InvalidPart"), "InvalidPart")]
)
def test_errors_that_come_late_are_told_all_the_same(asked: Asked, error: Exception, code: str) -> None:
    def fail(_: Asked) -> HttpResponse:
        raise error

    status, found = read_slowly(asked, Slow(fail))
    assert (status, texts(HttpResponse(found), "Code")) == (200, [code])
